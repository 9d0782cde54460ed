"""What eligibility traces are made with: (R, rows, inputs, m), one for each weight and sample."""

from collections.abc import Callable
from typing import Any

from ...functions.cells import TRACE

Array = Any
PIECE = 1 << 17  # numbers of a trace at a time on a CPU: these, and what is added to them, stay within the cache


class TraceOperations:
    """By formulas and products, a replica at a time."""

    evaluate: Callable[..., None]
    gemm: Callable[..., None]
    scratch: Callable[..., Array]

    def trace(self, trace: Array, decay: Array, local: Array, x: Array) -> None:
        """trace = decay * trace + local * x, (R, rows, m) both for all inputs, and (R, inputs, m) for all rows, or
        (R, 1 or rows, inputs, m)."""
        part = self.scratch("part of a trace", (1, 1, 1), trace.dtype)
        every = x if x.ndim == trace.ndim else x[:, None]
        for own, d, add, seen in zip(trace, decay, local, every, strict=True):
            self.evaluate(TRACE, own, d[:, None], add[:, None], seen, part)

    def trace_sums(self, trace: Array, signal: Array, out: Array) -> None:
        """out += the sums over samples of trace * signal, (R, rows, m) for all inputs: (R, rows, inputs)."""
        self.gemm(trace, signal[..., None], out=out[..., None], beta=1.0)


def part_of(room: Callable[..., Array], trace: Array) -> Array:
    """Work space for some rows of a trace, (rows, inputs, m)."""
    _, rows, inputs, m = trace.shape
    step = min(max(PIECE // max(inputs * m, 1), 1), rows)
    return room("part of a trace", step * inputs * m, trace.dtype).reshape(step, inputs, m)
