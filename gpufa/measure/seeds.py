"""Figures over seeds: mean, deviation, interval, and whether two rules' figures on the same seeds differ."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95  # of the intervals
FEW = 5  # seeds, fewer than which say little of a mean

Figures = Sequence[float | None] | NDArray  # one for each seed, (R,), None or not finite for one that has none


class Spread(NamedTuple):
    """Of `n` figures the mean, the sample deviation, and the t interval of the mean, `low` to `high`; NaN where there
    are too few of them."""

    n: int
    mean: float
    deviation: float
    low: float
    high: float


def spread(values: Figures) -> Spread:
    """Of the finite values."""
    sound = finite(values)
    n = len(sound)
    if n < 2:
        return Spread(n, float(sound[0]) if n else np.nan, *[np.nan] * 3)
    from scipy.special import stdtrit  # scipy.stats takes four times as long to import

    mean, deviation = float(sound.mean()), float(sound.std(ddof=1))
    reach = float(stdtrit(n - 1, (1 + LEVEL) / 2)) * deviation / np.sqrt(n)
    return Spread(n, mean, deviation, mean - reach, mean + reach)


def finite(values: Figures) -> NDArray[np.float64]:
    """The finite ones among them."""
    floats = np.asarray(values, float)
    return floats[np.isfinite(floats)]


def paired(values: Figures, others: Figures) -> float:
    """The two-sided p of the paired t test between figures of the same seeds, (R,) each, over the seeds that have both.

    NaN where fewer than two have, and where all differ by the same: without a spread there is nothing to judge by.
    """
    from scipy.stats import ttest_rel

    a, b = np.asarray(values, float), np.asarray(others, float)
    both = np.isfinite(a) & np.isfinite(b)
    if difference(a, b)[1]:
        return np.nan
    return float(ttest_rel(a[both], b[both]).pvalue)


def difference(values: Figures, others: Figures) -> tuple[Spread, bool]:
    """Of values - others of the same seeds, (R,) each, over the seeds that have both, and whether it is the same on
    all: without a spread there is nothing to judge by."""
    found = finite(np.asarray(values, float) - np.asarray(others, float))
    return spread(found), len(found) < 2 or bool(np.ptp(found) <= 1e-9 * np.abs(found).max())


def holm(p: Sequence[float]) -> list[float]:
    """Holm's correction of p values, (n,): in rising order the i-th of n times n - i + 1, none below one before it,
    none above 1. NaN is no test, and stays."""
    raw = np.asarray(p, float)
    order = np.argsort(raw)  # NaN last
    tests = int(np.isfinite(raw).sum())
    corrected = np.full(len(raw), np.nan)
    stepped = np.minimum(np.maximum.accumulate(raw[order[:tests]] * np.arange(tests, 0, -1)), 1)
    corrected[order[:tests]] = stepped
    return corrected.tolist()


def mean_over_seeds(values: NDArray, axis: int = 1) -> NDArray:
    """The mean of what is finite, NaN where nothing is."""
    finite = np.isfinite(values)
    count = finite.sum(axis=axis)
    total = np.where(finite, values, 0).sum(axis=axis)
    return np.where(count, total / np.maximum(count, 1), np.nan)
