"""The public Network: shapes, views, replicas, prediction in chunks, alignment, and what it refuses."""

import gc
import weakref

import numpy as np
import pytest

import gpufa
from gpufa.functions.initialisers import INITIALISERS
from gpufa.measure import alignment

SIZES = [6, 9, 7, 3]
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(20, 6)), rng.integers(0, 3, 20)


def make(**kw):
    kw = {"rule": "dfa", "init": "uniform", "dtype": "float64", "backend": "numpy"} | kw
    return gpufa.Network(SIZES, **kw)


def test_parameters_and_feedback_are_live_and_cannot_be_rebound():
    net = make()
    assert {n: p.shape for n, p in net.parameters.items()} == {
        "W1": (9, 6), "W2": (7, 9), "W3": (3, 7), "b1": (9,), "b2": (7,), "b3": (3,)}  # fmt: skip
    before = net.predict(X)
    net.parameters["W1"][...] *= 2
    assert not np.allclose(net.predict(X), before)
    gradient = net.gradients(X, Y)["W1"]
    net.feedback["B1"][...] *= 2
    np.testing.assert_allclose(net.gradients(X, Y)["W1"], 2 * gradient)
    with pytest.raises(TypeError):
        net.parameters["W1"] = np.zeros((9, 6))


def test_seeds_give_a_replica_axis_and_each_replica_is_its_single_network():
    many = make(seeds=[4, 0, 9], rule="fa")
    assert many.parameters["W2"].shape == (3, 7, 9)
    assert many.predict(X).shape == (3, 20, 3)
    angles, losses, gradients = many.alignment(X, Y), many.loss(X, Y), many.gradients(X, Y)
    for r, seed in enumerate([4, 0, 9]):
        one = make(seed=seed, rule="fa")
        for name in one.parameters:
            np.testing.assert_array_equal(many.parameters[name][r], one.parameters[name])
            np.testing.assert_allclose(gradients[name][r], one.gradients(X, Y)[name], rtol=1e-12, atol=1e-15)
        np.testing.assert_array_equal(many.feedback["B1"][r], one.feedback["B1"])
        np.testing.assert_allclose(losses[r], one.loss(X, Y))
        for name, values in one.alignment(X, Y).items():
            np.testing.assert_allclose(angles[name][r], values)


def test_prediction_in_chunks_equals_the_whole(monkeypatch):
    net = make()
    whole = net.predict(X)
    np.testing.assert_allclose(whole.sum(axis=1), 1)
    monkeypatch.setattr("gpufa.net.learner.CHUNK", 7)
    np.testing.assert_allclose(net.predict(X), whole, rtol=1e-13)
    np.testing.assert_allclose(make().loss(X, Y), net.loss(X, Y), rtol=1e-13)


def test_loss_is_the_mean_over_samples_and_takes_labels_or_targets():
    net = make()
    expected = -np.log(net.predict(X)[np.arange(20), Y]).mean()
    np.testing.assert_allclose(net.loss(X, Y), expected)
    np.testing.assert_allclose(net.loss(X, np.eye(3)[Y]), expected)


def test_one_activation_per_hidden_layer():
    mixed = make(activation=["relu", "tanh"])
    assert [f.name for f in mixed.activations] == ["relu", "tanh"]
    assert not np.allclose(mixed.predict(X), make(activation="tanh").predict(X))


@pytest.mark.parametrize("init", INITIALISERS)
def test_initialisers(init):
    net = gpufa.Network([400, 300, 500], init=init, rule="bp", dtype="float64", backend="numpy")
    for name, w in net.parameters.items():
        if name[0] == "b" or init == "zeros":
            assert not w.any()
            continue
        fan_out, fan_in = w.shape
        if init == "orthogonal":
            square = w @ w.T if fan_out <= fan_in else w.T @ w
            np.testing.assert_allclose(square, np.eye(min(w.shape)), atol=1e-12)
        else:
            deviation = {"uniform": 1 / np.sqrt(3 * fan_in), "normal": 1 / np.sqrt(fan_in), "he": np.sqrt(2 / fan_in),
                         "glorot": np.sqrt(2 / (fan_in + fan_out))}[init]  # fmt: skip
            np.testing.assert_allclose(w.std(), deviation, rtol=0.02)


