"""What a net takes to predict from and to be judged by: arrays of several shapes, tables, classes by name."""

import warnings

import numpy as np
import pytest

import gpufa

N = 24
RNG = np.random.default_rng(6)
X = RNG.normal(size=(N, 6))
LABELS = np.arange(N) % 3
KIND = np.array(["red", "green", "blue"])[LABELS]
SMALL = {"hidden": (5,), "epochs": 2, "backend": "numpy", "dtype": "float64"}
CALLS = "evaluate", "loss", "gradients", "signals", "alignment"


def trained(data, **settings):
    return gpufa.train(gpufa.Config(**SMALL | settings), data=data).network


def told(result):
    """All numbers of a result."""
    return np.concatenate([np.ravel(v) for v in (result.values() if isinstance(result, dict) else [result])])


def same(net, call, x, y, *given):
    np.testing.assert_array_equal(told(getattr(net, call)(*given)), told(getattr(net, call)(x, y)))


def test_inputs_of_several_dimensions_as_in_training(backend):
    net = trained((X.reshape(N, 2, 3), LABELS), backend=backend)
    np.testing.assert_array_equal(net.predict(X.reshape(N, 3, 2)), net.predict(X))
    for call in CALLS:
        same(net, call, X, LABELS, X.reshape(N, 2, 3, 1), LABELS[:, None])
    for x in X[:, :5], X[0], X[:0], X.reshape(4, 6, 6):
        with pytest.raises(gpufa.InvalidValue, match=r"inputs have shape \(.*\); expected \(samples, 6\) with at"):
            net.predict(x)


@pytest.mark.parametrize("call", CALLS)
def test_labels_in_whatever_form(call):
    net = trained((X, LABELS))
    for y in LABELS[:, None], LABELS.astype(float), LABELS[:, None].astype(np.float32), list(LABELS), np.uint8(LABELS):
        same(net, call, X, LABELS, X, y)
    named = trained((X, KIND))
    coded = np.array(["blue", "green", "red"]).searchsorted(KIND)
    for y in KIND, list(KIND), KIND.astype(object), KIND.astype("S"):
        same(named, call, X, coded, X, y)


def test_labels_that_are_none():
    net = trained((X, KIND))
    with pytest.raises(gpufa.InvalidValue, match=r"has the class pink, but those of the training data are blue"):
        net.evaluate(X, np.where(KIND == "red", "pink", KIND))
    with pytest.raises(gpufa.InvalidValue, match=r"label 3 is out of range.*0 to 2 \(blue, green, red: these go"):
        net.evaluate(X, LABELS + 1)
    with pytest.raises(gpufa.InvalidValue, match=r"x has 24 samples, but y 5"):
        net.evaluate(X, KIND[:5])
    with pytest.raises(gpufa.InvalidValue, match=r"there are no targets to judge by; hand them in as y, or a table"):
        net.evaluate(X)
    plain = gpufa.Network([6, 4, 3], backend="numpy")
    with pytest.raises(gpufa.InvalidValue, match=r"the targets is of dtype <U5; give real numbers"):
        plain.evaluate(X, KIND)
    with pytest.raises(gpufa.InvalidValue, match=r"expected 24 whole-number labels or \(24, 3\)"):
        plain.evaluate(X, LABELS + 0.5)


def test_numbers_that_could_be_classes_or_their_names():
    net = trained((X, LABELS + 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error", gpufa.GpufaWarning)
        by_number = net.loss(X, LABELS)
        np.testing.assert_array_equal(net.loss(X, (LABELS + 1).astype(str)), by_number)
    with pytest.raises(gpufa.InvalidValue, match=r"label 3 is out of range.*\(1, 2, 3: these go as strings"):
        net.loss(X, LABELS + 1)
    both = LABELS[LABELS > 0]
    with pytest.warns(gpufa.GpufaWarning, match=r"y is taken as the numbers of classes, not as their names \(1, 2, 3"):
        net.loss(X[LABELS > 0], both)


def test_tables(backend):
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame({f"c{i}": X[:, i] for i in range(6)} | {"kind": KIND})
    net = trained(table, backend=backend)
    assert net.about.target == ("kind",)
    coded = np.array(["blue", "green", "red"]).searchsorted(KIND)
    shuffled = table[["c3", "kind", "c1", "c0", "c5", "c2", "c4"]]
    np.testing.assert_array_equal(net.predict(shuffled), net.predict(X))
    np.testing.assert_array_equal(net.predict(shuffled.drop(columns="kind")), net.predict(X))
    for call in CALLS:
        same(net, call, X, coded, shuffled)
        same(net, call, X, coded, shuffled.drop(columns="kind"), table["kind"])
        same(net, call, X, coded, X, table["kind"].astype("category"))
    with pytest.raises(gpufa.InvalidValue, match=r"there is no column c0"):
        net.predict(table.drop(columns="c0"))
    with pytest.raises(gpufa.InvalidValue, match=r"there are no targets to judge by"):
        net.loss(table.drop(columns="kind"))
    numbered = trained((X, LABELS + 1))
    np.testing.assert_array_equal(numbered.loss(X, pd.Series(LABELS + 1)), numbered.loss(X, LABELS))  # names, as it had
    reals = trained((X, pd.Series(X[:, 0], name="r")))
    np.testing.assert_array_equal(reals.loss(X, pd.Series(X[:, 0])), reals.loss(X, X[:, :1]))


def test_a_table_for_a_net_that_has_no_names():
    pd = pytest.importorskip("pandas")
    table, net = pd.DataFrame(X), gpufa.Network([6, 4, 3], backend="numpy")
    np.testing.assert_array_equal(net.predict(table), net.predict(X))
    np.testing.assert_array_equal(net.loss(table, pd.Series(LABELS)), net.loss(X, LABELS))


class Tensor:
    """As a tensor that needs a gradient, or is on another device, answers NumPy."""

    shape = (24, 6)

    def __array__(self, *args, **kw):
        raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")


@pytest.mark.parametrize("place", range(4))
def test_arrays_that_can_not_be_had(place):
    data = [X, LABELS, X, LABELS]
    data[place] = Tensor()
    told = r"can't be made a NumPy array \(Can't call numpy\(\) on Tensor that requires grad. Use tensor.detach"
    with pytest.raises(gpufa.InvalidValue, match=told):
        trained(data)
    with pytest.raises(gpufa.InvalidValue, match=told):
        trained(dict(zip(("x_train", "y_train", "x_test", "y_test"), data, strict=True)))
    net = gpufa.Network([6, 4, 3], backend="numpy")
    for call in CALLS:
        with pytest.raises(gpufa.InvalidValue, match=told):
            getattr(net, call)(*data[2 * (place // 2) :][:2])
    if place % 2 == 0:
        with pytest.raises(gpufa.InvalidValue, match=told):
            net.predict(Tensor())
