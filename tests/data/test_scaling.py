"""Scalings: what they make of a part that they are fitted to, of others, and of numbers of any size."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import gpufa
from gpufa.basics.errors import InvalidValue
from gpufa.data.samples.scaling import SCALINGS, Scaling, fit_scaling

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 3)).astype(np.float32)


def test_scaling_names() -> None:
    assert list(SCALINGS) == ["none", "unit", "minmax", "standard", "channel", "zca", "rows"]
    with pytest.raises(
        InvalidValue, match=r"scaling 'norm' is unknown; choose from none, unit, minmax, standard, channel"
    ):
        fit_scaling("norm", X)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scalings(dtype: type) -> None:
    x = (RNG.normal(size=(9000, 3)) * [1, 10, 0.1] + [0, 100, -5]).astype(dtype)
    before = x.copy()
    none, unit, minmax, standard = (fit_scaling(name, x).apply(x) for name in list(SCALINGS)[:4])
    assert_array_equal(x, before)
    assert none.dtype == unit.dtype == minmax.dtype == standard.dtype == dtype
    assert_array_equal(none, x)
    assert (unit.min(), unit.max()) == (0, pytest.approx(1))
    assert_allclose(unit, (x - x.min()) / (x.max() - x.min()), atol=1e-6)  # one range for all features
    assert_allclose(minmax, (x - x.min(0)) / (x.max(0) - x.min(0)), atol=1e-6)
    assert_array_equal(minmax.min(axis=0), 0)
    assert_allclose(minmax.max(axis=0), 1)
    assert_allclose(standard.mean(axis=0, dtype=float), 0, atol=1e-5)
    assert_allclose(standard.std(axis=0, dtype=float), 1, rtol=1e-5)


@pytest.mark.parametrize("name", ["unit", "minmax", "standard"])
def test_scaling_is_fitted_to_training_data_only(name: str) -> None:
    scaling = fit_scaling(name, X)
    assert scaling.shift.shape == scaling.factor.shape == (3,)
    assert_allclose(scaling.apply(X[:4]), scaling.apply(X)[:4])


def test_constant_features() -> None:
    x = np.repeat(np.float32([[0.1, 7]]), 6000, axis=0)
    x[::2, 1] = 5
    scaling = fit_scaling("standard", x)
    assert scaling.factor[0] == 1
    assert_allclose(scaling.apply(x)[:2], [[0, -1], [0, 1]], atol=1e-6)
    for name in "unit", "minmax":
        alike = fit_scaling(name, np.full((4, 2), 3.0))
        assert_array_equal(alike.factor, [1, 1])
        assert_array_equal(alike.apply(np.full((4, 2), 3.0)), np.zeros((4, 2)))


@pytest.mark.parametrize("size", [1e-300, 1e-200, 1.0, 1e39, 1e200, 1e300])
@pytest.mark.parametrize("offset", [0, 3])
def test_features_whose_squares_are_beyond_float64(size: float, offset: int, recwarn: pytest.WarningsRecorder) -> None:
    plain = RNG.normal(size=(50, 2)) + offset
    x = np.c_[plain[:, 0], plain[:, 1] * size]
    found = fit_scaling("standard", x).apply(x, "float32")
    assert_allclose(found, (plain - plain.mean(0)) / plain.std(0), rtol=1e-5, atol=1e-6)
    assert_allclose(fit_scaling("minmax", x).apply(x).max(axis=0), 1)
    assert not list(recwarn)


@pytest.mark.parametrize("kind", [np.int64, np.uint32, np.float64])
def test_whole_numbers_are_scaled_before_they_are_rounded(kind: type) -> None:
    seconds = RNG.integers(0, 100, (60, 1))
    x = (1_700_000_000 + seconds).astype(kind)
    scaling = fit_scaling("standard", x)
    expected = (seconds - seconds.mean()) / seconds.std()
    assert_allclose(scaling.apply(x, "float32"), expected, rtol=1e-6, atol=1e-7)
    assert_array_equal(scaling.apply(x[:1], "float32"), scaling.apply(x, "float32")[:1])
    assert scaling.apply(x).dtype == np.float64


def test_undo_is_the_reverse() -> None:
    scaling = fit_scaling("standard", X)
    assert_allclose(scaling.undo(scaling.apply(X, "float64")), X, rtol=1e-12)
    assert scaling.undo(X).dtype == np.float64


def test_close_scalings_differ_by_rounding_alone() -> None:
    x = RNG.normal(size=(200, 3)) * [1, 1e9, 1e-9]
    x -= x.mean(0)  # the mean is rounding, and another order of the sum makes another one
    scaling = fit_scaling("standard", x)
    assert scaling.close_to(fit_scaling("standard", x[::-1]))
    assert not scaling.close_to(fit_scaling("standard", x[:-1]))
    assert not scaling.close_to(Scaling(scaling.shift, scaling.factor * [1, 1, 1.001]))
    assert not scaling.close_to(Scaling(scaling.shift + np.array([0, 0, 1e-11]), scaling.factor))


def test_a_scaling_is_shown_in_short():
    shift = np.zeros(784)
    assert repr(Scaling(shift, shift)) == "Scaling(784 features)"
    assert repr(Scaling(shift[:2], shift[:2], np.eye(2))) == "Scaling(2 features, with a matrix)"


def test_rows_are_brought_to_sum_1() -> None:
    x = np.array([[1, 3, 0], [0, 0, 0], [2, 2, 4]], np.float32)
    found = fit_scaling("rows", x)
    assert_allclose(found.apply(x), [[0.25, 0.75, 0], [0, 0, 0], [0.25, 0.25, 0.5]])
    assert_array_equal(found.apply(x[:1]), found.apply(x)[:1])
    assert found.close_to(fit_scaling("rows", x[:2]))
    assert not found.close_to(fit_scaling("none", x))
    assert not fit_scaling("none", x).close_to(found)


def test_bytes_and_changed_images_are_not_brought_to_sum_1() -> None:
    y = np.arange(6) % 2
    for x, more in ((np.ones((6, 4), np.uint8), {}), (np.ones((6, 1, 2, 2)), {"augment": "flip"})):
        with pytest.raises(InvalidValue, match="scaling 'rows' divides each sample by its sum before training"):
            gpufa.train(gpufa.Config(scaling="rows", epochs=1, hidden=(3,), backend="numpy", **more), (x, y, x, y))
