"""Pools on the CPU, where NumPy would go over all maps several times."""

import ctypes
from functools import cache
from typing import Any

from numpy.typing import NDArray

from ...operations.places import Places, Windows
from .compiler import LONG, POINTER, built, source
from .threads import share, threads

EACH = 0.2  # nanoseconds a number
FUNCTIONS = {name: [*[POINTER] * (1 + arrays), LONG, LONG] for name, arrays in (("max_pool", 2), ("max_unpool", 4))}


@cache
def pooler(dtype: Any) -> Any:
    """The machine code for arrays of that type; None without a compiler."""
    return built(source(dtype, "pools.cpp"), FUNCTIONS)


class Pools(Places):
    """By machine code; by `Places` without a compiler, and where an array has gaps."""

    def max_pool(self, x: NDArray, windows: Windows, out: NDArray) -> None:
        if x.shape[:-3] != out.shape[:-3] or not _done("max_pool", x, windows, (x, out)):
            super().max_pool(x, windows, out)

    def max_unpool(self, delta: NDArray, x: NDArray, y: NDArray, windows: Windows, out: NDArray) -> None:
        if x.shape != out.shape or not _done("max_unpool", x, windows, (x, y, delta, out)):
            super().max_unpool(delta, x, y, windows, out)


def _done(name: str, x: NDArray, windows: Windows, arrays: tuple[NDArray, ...]) -> bool:
    """Do it to arrays that lie whole, if there is machine code for them."""
    made = pooler(x.dtype)
    if not made or not windows.solid or not all(a.flags.c_contiguous and a.dtype == x.dtype for a in arrays):
        return False
    rows, columns, m = x.shape[-3:]
    maps, parts = x.size // (rows * columns * m), threads(x.size * EACH)
    sizes = maps, rows, columns, *windows.grid, m, *windows.kernel, *windows.stride
    pools = (ctypes.c_long * len(sizes))(*sizes)
    pointers = [a.ctypes.data for a in arrays]
    share(parts, lambda part: getattr(made, name)(pools, *pointers, part, parts))
    return True