@pytest.mark.parametrize("init", INITIALISERS)
def test_init_scale_stands_in_for_what_the_widths_make(init):
    if init == "zeros":
        with pytest.raises(gpufa.InvalidValue, match=r"init_scale = 0.2 has nothing to scale .* add --init uniform"):
            gpufa.Network([4, 3], init=init, init_scale=0.2, rule="bp", backend="numpy")
        return
    usual, own = (
        gpufa.Network([40, 30, 50], init=init, init_scale=size, rule="layerwise", dtype="float64", backend="numpy")
        for size in (None, 0.2)
    )
    for name in ("W1", "W2"):
        a, b = usual.parameters[name], own.parameters[name]
        if init == "orthogonal":
            np.testing.assert_allclose(b, 0.2 * a, rtol=1e-15)
        elif init in ("uniform", "glorot"):
            assert 0.19 < abs(b).max() <= 0.2
            np.testing.assert_allclose(a / abs(a).max(), b / abs(b).max(), rtol=1e-12)
        else:
            np.testing.assert_allclose(b.std(), 0.2, rtol=0.05)
    np.testing.assert_array_equal(usual.parameters["H1"], own.parameters["H1"])  # a rule's own arrays are the rule's


def test_default_init_is_each_rules_papers():
    for rule, activation, zero in [("dfa", "tanh", True), ("fa", "logistic", True), ("dfa", "relu", False),
                                   ("ifa", "tanh", False), ("bp", "tanh", False)]:  # fmt: skip
        net = gpufa.Network(SIZES, rule=rule, activation=activation, backend="numpy")
        assert (not net.parameters["W1"].any()) == zero, (rule, activation)
    code = gpufa.Network(SIZES, rule="fa", activation="tanh", init="nokland_code", backend="numpy").parameters
    assert [bool(code[f"W{k}"].any()) for k in (1, 2, 3)] == [True, False, False]
    relu = gpufa.Network(SIZES, rule="fa", activation="relu", init="nokland_code", backend="numpy").parameters
    assert all(relu[f"W{k}"].any() for k in (1, 2, 3))


@pytest.mark.parametrize("rule", ["fa", "pepita"])
def test_signals_are_what_the_gradients_are_made_of(rule):
    net = make(rule=rule)
    found = net.signals(X, Y)
    assert list(found) == ["h1", "h2", "delta1", "delta2", "delta3"]
    np.testing.assert_allclose(found["h1"], np.tanh(X @ net.parameters["W1"].T + net.parameters["b1"]))
    np.testing.assert_allclose(found["delta3"], net.predict(X) - np.eye(3)[Y], atol=1e-15)
    np.testing.assert_allclose(found["delta2"].mean(axis=0), net.gradients(X, Y)["b2"], atol=1e-15)
    if rule == "fa":
        np.testing.assert_allclose(found["delta2"].T @ found["h1"] / len(X), net.gradients(X, Y)["W2"], atol=1e-15)


def test_signals_of_replicas_of_a_rule_without_deltas_and_of_a_net_without_hidden_layers():
    many, one = (make(rule="hebbian", **kw).signals(X, Y) for kw in ({"seeds": [4, 0]}, {"seed": 0}))
    assert list(many) == list(one) == ["h1", "h2"]
    for name, h in one.items():
        np.testing.assert_array_equal(many[name][1], h)
    flat = gpufa.Network([6, 3], rule="bp", backend="numpy").signals(X, Y)
    assert {name: d.shape for name, d in flat.items()} == {"delta1": (20, 3)}


@pytest.mark.parametrize("samples", [3, 20])  # by products of samples, and by the gradients themselves
def test_alignment_metrics_against_their_definitions(samples):
    x, y = X[:samples], Y[:samples]
    net = make(rule="dfa")
    bp = make(rule="bp")
    for name, p in bp.parameters.items():
        p[...] = net.parameters[name]
    W, B = net.parameters, net.feedback
    a1 = np.tanh(W["W1"] @ x.T + W["b1"][:, None])
    a2 = np.tanh(W["W2"] @ a1 + W["b2"][:, None])
    e = (net.predict(x) - np.eye(3)[y]).T
    ours = {1: (B["B1"] @ e) * (1 - a1**2), 2: (B["B2"] @ e) * (1 - a2**2)}
    true = {2: (W["W3"].T @ e) * (1 - a2**2)}
    true[1] = (W["W2"].T @ true[2]) * (1 - a1**2)
    found = net.alignment(x, y)

    def angle(a, b):
        return np.degrees(np.arccos((a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b)))

    gradients = net.gradients(x, y), bp.gradients(x, y)
    for k in (1, 2):
        np.testing.assert_allclose(found["agreement"][k - 1], 100 * ((ours[k] * true[k]).sum(0) > 0).mean())
        cosines = (ours[k] * true[k]).sum(0) / np.linalg.norm(ours[k], axis=0) / np.linalg.norm(true[k], axis=0)
        np.testing.assert_allclose(found["per_sample"][k - 1], np.degrees(np.arccos(cosines.mean())))
        np.testing.assert_allclose(found["batch"][k - 1], angle(ours[k], true[k]))
        np.testing.assert_allclose(found["gradient"][k - 1], angle(*(g[f"W{k}"] for g in gradients)))
    np.testing.assert_allclose(found["weight"], [angle(B["B2"] @ B["B1"].T, W["W2"]), angle(B["B2"].T, W["W3"])])
    np.testing.assert_array_equal(found["excluded"], 0)
    assert set(found) == set(alignment.METRICS)


