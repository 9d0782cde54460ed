"""Turning over and look-ups on the CPU, where NumPy would go over all of it many times."""

from functools import cache, partial
from typing import Any

from numpy.typing import NDArray

from ..sequences import NumpySequences
from .compiler import LONG, POINTER, REAL, built, source
from .threads import share_rows

EACH = 1.0  # nanoseconds a number
FUNCTIONS = {
    "turn": [*[POINTER] * 2, *[LONG] * 5],
    "add_look_ups": [*[POINTER] * 3, *[LONG] * 2, REAL, *[LONG] * 5],
}


@cache
def sequencer(dtype: Any) -> Any:
    """The machine code for arrays of that type; None without a compiler."""
    return built(source(dtype, "sequences.cpp"), FUNCTIONS)


class LookUps(NumpySequences):
    """By machine code; by `NumpySequences` without a compiler, and where arrays don't lie in rows."""

    def turn(self, x: NDArray, out: NDArray) -> None:
        code, size = sequencer(out.dtype), out.itemsize
        if not code or x.strides[-1] != size or out.strides[-1] != size or x.dtype != out.dtype:
            super().turn(x, out)
            return
        for one, to in zip(x, out, strict=True) if x.ndim > 2 else [(x, out)]:
            (rows, columns), pitches = one.shape, [a.strides[0] // size for a in (one, to)]
            share_rows(rows, columns * EACH, partial(code.turn, one.ctypes.data, to.ctypes.data, *pitches, columns))

    def add_look_ups(
        self, delta: NDArray, tokens: NDArray, out: NDArray, first: int = 0, alpha: Any = 1.0, beta: float = 0.0
    ) -> None:
        code = sequencer(delta.dtype)
        if not code or not delta[0].flags.c_contiguous:
            super().add_look_ups(delta, tokens, out, first, alpha, beta)
            return
        self.faded(out, beta)
        factor, places = self.number(alpha), self.numbers(tokens)
        rows, columns = delta.shape[1:]
        for r, (one, to) in enumerate(zip(delta, out, strict=True)):
            own, steps = places[r if len(places) > 1 else 0], [step // to.itemsize for step in to.strides]
            given = one.ctypes.data, own.ctypes.data, to.ctypes.data, *steps, factor, first, first + len(to), columns
            share_rows(rows, columns * EACH, partial(code.add_look_ups, *given))
