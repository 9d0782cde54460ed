"""Norms over rows on the CPU, where NumPy would go over all maps a dozen times."""

import ctypes
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import TYPES
from ..norms import Moments, Norms
from .compiler import built
from .threads import share, threads

EACH = 0.5  # nanoseconds a number


@cache
def normer(dtype: Any) -> Any:
    """The machine code for arrays of that type; None without a compiler."""
    source = files(__package__).joinpath("norms.cpp").read_text("utf-8")
    made = built(f"#define T {TYPES[np.dtype(dtype).name]}\n{source}", ("norm", "norm_back"))
    if made:
        pointer, long = ctypes.c_void_p, ctypes.c_long
        made.norm.argtypes = [*[pointer] * 8, ctypes.c_double, *[long] * 3]
        made.norm_back.argtypes = [*[pointer] * 5, *[long] * 3]
        made.norm.restype = made.norm_back.restype = None
    return made


class RowNorms(Norms):
    """By machine code; by `Norms` without a compiler, over columns, and where an array has gaps."""

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
    ) -> None:
        if made := _made(axis, x, z, out):
            for given in zip(x, z, out, gain, shift, *moments, strict=True):
                _by_rows(made.norm, given, eps)
        else:
            super().norm(x, axis, eps, gain, shift, moments, z, out)

    def norm_back(self, delta: NDArray, axis: int, gain: NDArray, factor: NDArray, z: NDArray, out: NDArray) -> None:
        if made := _made(axis, delta, z, out):
            for given in zip(delta, z, out, gain, factor, strict=True):
                _by_rows(made.norm_back, given)
        else:
            super().norm_back(delta, axis, gain, factor, z, out)


def _made(axis: int, *arrays: NDArray) -> Any:
    """The machine code for norms along the axis of arrays of which each replica lies whole."""
    first = arrays[-1]
    fit = all(a.shape == first.shape and a.dtype == first.dtype and a[0].flags.c_contiguous for a in arrays)
    return normer(first.dtype) if axis == -1 and fit else None


def _by_rows(does: Any, given: tuple[NDArray, ...], *numbers: float) -> None:
    """One replica's, its rows shared among threads."""
    rows, columns = given[0].shape
    pointers, parts = [a.ctypes.data for a in given], threads(given[0].size * EACH)
    borders = [rows * part // parts for part in range(parts + 1)]
    share(parts, lambda part: does(*pointers, *numbers, columns, borders[part], borders[part + 1]))
