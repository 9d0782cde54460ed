"""Gradients that an optimizer takes a stretch at a time, so that there is never more of them than that."""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from ..batch.passes import Pass
from ..state.arena import Array, Parameters
from .gradients import Gradients, Within

Take = Callable[[slice, Array], None]
ROWS = 48  # BLAS takes 4 to 24 rows at a time: products of so many, and of multiples, come to the bits of the whole


class Room:
    """Room for the gradient of a stretch of the arena, (R, size), of at most so many bytes where its parts let it: the
    rows of a matrix may be parted, all else is whole."""

    def __init__(self, arena: Parameters, most: int) -> None:
        replicas, length = arena.flat.shape
        self.shapes = {name: view.shape[1:] for name, view in arena.items()}
        whole = [shape[1:] if len(shape) == 2 else shape for shape in self.shapes.values()]
        numbers = max(most // (replicas * arena.flat.itemsize), *map(math.prod, whole))
        self.size = min(numbers, length)
        self.flat = arena.backend.zeros((replicas, self.size), arena.flat.dtype)
        spans = [*arena.spans.values()]
        self.next = {one.stop: other.start for one, other in pairwise(spans)}

    def rows(self, name: str) -> Iterator[slice]:
        """The rows of a parameter that are made at once."""
        shape = self.shapes[name]
        step = shape[0]
        if len(shape) == 2:
            step = min(self.size // shape[1], step)
            step = step // ROWS * ROWS or step
        for first in range(0, shape[0], step):
            yield slice(first, min(first + step, shape[0]))


class Window:
    """A stretch that goes along the arena in that room; `take(span, gradient)`, (R, length), is handed each that is
    complete. What follows on the one before, and has room behind it, is taken with it."""

    def __init__(self, room: Room, take: Take) -> None:
        self.room, self.take = room, take
        self.start = self.end = -1

    def at(self, span: slice) -> Array:
        """Room for what is there, (R, length), to be filled before the next is asked for."""
        start = self.room.next.get(self.end, self.end)
        if span.start not in (start, self.end) or span.stop - self.start > self.room.size:
            self.close()
            self.start = self.end = span.start
        self.room.flat[:, self.end - self.start : span.start - self.start].fill(0)  # what lies between two parameters
        self.end = span.stop
        return self.room.flat[:, span.start - self.start : span.stop - self.start]

    def close(self) -> None:
        """Hand over what there is."""
        if self.end > self.start:
            self.take(slice(self.start, self.end), self.room.flat[:, : self.end - self.start])
        self.start = self.end = -1


class Piecewise(Gradients):
    """Gradients of a rule of signals, whose deltas are all there before the first of them is made: each is made once,
    and taken before much else is. A layer's gradient is made while the weights of others are new already, of which it
    is no function."""

    def __init__(
        self,
        window: Window,
        into: Parameters,
        rates: Sequence[tuple[float | Array, tuple[int, ...]]],
        running: Sequence[slice],
        extras: Sequence[str],
        signals_of: str,
    ) -> None:
        super().__init__(into, rates, running, extras=extras, signals_of=signals_of)
        self.window = window

    def rooms(self, name: str) -> Iterator[tuple[slice, Array]]:
        (_, *rest), start = self.window.room.shapes[name], self.into.spans[name].start
        width = math.prod(rest)
        for rows in self.window.room.rows(name):
            room = self.window.at(slice(start + rows.start * width, start + rows.stop * width))
            yield rows, room.reshape(len(room), -1, *rest)

    def finish(self) -> None:
        super().finish()
        self.window.close()

    def _dense_layers_of(self, net: Pass, layers: tuple[int, ...], scale: float | Array) -> None:
        sums = Within(self, scale)
        for k in layers:
            sums.product(f"W{k}", net.delta[k], net.sent[k - 1])
        for k in layers:
            sums.sums(f"b{k}", net.delta[k])
