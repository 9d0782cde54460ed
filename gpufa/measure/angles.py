"""Angles of arrays, in degrees. The sums <a, b>, <a, a> and <b, b> that they come of, behind each other on axis 0, are
taken where the arrays are; the rest is the host's, on what is left."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..backends import Backend

NUMBERS = 1 << 18  # that are multiplied at a time


def products(backend: Backend, a: Any, b: Any) -> Any:
    """The sums over units of arrays (R, n, m), (3, R, m)."""
    return _sums(backend, a, b, (len(a), a.shape[-1]))


def flattened(backend: Backend, a: Any, b: Any) -> Any:
    """The sums over all of arrays (R, ., .), (3, R), some rows at a time; `a` may be a Product."""
    step = max(NUMBERS // b.shape[-1], 1)
    parts = (slice(start, start + step) for start in range(0, b.shape[-2], step))
    first, *more = (_sums(backend, a[:, rows], b[:, rows], (len(b),)) for rows in parts)
    return sum(more, first)


def _sums(backend: Backend, a: Any, b: Any, shape: tuple[int, ...]) -> Any:
    out = backend.xp.empty((3, *shape))
    for sums, (u, v) in zip(out, ((a, b), (a, a), (b, b)), strict=True):
        backend.dots(u, v, sums)
    return out


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
