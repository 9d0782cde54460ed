"""Scalings of samples that come by once, beside those of arrays."""

import numpy as np
import pytest

from gpufa.basics.errors import InvalidValue
from gpufa.data.samples.moments import Moments
from gpufa.data.samples.scaling import Fit, fit_scaling

RNG = np.random.default_rng(0)


def arrays():
    yield RNG.normal(size=(500, 12))
    yield RNG.normal(loc=1e6, size=(500, 12))  # far from 0, where squares lose their digits
    yield RNG.integers(0, 256, (500, 12)).astype(np.uint8)
    yield RNG.normal(size=(500, 12)).astype(np.float32) * np.float32(1e-3)
    yield np.where(np.arange(12) % 3 == 0, 4.5, RNG.normal(size=(500, 12)))  # some never change
    yield RNG.normal(size=(1, 12))


@pytest.mark.parametrize("array", [*arrays()])
@pytest.mark.parametrize("name", ["none", "unit", "minmax", "standard", "channel"])
@pytest.mark.parametrize("size", [1, 7, 500])
def test_one_pass_finds_what_arrays_have(array, name, size):
    facts = Moments(array[i : i + size] for i in range(0, len(array), size))
    assert facts.shape == array.shape
    by = Fit((3, 2, 2))
    one, other = fit_scaling(name, facts, by), fit_scaling(name, array, by)
    np.testing.assert_allclose(one.shift, other.shift, rtol=1e-12, atol=1e-12 * abs(array.astype(float)).max())
    np.testing.assert_allclose(one.factor, other.factor, rtol=1e-12)


def test_the_deviation_is_that_of_all_samples():
    array = RNG.normal(loc=3, size=(300, 4))
    mean, deviation = Moments(np.array_split(array, 7)).spread(4)
    np.testing.assert_allclose(mean, array.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(deviation, array.std(axis=0), rtol=1e-13)
    mean, deviation = Moments(np.array_split(array, 7)).spread(2)
    np.testing.assert_allclose(deviation, [array[:, :2].std(), array[:, 2:].std()], rtol=1e-13)


def test_squares_beyond_float64_and_what_needs_all_samples():
    facts = Moments([np.array([[1.0, 1e200], [2.0, -1e200]])])
    with pytest.raises(InvalidValue, match=r"the squares of feature 1 .*, of values up to 1e\+200, are beyond"):
        fit_scaling("standard", facts)
    assert np.isfinite(fit_scaling("minmax", facts).factor).all()
    with pytest.raises(
        InvalidValue, match=r"scaling 'zca' is fitted to all samples at once, and these stay in their file"
    ):
        fit_scaling("zca", facts)
