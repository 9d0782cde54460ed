"""Pools on the CPU, where NumPy would go over all maps several times."""

import ctypes
from functools import cache
from importlib.resources import files
from typing import Any

from numpy.typing import NDArray

from ..kernels import TYPES
from ..places import Places, Windows
from .compiler import built


@cache
def pooler(dtype: str) -> Any:
    """The machine code for arrays of that type; None without a compiler."""
    source = files(__package__).joinpath("pools.cpp").read_text("utf-8")
    made = built(f"#define T {TYPES[dtype]}\n{source}", ("max_unpool",))
    if made:
        made.max_unpool.argtypes = [ctypes.c_void_p] * 5
        made.max_unpool.restype = None
    return made


class Pools(Places):
    """By machine code; by `Places` without a compiler, and where an array has gaps."""

    def max_unpool(self, delta: NDArray, x: NDArray, y: NDArray, windows: Windows, out: NDArray) -> None:
        made = pooler(out.dtype.name)
        if not made or x.shape != out.shape or not all(a.flags.c_contiguous for a in (delta, x, y, out)):
            super().max_unpool(delta, x, y, windows, out)
            return
        rows, columns, m = out.shape[-3:]
        sizes = out.size // (rows * columns * m), rows, columns, *windows.grid, m, *windows.kernel, *windows.stride
        pools = (ctypes.c_long * len(sizes))(*sizes)
        made.max_unpool(pools, *(a.ctypes.data for a in (x, y, delta, out)))
