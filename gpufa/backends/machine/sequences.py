"""Attention's passes over scores, and look-ups, on the CPU, where NumPy would go over all of them many times."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from numpy.typing import NDArray

from ...basics.arrays import T
from ..numpysequences import NumpySequences
from ..sequences import Heads
from .compiler import LONG, POINTER, REAL, built, source
from .threads import share, threads

EACH = 1.0  # nanoseconds a number
FUNCTIONS = {
    "soften": [*[POINTER] * 2, *[LONG] * 5],
    "soften_back": [*[POINTER] * 2, REAL, *[LONG] * 3],
    "turn": [*[POINTER] * 2, *[LONG] * 5],
    "add_look_ups": [*[POINTER] * 3, *[LONG] * 2, REAL, *[LONG] * 5],
}


@cache
def sequencer(dtype: Any) -> Any:
    """The machine code for arrays of that type; None without a compiler."""
    return built(source(dtype, "sequences.cpp"), FUNCTIONS)


class Softened(NumpySequences):
    """By machine code; by `NumpySequences` without a compiler, and where arrays don't lie in rows."""

    def soften(self, heads: Heads) -> None:
        weights, code = heads.weights, sequencer(heads.weights.dtype)
        if not (code and weights.flags.c_contiguous):
            super().soften(heads)
            return
        counted, tokens = None, weights.shape[-1]
        if heads.counted is not None:
            counted = self.scratch("tokens that count, by samples", (*weights.shape[:2], tokens), weights.dtype)
            counted[...] = T(heads.counted)
        given = weights.ctypes.data, counted if counted is None else counted.ctypes.data
        does = partial(code.soften, *given, weights.shape[2] * tokens, heads.causal, tokens)
        _by_rows(weights.size // tokens, tokens, does)

    def soften_back(self, weights: NDArray, delta: NDArray, factor: float) -> None:
        code, tokens = sequencer(delta.dtype), delta.shape[-1]
        if not (code and weights.flags.c_contiguous and delta.flags.c_contiguous):
            super().soften_back(weights, delta, factor)
            return
        does = partial(code.soften_back, weights.ctypes.data, delta.ctypes.data, factor, tokens)
        _by_rows(delta.size // tokens, tokens, does)

    def turn(self, x: NDArray, out: NDArray) -> None:
        code, size = sequencer(out.dtype), out.itemsize
        if not code or x.strides[-1] != size or out.strides[-1] != size or x.dtype != out.dtype:
            super().turn(x, out)
            return
        for one, to in zip(x, out, strict=True) if x.ndim > 2 else [(x, out)]:
            (rows, columns), pitches = one.shape, [a.strides[0] // size for a in (one, to)]
            _by_rows(rows, columns, partial(code.turn, one.ctypes.data, to.ctypes.data, *pitches, columns))

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
            _by_rows(rows, columns, partial(code.add_look_ups, *given))


def _by_rows(rows: int, columns: int, does: Callable[[int, int], None]) -> None:
    """does(first row, the one behind the last), its rows shared among threads."""
    parts = threads(rows * columns * EACH)
    borders = [rows * part // parts for part in range(parts + 1)]
    share(parts, lambda part: does(borders[part], borders[part + 1]))
