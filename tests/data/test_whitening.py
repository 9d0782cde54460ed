"""ZCA whitening and the scaling of channels: against plain loops, and for data of any size and kind."""

import numpy as np
import pytest

from gpufa.basics.errors import InvalidValue
from gpufa.data.samples.scaling import Fit, Scaling, fit_scaling
from gpufa.data.samples.whitening import EPS, whitening

RNG = np.random.default_rng(0)
MIX = RNG.normal(size=(6, 6)) * [3, 1, 1, 0.3, 0.1, 2]
X = RNG.normal(size=(400, 6)) @ MIX + [1, 2, 3, 4, 5, 60]


def white(x, eps=EPS):
    shift, factor, matrix = whitening(x, eps)
    return (x - shift) * factor @ matrix


def covariance(x):
    """By its definition, sum by sum."""
    n, middle = x.shape[1], [sum(map(float, column)) / len(x) for column in x.T]
    return np.array(
        [[sum((a[i] - middle[i]) * (a[j] - middle[j]) for a in x) / len(x) for j in range(n)] for i in range(n)]
    )


@pytest.mark.parametrize("eps", [1e-9, 1e-3, 0.1, 2.0])
def test_the_covariance_becomes_what_eps_leaves_of_the_identity(eps):
    C = covariance(X)
    values, vectors = np.linalg.eigh(C / (np.trace(C) / 6))
    expected = vectors * (values / (values + eps)) @ vectors.T
    np.testing.assert_allclose(covariance(white(X, eps)), expected, rtol=1e-9, atol=1e-10)
    if eps < 1e-8:
        np.testing.assert_allclose(covariance(white(X, eps)), np.eye(6), atol=1e-5)


def test_the_matrix_is_the_symmetric_root():
    shift, factor, matrix = whitening(X, eps := 0.05)
    C = covariance((X - shift) * factor)
    np.testing.assert_allclose(np.trace(C), 6)
    np.testing.assert_allclose(matrix @ (C + eps * np.eye(6)) @ matrix, np.eye(6), atol=1e-10)
    np.testing.assert_array_equal(matrix, matrix.T)
    assert np.linalg.eigvalsh(matrix).min() > 0
    np.testing.assert_allclose(shift, X.mean(axis=0), rtol=1e-12)


@pytest.mark.parametrize("unit", [1e-150, 1 / 255, 1e30, 1e200])
def test_units_change_nothing(unit):
    np.testing.assert_allclose(white(X * unit), white(X), rtol=1e-8, atol=1e-10)


def test_bytes_and_floats_of_them_are_whitened_alike():
    x = RNG.integers(0, 256, (3000, 6)).astype(np.uint8)
    for one, other in zip(whitening(x), whitening(x.astype(np.float32)), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(white(x), white(x / 255), rtol=1e-8, atol=1e-10)


def test_features_that_never_change_become_zero():
    for x in (np.c_[X, np.full(400, 0.1)], np.c_[X, np.zeros(400)].astype(np.float32)):
        shift, factor, matrix = whitening(x, 1e-9)
        np.testing.assert_array_equal(((x - shift) * factor @ matrix)[:, 6], 0)
        later = x[:3].copy()
        later[:, 6] = 200
        np.testing.assert_array_equal((later - shift) * factor @ matrix, (x[:3] - shift) * factor @ matrix)
    np.testing.assert_array_equal(white(np.full((5, 3), 7.0)), 0)


def test_fewer_samples_than_features_are_finite():
    x = RNG.normal(size=(4, 30))
    found = white(x)
    assert np.isfinite(found).all()
    assert abs(found).max() < 10


def test_a_matrix_too_large_is_told():
    with pytest.raises(
        InvalidValue, match=r"matrix of 1000000 x 1000000 numbers, which takes 32 TB.*--scaling channel"
    ):
        whitening(np.zeros((2, 1_000_000), np.uint8))


def test_channels_by_loops():
    x = RNG.normal(size=(50, 3, 4, 5)) * [[[1]], [[20]], [[0.1]]] + [[[0]], [[-100]], [[5]]]
    for kind in np.float64, np.float32, np.uint8:
        given = abs(x).astype(kind)
        scaling = fit_scaling("channel", given.reshape(50, -1), Fit((3, 4, 5)))
        for c in range(3):
            own = [float(value) for value in given[:, c].flat]
            mean = sum(own) / len(own)
            deviation = (sum((value - mean) ** 2 for value in own) / len(own)) ** 0.5
            at = slice(20 * c, 20 * c + 20)
            np.testing.assert_allclose(scaling.shift[at], mean, rtol=1e-12)
            np.testing.assert_allclose(1 / scaling.factor[at], deviation, rtol=1e-12)
    assert scaling.matrix is None


def test_one_channel_and_constant_channels():
    x = RNG.normal(size=(40, 6))
    one = fit_scaling("channel", x, Fit((1, 2, 3)))
    np.testing.assert_allclose([one.shift[0], 1 / one.factor[0]], [x.mean(), x.std()], rtol=1e-12)
    x[:, 3:] = 0.1
    two = fit_scaling("channel", x, Fit((2, 1, 3)))
    np.testing.assert_array_equal(two.factor[3:], 1)
    np.testing.assert_allclose(two.apply(x)[:, 3:], 0, atol=1e-15)
    huge = fit_scaling("channel", x * 1e300, Fit((2, 1, 3)))
    np.testing.assert_allclose(huge.apply(x * 1e300)[:, :3], two.apply(x)[:, :3], rtol=1e-10)


def test_standard_is_a_channel_a_feature():
    one, other = fit_scaling("standard", X), fit_scaling("channel", X, Fit((6, 1)))
    np.testing.assert_array_equal(one.shift, other.shift)
    np.testing.assert_array_equal(one.factor, other.factor)


@pytest.mark.parametrize("places", [None, (3, 2, 2)])
def test_without_channels_none_are_guessed(places):
    with pytest.raises(
        InvalidValue, match=r"'channel' needs to know which of the 6 features.* --layers \"input 3x32x32"
    ):
        fit_scaling("channel", X, Fit(places))


def test_the_matrix_has_the_nets_type_and_says_whether_fits_are_alike():
    scaling = fit_scaling("zca", X, Fit(dtype="float32"))
    assert scaling.matrix.dtype == np.float32
    assert scaling.close_to(fit_scaling("zca", X[::-1]))
    assert not scaling.close_to(fit_scaling("zca", X, Fit(eps=0.101)))
    assert not scaling.close_to(fit_scaling("zca", X[:-1]))
    plain = Scaling(scaling.shift, scaling.factor)
    assert not scaling.close_to(plain)
    assert not plain.close_to(scaling)
    assert plain.close_to(plain)
