"""Figures over seeds, against values worked out by hand and SciPy's own."""

import numpy as np
import pytest
from scipy import stats

from gpufa.measure.seeds import finite, holm, paired, spread


def test_mean_deviation_and_interval_of_one_to_five():
    """s^2 = 10 / 4; t_{0.975, 4} = 2.776445 of the tables; 2.776445 * sqrt(2.5 / 5) = 1.963243."""
    found = spread([1.0, 2, 3, 4, 5])
    assert found.n == 5
    assert found.mean == 3
    assert found.deviation == pytest.approx(np.sqrt(2.5))
    assert (found.low, found.high) == pytest.approx((3 - 1.963243, 3 + 1.963243), abs=1e-6)


def test_the_interval_is_scipys():
    values = np.random.default_rng(0).normal(3, 2, size=7)
    expected = stats.t.interval(0.95, 6, values.mean(), stats.sem(values))
    assert spread(values)[-2:] == pytest.approx(expected, rel=1e-12)


def test_what_is_none_or_not_finite_is_left_out():
    assert spread([1.0, None, 3.0, np.inf, np.nan]) == spread([1.0, 3.0])
    assert spread([]).n == 0
    one = spread([None, 4.0])
    assert (one.n, one.mean) == (1, 4.0)
    assert np.isnan([spread([]).mean, one.deviation, one.low, one.high]).all()
    assert finite([None, 2.0]).tolist() == [2.0]


def test_the_paired_test_by_hand():
    """Differences 1, 2, 3: t = 2 / (1 / sqrt 3) = 3.4641 with 2 degrees of freedom, whose two-sided p is
    1 - t / sqrt(t^2 + 2) = 0.07418."""
    assert paired([2.0, 4, 6], [1.0, 2, 3]) == pytest.approx(1 - 3.4641016 / np.sqrt(14), abs=1e-7)
    assert paired([2.0, 4, 6, None], [1.0, 2, 3, 9]) == paired([1.0, 2, 3, 5], [2.0, 4, 6, None])


def test_without_a_spread_of_differences_there_is_no_test():
    """SciPy has p = 0 for a difference of 0.28 on every seed, and NaN for none."""
    step = 100 / 359
    for others in ([step, 2 * step, 3 * step], [0, step, 2 * step], [None, None, 1.0]):
        assert np.isnan(paired([step, 2 * step, 3 * step], others))


def test_holms_correction_by_hand():
    """Holm (1979): the smallest of four is taken four times, the next three times, and none falls below one before."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.6]) == [1, 1]
    assert holm([]) == []
    corrected = holm([0.02, np.nan, 0.04])
    assert corrected[::2] == pytest.approx([0.04, 0.04])
    assert np.isnan(corrected[1])
