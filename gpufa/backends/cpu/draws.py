"""Random numbers on the CPU, each of its own counters."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ...basics.filled import Filled
from ...basics.random import Purpose, permutation
from ..operations.keyed import KeyedMatrix
from .machine.philox import Mixing
from .products import Products


class Drawing(Products):
    """Draws of NumPy arrays."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = Mixing()

    def random(
        self,
        law: str,
        out: NDArray,
        seeds: Sequence[int],
        purpose: Purpose,
        step: NDArray | None = None,
        stream: int = 0,
        scale: float = 1.0,
        add: bool = False,
    ) -> None:
        at = 0 if step is None else int(step[0])
        drawn = self.scratch("drawn", out.shape, out.dtype) if add else out
        for one, seed in zip(drawn, seeds, strict=True):
            self.generator.fill(law, one, seed, purpose, stream=stream, step=at, scale=scale)
        if add:
            np.add(out, drawn, out=out)

    def keyed_rows(self, matrix: KeyedMatrix, out: NDArray) -> None:
        streams, starts, factors = matrix.rows_key
        on = (streams[1:] == streams[:-1]) & (starts[1:] == starts[:-1] + np.uint64(out.shape[-1]))
        on &= factors[1:] == factors[:-1]
        for first, last in pairwise([0, *np.flatnonzero(~on) + 1, len(starts)]):
            at = {"stream": int(streams[first]), "start": int(starts[first])}
            for one, seed in zip(out, matrix.seeds, strict=True):
                self.generator.times(factors[first], matrix.law, one[first:last], seed, Purpose.FEEDBACK, **at)

    def dropout(self, out: NDArray, drop: float, seeds: Sequence[int], step: NDArray, stream: int) -> None:
        for one, seed in zip(out, seeds, strict=True):
            self.generator.keep(one, drop, seed, stream=stream, step=int(step[0]))

    def drop_constant(
        self, x: NDArray, places: Filled, out: NDArray, drop: float, seeds: Sequence[int], step: NDArray, stream: int
    ) -> None:
        """By no more random numbers than there are inputs that are not 0, which of bags of words are few."""
        for one, seed in zip(out, seeds, strict=True):
            self.generator.keep_some(one, places, drop, seed, stream=stream, step=int(step[0]))

    def filled(self, x: NDArray) -> Filled:
        return Filled.of(x)

    def permutations(self, seeds: Sequence[int], purpose: Purpose, step: int, out: NDArray, stream: int = 0) -> None:
        for one, seed in zip(out, seeds, strict=True):
            one[:] = permutation(seed, purpose, step, len(one), stream)
