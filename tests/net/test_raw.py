"""Raw data: whatever a net is asked about them is answered as of data scaled by hand, and never scaled twice."""

import numpy as np
import pytest

import gpufa
from gpufa.data.samples.scaling import Scaling, fit_scaling

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 4)) * [1, 100, 1e-3, 5] + [0, 1000, 1, -3]
LABELS, REALS = np.arange(40) % 3, rng.normal(size=(40, 3)) * [1, 50, 0.1] + [0, 1e4, 7]
ANSWERS = "loss", "gradients", "alignment", "signals", "evaluate"


def net_of(backend="numpy", dtype="float64", loss="cross_entropy", **kw):
    kw = {"init": "uniform", "seeds": (0, 1)} | kw
    return gpufa.Network([4, 6, 5, 3], rule="fa", loss=loss, dtype=dtype, backend=backend, **kw)


def equal(backend, found, expected, dtype="float64"):
    """To the bit on NumPy, to rounding on a GPU."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for name in expected:
            equal(backend, found[name], expected[name], dtype)
    elif backend == "numpy":
        np.testing.assert_array_equal(found, expected)
    else:
        tolerance = 1e-12 if dtype == "float64" else 2e-5
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64, np.int16, np.uint8, bool])
def test_raw_data_are_answered_as_data_scaled_by_hand(backend, dtype, kind):
    x = (np.abs(X) % 200).astype(kind)
    scaling = fit_scaling("standard", x)
    wide = np.promote_types(np.result_type(kind, np.float32), dtype)
    by_hand = ((x.astype(wide) - scaling.shift.astype(wide)) * scaling.factor.astype(wide)).astype(dtype)
    plain, raw = net_of("numpy", dtype), net_of(backend, dtype)
    raw.scaling = scaling
    np.testing.assert_array_equal(np.asarray(raw.as_trained(x), dtype), by_hand)
    equal(backend, raw.predict(x), plain.predict(by_hand), dtype)
    for name in ANSWERS:
        equal(backend, getattr(raw, name)(x, LABELS), getattr(plain, name)(by_hand, LABELS), dtype)


@pytest.mark.gpu
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64, np.uint8])
def test_arrays_on_the_gpu_are_raw_data_too(kind):
    net, x = net_of("cupy"), (np.abs(X) % 200).astype(kind)
    net.scaling = fit_scaling("standard", x)
    on_device = net.backend.xp.asarray(x)
    np.testing.assert_array_equal(net.predict(on_device), net.predict(x))
    np.testing.assert_array_equal(net.backend.to_host(on_device), x)  # as they were
    equal("cupy", net.gradients(on_device, net.backend.xp.asarray(LABELS)), net.gradients(x, LABELS))


def test_inputs_are_left_as_they_are():
    net, x = net_of(), X.copy()
    net.scaling = fit_scaling("standard", X)
    net.predict(x)
    np.testing.assert_array_equal(x, X)


def test_a_row_alone_is_scaled_as_among_others():
    x = np.arange(80).reshape(20, 4) * 10**7
    net = net_of(dtype="float32")
    net.scaling = fit_scaling("standard", x)
    np.testing.assert_allclose(net.predict(x[:1]), net.predict(x)[:, :1], rtol=1e-5)
    np.testing.assert_array_equal(net.as_trained(x[:1]), net.as_trained(x)[:1])


def test_scaled_gives_x_back_and_says_so():
    net = net_of()
    net.scaling = fit_scaling("standard", X)
    with pytest.warns(gpufa.GpufaWarning, match="gives x back as it is: predict, .* leave net.scaled out"):
        assert net.scaled(X) is X
    with pytest.warns(gpufa.GpufaWarning):
        np.testing.assert_array_equal(net.predict(net.scaled(X)), net.predict(X))


def test_a_saved_net_keeps_its_scalings(tmp_path):
    net = net_of(loss="squared_error")
    net.scaling, net.target_scaling = fit_scaling("minmax", X), fit_scaling("standard", REALS)
    gpufa.save(net, tmp_path / "net.h5")
    again = gpufa.load(tmp_path / "net.h5", backend="numpy")
    np.testing.assert_array_equal(again.predict(X), net.predict(X))
    equal("numpy", again.evaluate(X, REALS), net.evaluate(X, REALS))
    gpufa.save(net_of(), tmp_path / "plain.h5")
    plain = gpufa.load(tmp_path / "plain.h5", backend="numpy")
    assert plain.scaling is plain.target_scaling is None


def test_scaled_targets_are_trained_on_and_undone(backend):
    plain, raw = net_of("numpy", loss="squared_error"), net_of(backend, loss="squared_error")
    raw.target_scaling = scaling = fit_scaling("standard", REALS)
    by_hand = (REALS - scaling.shift) * scaling.factor
    for name in ANSWERS[:-1]:
        equal(backend, getattr(raw, name)(X, REALS), getattr(plain, name)(X, by_hand))
    predicted = plain.predict(X) / scaling.factor + scaling.shift
    equal(backend, raw.predict(X), predicted)
    found, residual = raw.evaluate(X, REALS), np.square(predicted - REALS).sum(axis=(1, 2))
    np.testing.assert_allclose(found["rmse"], np.sqrt(residual / REALS.size), rtol=1e-12)
    spread = np.square(REALS - REALS.mean(axis=0)).sum()
    np.testing.assert_allclose(found["r2"], 1 - residual / spread, atol=1e-12)


@pytest.mark.parametrize("unit", [1e-200, 1e200])
def test_scores_are_in_units_whose_squares_are_beyond_float64(unit):
    here, there = net_of(loss="squared_error"), net_of(loss="squared_error")
    here.target_scaling = fit_scaling("standard", REALS)
    there.target_scaling = fit_scaling("standard", REALS * unit)
    found, expected = there.evaluate(X, REALS * unit), here.evaluate(X, REALS)
    np.testing.assert_allclose(found["rmse"] / unit, expected["rmse"])
    np.testing.assert_allclose(found["r2"], expected["r2"])


def test_predictions_keep_the_digits_of_targets_beyond_float32():
    y = 1.7e9 + np.arange(40.0)[:, None] % 10
    net = gpufa.Network([4, 1], rule="bp", loss="squared_error", backend="numpy")
    net.target_scaling = fit_scaling("standard", y)
    assert net.predict(X).dtype == np.float64
    residual = net.predict(X) - y
    np.testing.assert_allclose(net.evaluate(X, y)["rmse"], np.sqrt(np.square(residual).mean()), rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_beyond_the_type_are_told(backend, dtype):
    net = net_of(backend, dtype, loss="squared_error")
    x, y = X.copy(), REALS.copy()
    if dtype == "float32":
        x[3, 2], y[5, 1] = 1e39, -1e40
        hint = "is beyond float32; take --dtype float64, or scale them"
    else:
        x[3, 2], y[5, 1] = 1e300, -1e300
        net.scaling = net.target_scaling = Scaling(np.zeros(4), np.full(4, 1e10))
        net.target_scaling = Scaling(np.zeros(3), np.full(3, 1e10))
        hint = "is beyond float64 once it is scaled; give them in another unit"
    with pytest.raises(gpufa.InvalidValue, match=rf"the inputs: the value 1e\+\d+ in row 3, column 2 \(.*\), {hint}"):
        net.predict(x)
    with pytest.raises(gpufa.InvalidValue, match=rf"x_test: the value 1e\+\d+ in row 3, column 2 \(.*\), {hint}"):
        net.as_trained(x, "x_test")
    for name in ANSWERS:
        with pytest.raises(gpufa.InvalidValue, match=rf"the targets: the value -1e\+\d+ in row 5, column 1 .*{hint}"):
            getattr(net, name)(X, y)
    if dtype == "float64":
        net_of(backend, dtype).predict(x)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_inputs_that_are_not_finite_stay_so(bad):
    x = X.copy()
    x[3, 2] = bad
    for scaling in None, fit_scaling("standard", X):
        net = net_of()
        net.scaling = scaling
        with np.errstate(all="ignore"):
            found = net.predict(x)
        np.testing.assert_array_equal(np.delete(found, 3, axis=1), np.delete(net.predict(X), 3, axis=1))
        assert bad == np.inf or np.isnan(found[:, 3]).all()


def test_whole_numbers_of_time_are_predicted_on():
    x = np.c_[1_700_000_000 + rng.integers(0, 60, 40), rng.integers(0, 9, (40, 3))]
    net, plain = net_of(dtype="float32"), net_of(dtype="float32")
    net.scaling = fit_scaling("standard", x)
    by_hand = (x - x.mean(axis=0)) / x.std(axis=0)
    np.testing.assert_allclose(net.predict(x), plain.predict(by_hand), rtol=1e-4)


# Targets that fit the loss


def refused(loss, y, text, seeds=(0, 1)):
    net = gpufa.Network([4, 5, np.shape(y)[1]], rule="bp", loss=loss, seeds=seeds, init="uniform", backend="numpy")
    for name in ANSWERS:
        with pytest.raises(gpufa.InvalidValue, match=text):
            getattr(net, name)(X[: len(y)], y)


@pytest.mark.parametrize(
    ("loss", "y", "text"),
    [
        ("cross_entropy", [[0.5, 0.5], [1, 1.0]], r"cross_entropy: those of sample 1 \(.*\) sum to 2, and they must"),
        ("cross_entropy", [[1, 0], [1, 1]], r"those of sample 1 \(counted from 0\) sum to 2"),
        ("cross_entropy", [[0.5, 0.5], [0.5, 0.498]], "sum to 0.998"),
        ("cross_entropy", [[1.5, -0.5], [1, 0]], "there is -0.5, and they must be at least 0; give others, or take"),
        ("cross_entropy", [[np.nan, 1], [1, 0]], "there is nan, and they must be at least 0"),
        ("cross_entropy", [[1.0], [1.0]], "there is one output, and a share of one thing is always 1"),
        ("binary_cross_entropy", [[0.5, 1.5], [1, 1]], "binary_cross_entropy: there is 1.5, and they must be within 0"),
        ("binary_cross_entropy", [[-1, 1], [0, 0]], "there is -1, and they must be within 0 and 1"),
        ("binary_cross_entropy", [[np.nan, 1], [1, 0]], "there is nan, and they must be within"),
    ],
)
def test_targets_that_the_loss_is_not_for(loss, y, text):
    refused(loss, np.array(y), text)


@pytest.mark.parametrize(
    ("loss", "y"),
    [
        ("cross_entropy", rng.dirichlet([1, 1, 1], 40)),
        ("cross_entropy", np.eye(3, dtype=bool)[LABELS]),
        ("cross_entropy", np.eye(3, dtype=int)[LABELS]),
        ("binary_cross_entropy", rng.random((40, 3))),
        ("binary_cross_entropy", rng.random((40, 3)) > 0.5),
        ("squared_error", rng.normal(size=(40, 3))),
    ],
)
def test_the_gradient_is_the_losss_own_for_targets_that_it_is_for(loss, y):
    net = gpufa.Network([4, 5, 3], rule="bp", loss=loss, dtype="float64", init="uniform", backend="numpy")
    x, step = (X - X.mean(0)) / X.std(0), 1e-5
    for name, gradient in net.gradients(x, y).items():
        w, slope = net.parameters[name], np.zeros_like(gradient)
        for at in np.ndindex(w.shape):
            kept = w[at]
            w[at] = kept + step
            above = net.loss(x, y)
            w[at] = kept - step
            slope[at] = (above - net.loss(x, y)) / (2 * step)
            w[at] = kept
        np.testing.assert_allclose(gradient, slope, atol=1e-8)


def test_shares_may_miss_one_by_the_rounding_of_float16():
    net_of().loss(X, rng.dirichlet([1, 1, 1], 40).astype(np.float16))


def test_labels_are_no_scaled_targets():
    net = net_of(loss="squared_error")
    net.target_scaling = fit_scaling("standard", REALS)
    with pytest.raises(
        gpufa.InvalidValue, match=r"these are labels, but the network's targets are scaled; give \(40, 3"
    ):
        net.loss(X, LABELS)