def test_bp_aligns_with_itself_and_samples_with_a_zero_vector_are_counted_out():
    angles = make(rule="bp").alignment(X, Y)
    for name in ("per_sample", "batch", "gradient", "weight"):
        np.testing.assert_allclose(angles[name], 0, atol=1e-5)
    dead = make(rule="dfa", activation="relu")
    x = X.copy()
    x[:5] = 0  # zero input, zero bias: relu's derivative is zero
    assert (dead.alignment(x, Y)["excluded"] >= 5).all()
    assert np.isnan(make(rule="ifa").alignment(X, Y)["weight"]).all()


@pytest.mark.parametrize(
    ("kw", "text"),
    [
        ({"activation": "tan"}, "unknown activation 'tan'"),
        (
            {"activation": ["tanh"] * 3},
            "3 activations were given for 2 hidden layers; give one for all or one for each",
        ),
        ({"loss": "hinge"}, "unknown loss 'hinge'"),
        ({"init": "ones"}, "unknown init 'ones'; choose one of zeros"),
        ({"init": ["zeros"] * 2}, "2 inits were given for 3 weight matrices"),
        ({"seeds": []}, "seeds is empty; give at least one"),
        ({"seeds": [1, 1]}, "seeds [1, 1] repeat one"),
        ({"seed": -3}, "seed -3 can't be used"),
        ({"dtype": "float16"}, "unknown dtype 'float16'; choose one of float32, float64"),
    ],
)
def test_what_the_constructor_refuses(kw, text):
    with pytest.raises(gpufa.InvalidValue) as error:
        make(**kw)
    assert text in str(error.value)


@pytest.mark.parametrize(
    ("sizes", "text"),
    [
        ([5], "a network needs at least inputs and outputs; got sizes [5]"),
        ([5, 4, 0, 3], "hidden layer 2 has 0 units; every layer needs at least one: give --hidden 800 800"),
        ([0, 4], "the input has 0 units"),
        ([4, 0], "the output layer has 0 units"),
        ([4, 2.5, 3], "layer size 2.5 is no whole number"),
    ],
)
def test_bad_sizes(sizes, text):
    with pytest.raises(gpufa.InvalidValue) as error:
        gpufa.Network(sizes, backend="numpy")
    assert text in str(error.value)


@pytest.mark.parametrize(
    ("x", "y", "text"),
    [
        (X[:, :5], Y, "inputs have shape (20, 5); expected (samples, 6) with at least one sample"),
        (X[:0], Y[:0], "inputs have shape (0, 6)"),
        (X, Y[:5], "targets have shape (5,)"),
        (X, Y + 1, "label 3 is out of range; a network with 3 outputs takes labels 0 to 2"),
        (X, Y - 1, "label -1 is out of range"),
        (X, Y + 0.5, "expected 20 whole-number labels or (20, 3)"),
    ],
)
def test_bad_batches(x, y, text):
    for call in (make().loss, make().gradients, make().alignment):
        with pytest.raises(gpufa.InvalidValue) as error:
            call(x, y)
        assert text in str(error.value)


def test_no_hidden_layer_is_a_linear_classifier():
    net = gpufa.Network([6, 3], rule="bp", dtype="float64", backend="numpy")
    assert set(net.gradients(X, Y)) == {"W1", "b1"}
    assert net.alignment(X, Y)["per_sample"].shape == (0,)
    assert gpufa.Network([6, 3], rule="dfa", backend="numpy").gradients(X, Y)["W1"].any()


def test_weights_beyond_float32_come_without_numpys_warnings(recwarn):
    net = gpufa.Network([4, 3], init="orthogonal", init_scale=1e308, backend="numpy")
    assert not np.isfinite(net.parameters["W1"]).all()
    assert [str(w.message) for w in recwarn] == []


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kw", [{"rule": gpufa.rules.DFA(scale=1e300)}, {"init": "uniform", "init_scale": 1e300}])
def test_a_scale_beyond_the_numbers_makes_infinite_ones_without_a_word(kw):
    """It is training that tells of it: the seed has diverged."""
    net = gpufa.Network([4, 3, 2], **kw)
    assert not all(np.isfinite(a).all() for a in (*net.parameters.values(), *net.feedback.values()))


def test_nets_that_are_gone_make_room_for_a_large_one():
    """Python looks for circles by the number of objects, and not by the bytes that they hold."""
    gone = []
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            net = gpufa.Network([400, 400, 400], dtype="float64", backend="numpy")
            assert not [one for one in gone if one() is not None]
            net.predict(np.zeros((2, 400)))
            gone.append(weakref.ref(net.arena.flat))
            del net
            assert gone[-1]() is not None
    finally:
        gc.enable()
