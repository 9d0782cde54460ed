"""Pools: one number in place of a window of them, map by map."""

import math
from dataclasses import dataclass
from typing import ClassVar

from ...backends.operations.operands import Signal
from ...backends.operations.places import Pair, Windows
from ...basics.arrays import Array
from ...basics.errors import InvalidValue
from ..protocol.layer import At, Layer
from ..protocol.sequences import Steps, counted, of_each, stepwise
from ..protocol.terms import Carriers, Option, Shape
from .places import along, fitting, on_maps, pair


@dataclass(frozen=True)
class Pool(Layer):
    """Base of pools: windows of `size` places begin every `stride` places, which is as large where it isn't given.
    What is left over at the lower and right border is left out. Both are numbers, or two: down and across; along the
    one axis of channels x time they are numbers."""

    size: int | Pair
    stride: int | Pair | None = None

    sample = 3, 32, 32
    options = (Option("stride", "2"),)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", pair(self.size, f"the size of a {self.word}"))
        if self.stride is not None:
            stride = pair(self.stride, f"the stride of a {self.word}")
            object.__setattr__(self, "stride", None if stride == self.size else stride)

    def windows(self, shape: Shape) -> Windows:
        """What it sees in maps of that shape. Raises InvalidValue where it can't."""
        places, stride = on_maps(self, shape), self.size if self.stride is None else self.stride
        return fitting(self, shape, Windows(places, along(self, self.size, shape), along(self, stride, shape)))

    def out(self, shape: Shape) -> Shape:
        return (shape[0], *self.windows(shape).grid[: len(shape) - 1])

    def maps(self, at: At) -> Array:
        """Its input, (R, channels, height, width, m), or without R; a time is a height."""
        return at.x.reshape(*at.x.shape[:-2], at.shape[0], *on_maps(self, at.shape), at.batch.m)

    def made(self, at: At, of: Array) -> Array:
        """Its output or the signal there, by windows."""
        return of.reshape(len(of), at.shape[0], *at.windows.grid, at.batch.m)

    def down(self, at: At) -> Array:
        """Where its signal goes, (R, channels, height, width, m)."""
        down = at.down
        return down.reshape(len(down), at.shape[0], *on_maps(self, at.shape), at.batch.m)


@dataclass(frozen=True)
class MaxPool(Pool):
    """The largest of each window of maps; the error goes to that alone, and to the first where several are."""

    known = True
    word = "pool"
    example = "pool 2"

    def forward(self, at: At) -> None:
        at.backend.max_pool(self.maps(at), at.windows, out=self.made(at, at.y))

    def pull(self, at: At, carriers: Carriers) -> Signal:
        delta, y, down = self.made(at, at.delta), self.made(at, at.y), self.down(at)
        at.backend.max_unpool(delta, self.maps(at), y, at.windows, out=down)
        return Signal(None, at.down)


@dataclass(frozen=True)
class MeanPool(Pool):
    """The mean of each window of maps; the error goes to all that it sees in equal parts."""

    word = "mean pool"
    example = "mean pool 2"

    def forward(self, at: At) -> None:
        at.backend.mean_pool(self.maps(at), at.windows, out=self.made(at, at.y))

    def pull(self, at: At, carriers: Carriers) -> Signal:
        down = self.down(at)
        at.backend.mean_unpool(self.made(at, at.delta), at.windows, out=down)
        return Signal(None, at.down)


@dataclass(frozen=True)
class GlobalMean(Layer):
    """The mean of each map, over all of its places: units, as many as there were channels."""

    word = "global mean"
    example = "global mean"
    sample: ClassVar[Shape] = (3, 32, 32)

    def out(self, shape: Shape) -> Shape:
        on_maps(self, shape)
        if (found := stepwise(shape)) and found.pad is not None:
            raise InvalidValue(
                f"'{self}' would count tokens that fill up; put 'mean' in its place, which leaves them out"
            )
        return tuple(shape[:1])

    def windows(self, shape: Shape) -> Windows:
        """One, all of a map."""
        return whole(shape).windows(shape)

    def forward(self, at: At) -> None:
        whole(at.shape).forward(at)

    def pull(self, at: At, carriers: Carriers) -> Signal:
        return whole(at.shape).pull(at, carriers)


@dataclass(frozen=True)
class Mean(GlobalMean):
    """The mean of each feature over all tokens but those that fill up; of nothing else it is 0."""

    word = "mean"
    example = "mean"
    sample = Steps((64, 16))

    def out(self, shape: Shape) -> Shape:
        return (of_each(self, shape)[0],)

    def forward(self, at: At) -> None:
        if (count := counted(at)) is None:
            super().forward(at)
            return
        shares = at.array("shares of tokens", *count.shape[1:])
        at.backend.mean_pool(self._maps(count, 1, at), at.windows, out=self._maps(sums := self._sums(at), 1, at, 1))
        at.backend.xp.maximum(sums, 1 / at.shape[1], out=sums)
        at.backend.xp.divide(count, sums, out=shares)
        part = at.backend.scratch("tokens that count, in parts", (len(at.y), at.units, at.batch.m), at.y.dtype)
        at.backend.xp.multiply(self._each(at.x, at), shares[:, None], out=self._each(part, at))
        at.backend.mean_pool(self._maps(part, at.shape[0], at), at.windows, out=self._maps(at.y, at.shape[0], at, 1))

    def pull(self, at: At, carriers: Carriers) -> Signal:
        signal = super().pull(at, carriers)
        if of_each(self, at.shape).pad is not None:
            down = self._each(at.down, at)
            at.backend.xp.multiply(down, at.array("shares of tokens", at.shape[1], at.batch.m)[:, None], out=down)
        return signal

    def _sums(self, at: At) -> Array:
        """The share of tokens that count, (R, 1, m)."""
        return at.array("share of tokens that count", 1, at.batch.m)

    def _maps(self, a: Array, channels: int, at: At, length: int | None = None) -> Array:
        """(R, channels, T, 1, m)"""
        return a.reshape(len(a), channels, at.shape[1] if length is None else length, 1, at.batch.m)

    def _each(self, a: Array, at: At) -> Array:
        """(R, d, T, m)"""
        return a.reshape(len(a), *at.shape, at.batch.m)


def whole(shape: Shape) -> MeanPool:
    """The pool of one window."""
    return MeanPool(shape[1:] if len(shape) == 3 else shape[1])


@dataclass(frozen=True)
class Flatten(Layer):
    """Maps as units, channel by channel and row by row; in front of dense layers it needn't be said."""

    word = "flatten"
    example = "flatten"
    sample = 3, 32, 32

    def out(self, shape: Shape) -> Shape:
        return (math.prod(shape),)

    def forward(self, at: At) -> None:
        at.y[...] = at.x

    def pull(self, at: At, carriers: Carriers) -> Signal:
        return Signal(None, at.delta)
