"""Angles of arrays, in degrees. The sums <a, b>, <a, a> and <b, b> that they come of, behind each other on axis 0, are
taken where the arrays are; the rest is the host's, on what is left."""

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

NUMBERS = 1 << 18  # that are multiplied at a time


def products(xp: ModuleType, a: Any, b: Any, *axes: int) -> Any:
    """The sums over these axes, counted from the end, (3, all other axes)."""
    out = xp.empty((3, *(size for axis, size in enumerate(a.shape, -a.ndim) if axis not in axes)))
    for sums, (u, v) in zip(out, ((a, b), (a, a), (b, b)), strict=True):
        (u * v).sum(axis=axes, dtype="float64", out=sums)
    return out


def flattened(xp: ModuleType, a: Any, b: Any) -> Any:
    """The sums over all of arrays (R, ., .), (3, R), some rows at a time; `a` may be a Product."""
    step = max(NUMBERS // b.shape[-1], 1)
    parts = (slice(start, start + step) for start in range(0, b.shape[-2], step))
    first, *more = (products(xp, a[:, rows], b[:, rows], -2, -1) for rows in parts)
    return sum(more, first)


def cosines(sums: NDArray) -> tuple[NDArray, NDArray]:
    """The cosines, 0 where one of the two is zero, and where none is."""
    dot, aa, bb = sums
    norm = np.sqrt(np.maximum(aa, 0)) * np.sqrt(np.maximum(bb, 0))
    return dot / np.where(norm == 0, 1, norm), norm > 0


def angle(sums: NDArray) -> NDArray:
    """NaN where one of the two is zero."""
    cos, defined = cosines(sums)
    return degrees(np.where(defined, cos, np.nan))


def mean_and_deviation(sums: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Of the cosines along the last axis, of those that are defined, and how many these are."""
    cos, defined = cosines(sums)
    count = defined.sum(axis=-1)
    mean = ratio((cos * defined).sum(axis=-1), count)
    return mean, np.sqrt(ratio((defined * (cos - mean[..., None]) ** 2).sum(axis=-1), count)), count


def ratio(a: NDArray, b: NDArray) -> NDArray:
    """a / b, NaN where b is zero."""
    return np.where(b == 0, np.nan, a / np.where(b == 0, 1, b))


def degrees(cos: NDArray) -> NDArray:
    return np.degrees(np.arccos(np.clip(cos, -1, 1)))
