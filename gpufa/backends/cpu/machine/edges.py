"""Sums over a graph's edges on the CPU, where SciPy's products would make an array each time."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...operations.edges import Edges, Sparse
from .compiler import LONG, POINTER, built, source
from .threads import share, threads

EACH = 0.5  # nanoseconds an entry and unit
BESIDE = 8  # units that machine code takes at a time
PIECE = 1 << 17  # numbers that are gathered at a time without a compiler
FUNCTIONS = {"neighbours": [*[POINTER] * 6, *[LONG] * 3]}


@cache
def adder(dtype: Any) -> Any:
    """The machine code for arrays of that type; None without a compiler."""
    return built(source(dtype, "edges.cpp"), FUNCTIONS)


class EdgeSums(Edges):
    """By machine code; without a compiler, and where an array has gaps, by NumPy, to rounding the same."""

    room: Callable[..., NDArray]

    def neighbours(self, x: NDArray, weights: Sparse, out: NDArray, b: NDArray | None = None) -> None:
        for r, own in enumerate(out):
            from_, bias = x[r] if x.ndim > 2 else x, None if b is None else b[r]
            whole = from_.flags.c_contiguous and own.flags.c_contiguous
            made = adder(own.dtype) if whole and (bias is None or bias.flags.c_contiguous) else None
            if made:
                _by_machine(made, from_, weights, own, bias)
            else:
                self._gathered(from_, weights, own)
                if bias is not None:
                    own += bias[:, None]

    def _gathered(self, x: NDArray, weights: Sparse, out: NDArray) -> None:
        """Entry beside entry, and then those of each row added up."""
        entries = len(weights.places)
        step = max(1, PIECE // entries)
        for first in range(0, len(x), step):
            some, to = x[first : first + step], out[first : first + step]
            room = self.room("entries of a graph", len(some) * entries, out.dtype).reshape(len(some), entries)
            np.take(some, weights.places, axis=1, out=room, mode="clip")
            room *= weights.values
            np.add.reduceat(room, weights.starts[:-1], axis=1, out=to)


def _by_machine(made: Any, x: NDArray, weights: Sparse, out: NDArray, b: NDArray | None) -> None:
    """Of one replica, its units shared among threads."""
    units, nodes = out.shape
    parts = min(threads(units * len(weights.places) * EACH), -(-units // BESIDE))
    borders = [min(-(-units // BESIDE) * part // parts * BESIDE, units) for part in range(parts)] + [units]
    arrays = *weights, x, b, out
    pointers = [None if a is None else a.ctypes.data for a in arrays]
    share(parts, lambda part: made.neighbours(*pointers, nodes, borders[part], borders[part + 1]))
