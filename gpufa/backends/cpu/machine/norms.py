"""Norms on the CPU, where NumPy would go over all maps a dozen times."""

from functools import cache, partial
from typing import Any

from numpy.typing import NDArray

from ...operations.norms import Moments, Norms, Over
from .compiler import LONG, POINTER, REAL, built, source
from .threads import share, share_rows, threads

EACH = 0.5  # nanoseconds a number
FUNCTIONS = {
    "norm": [*[POINTER] * 8, REAL, *[LONG] * 3],
    "norm_back": [*[POINTER] * 5, *[LONG] * 3],
    "column_norm": [*[POINTER] * 8, REAL, *[LONG] * 4],
    "column_norm_back": [*[POINTER] * 5, *[LONG] * 4],
}
STRIPE = 64  # columns that one thread goes down at a time


@cache
def normer(dtype: Any) -> Any:
    """The machine code for arrays of that type; None without a compiler."""
    return built(source(dtype, "norms.cpp"), FUNCTIONS)


class PassNorms(Norms):
    """By machine code; by `Norms` without a compiler, where an array has gaps, and where it is a part."""

    def norm(
        self,
        x: NDArray,
        axis: int,
        eps: float,
        gain: NDArray,
        shift: NDArray,
        moments: Moments,
        z: NDArray,
        out: NDArray,
        over: Over | None = None,
    ) -> None:
        if made := None if over else _made(x, z, out):
            for given in zip(x, z, out, gain, shift, *moments, strict=True):
                _by_rows(made.norm, given, eps) if axis == -1 else _by_columns(made.column_norm, given, eps)
        else:
            super().norm(x, axis, eps, gain, shift, moments, z, out, over)

    def norm_back(
        self,
        delta: NDArray,
        axis: int,
        gain: NDArray,
        factor: NDArray,
        z: NDArray,
        out: NDArray,
        over: Over | None = None,
    ) -> None:
        if made := None if over else _made(delta, z, out):
            for given in zip(delta, z, out, gain, factor, strict=True):
                _by_rows(made.norm_back, given) if axis == -1 else _by_columns(made.column_norm_back, given)
        else:
            super().norm_back(delta, axis, gain, factor, z, out, over)


def _made(*arrays: NDArray) -> Any:
    """The machine code for norms of arrays of which each replica lies whole."""
    first = arrays[-1]
    fit = all(a.shape == first.shape and a.dtype == first.dtype and a[0].flags.c_contiguous for a in arrays)
    return normer(first.dtype) if fit else None


def _by_rows(does: Any, given: tuple[NDArray, ...], *numbers: float) -> None:
    """One replica's, its rows shared among threads."""
    rows, columns = given[0].shape
    share_rows(rows, columns * EACH, partial(does, *(a.ctypes.data for a in given), *numbers, columns))


def _by_columns(does: Any, given: tuple[NDArray, ...], *numbers: float) -> None:
    """The same with its columns shared among threads, whole stripes each."""
    rows, columns = given[0].shape
    pointers, parts, stripes = [a.ctypes.data for a in given], threads(given[0].size * EACH), -(-columns // STRIPE)
    borders = [min(stripes * part // parts * STRIPE, columns) for part in range(parts + 1)]
    share(parts, lambda part: does(*pointers, *numbers, rows, columns, borders[part], borders[part + 1]))
