"""Eligibility traces on the CPU by the formula's own CUDA text, compiled as C++: NumPy's passes are loops over a batch
each."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....functions.cells import TRACE
from ...operations.traced import TraceOperations, part_of
from .compiler import LONG, POINTER, ROUNDED, built, source
from .threads import share_rows

EACH = 0.2  # nanoseconds a number
TEXT = """
extern "C" void traced(T* traces, const T* decays, const T* locals, const T* xs, long x_row, long inputs, long m,
                       long row, long end) {
    for (; row < end; row++)
        for (long j = 0; j < inputs; j++) {
            T* __restrict const own = traces + (row * inputs + j) * m;
            const T *__restrict const d = decays + row * m, *__restrict const add = locals + row * m;
            const T* __restrict const seen = xs + row * x_row + j * m;
            for (long i = 0; i < m; i++) {
                T& trace = own[i];
                const T decay = d[i], local = add[i], x = seen[i];
                FORMULA
            }
        }
}
"""


@cache
def tracer(dtype: Any) -> Any:
    """The machine code for arrays of that type; None without a compiler, or where it comes to other bits."""
    text = source(dtype) + ROUNDED + f"\n#define FORMULA {TRACE.cuda}\n" + TEXT
    library = built(text, {"traced": [*[POINTER] * 4, *[LONG] * 5]})
    return library.traced if library and _right(library.traced, dtype) else None


class Traces(TraceOperations):
    """By machine code, to NumPy's bits; by NumPy without a compiler, and where an array has gaps, or
    is the same for several rows or samples."""

    room: Callable[..., NDArray]

    def trace(self, trace: NDArray, decay: NDArray, local: NDArray, x: NDArray) -> None:
        every = x if x.ndim == trace.ndim else x[:, None]
        for one in zip(trace, decay, local, every, strict=True):
            (rows, inputs, m), (own, d, add, seen) = trace.shape[1:], one
            fit = d.shape == add.shape == (rows, m) and seen.shape in ((1, inputs, m), own.shape)
            whole = fit and all(a.flags.c_contiguous and a.dtype == trace.dtype for a in one)
            if does := tracer(trace.dtype) if whole else None:
                given = *(a.ctypes.data for a in one), inputs * m if len(seen) > 1 else 0, inputs, m
                share_rows(rows, inputs * m * EACH, partial(does, *given))
            else:
                _by_parts(*one, part_of(self.room, trace))

    def trace_sums(self, trace: NDArray, signal: NDArray, out: NDArray) -> None:
        found = self.scratch("sums of traces", (*out.shape, 1), out.dtype)
        np.matmul(trace, signal[..., None], out=found)
        np.add(out, found[..., 0], out=out)


def _by_parts(trace: NDArray, decay: NDArray, local: NDArray, x: NDArray, part: NDArray) -> None:
    """Some rows at a time, so that a part of them stays in the cache."""
    for first in range(0, len(trace), len(part)):
        some = slice(first, first + len(part))
        own, read = trace[some], x if len(x) == 1 else x[some]
        TRACE.value(own, decay[some, None], local[some, None], read, part[: len(own)])


def _right(does: Any, dtype: Any) -> bool:
    draw = np.random.default_rng(0)
    found, d, a, x = (draw.normal(size=shape).astype(dtype) for shape in ((3, 5, 67), (3, 67), (3, 67), (1, 5, 67)))
    wanted = found.copy()
    does(*(one.ctypes.data for one in (found, d, a, x)), 0, 5, 67, 0, 3)
    _by_parts(wanted, d, a, x, np.empty_like(wanted))
    return np.array_equal(found, wanted)
