"""Numbers as spikes: what stands between data and spiking units. No error goes down through it."""

import math
from dataclasses import dataclass
from typing import ClassVar

from ...backends.operations.operands import Signal
from ...basics.arguments import is_number, shown, whole
from ...basics.arrays import Array
from ...basics.errors import InvalidValue
from ...basics.random import Purpose
from ...functions.encodings import DELTA, LATENCY, POISSON
from ..protocol.layer import At, Layer
from ..protocol.terms import Carriers, Option, Shape


@dataclass(frozen=True)
class Encoder(Layer):
    """Base of encoders, which write spikes step by step, (R, n, m) each."""

    known = spent = stops = True

    def out(self, shape: Shape) -> Shape:
        raise NotImplementedError(f"{type(self).__name__} must define out(shape)")

    def pull(self, at: At, carriers: Carriers) -> Signal:
        at.down.fill(0)
        return Signal(None, at.down)

    def _steps(self, at: At) -> list[Array]:
        """y step by step."""
        y = at.y.reshape(len(at.y), *at.out, -1)
        return [y[:, :, t] for t in range(at.out[-1])]


@dataclass(frozen=True)
class Timed(Encoder):
    """Of n amounts, each of which is told for `n` steps: units of any shape become units x steps."""

    n: int

    def __post_init__(self) -> None:
        whole(self.n, f"the steps of {self.word}")

    def out(self, shape: Shape) -> Shape:
        return (math.prod(shape), self.n)

    def _x(self, at: At) -> Array:
        return at.x if at.x.ndim > 2 else at.x[None]


@dataclass(frozen=True)
class Poisson(Timed):
    """At each step a spike with probability rate * x, none where that is below 0, always where it is above 1. Each
    sample of each step of training meets draws of its own; whenever the net is judged all samples meet the same ones,
    so that what it makes of one hangs on no other, nor on where it stands among them."""

    rate: float = 1.0

    known = True
    word = "poisson"
    example = "poisson 20"
    options: ClassVar[tuple[Option, ...]] = (Option("rate", "0.5"),)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not is_number(self.rate) or not 0 < self.rate < math.inf:
            raise InvalidValue(f"the rate of poisson can't be {shown(self.rate)}; give a number above 0")

    def forward(self, at: At) -> None:
        if at.batch.training:
            at.batch.random("uniform", at.y, at.stream, by_sample=True, purpose=Purpose.SPIKES)
        else:
            drawn = at.array("draws of all samples", len(at.y[0]), 1)
            at.batch.random("uniform", drawn, at.stream, by_sample=False, purpose=Purpose.SPIKES)
            at.y[...] = drawn
        for z in self._steps(at):
            at.backend.evaluate(POISSON, z, self._x(at), rate=float(self.rate))


@dataclass(frozen=True)
class Latency(Timed):
    """One spike of each unit, the earlier the larger x is: at step (1 - x) (n - 1), rounded down, at 0 of 1 and more;
    none of 0 and less."""

    known = True
    word = "latency"
    example = "latency 20"

    def forward(self, at: At) -> None:
        for t, z in enumerate(self._steps(at)):
            at.backend.evaluate(LATENCY, z, self._x(at), t=float(t), last=float(self.n - 1))


@dataclass(frozen=True)
class Delta(Encoder):
    """Of channels x time twice as many channels, of spikes where x has risen, then where it has fallen, by the
    threshold since its first value or the last spike, which counts for one threshold: one of each a step at most."""

    threshold: float

    known = True
    by_step = True
    word = "delta"
    example = "delta 0.1"
    sample: ClassVar[Shape] = (3, 7)

    def __post_init__(self) -> None:
        if not is_number(self.threshold) or not 0 < self.threshold < math.inf:
            raise InvalidValue(f"the threshold of delta can't be {shown(self.threshold)}; give a number above 0")

    def out(self, shape: Shape) -> Shape:
        if len(shape) != 2:
            raise InvalidValue(
                f"'{self}' can't take an input of the shape {shape}; it takes channels x time, such as of 'input 3x7'"
            )
        return (2 * shape[0], shape[1])

    def forward(self, at: At) -> None:
        n, x = at.shape[0], at.x.reshape(-1, *at.shape, at.batch.m)
        seen = self.seen(at)
        if at.batch.begins:
            seen[...] = x[:, :, 0]
        for t, z in enumerate(self._steps(at)):
            at.backend.evaluate(DELTA, z[:, :n], z[:, n:], seen, x[:, :, t], threshold=float(self.threshold))

    def seen(self, at: At) -> Array:
        """What was last told of x, (R, channels, m)."""
        return at.array("last told", at.shape[0], at.batch.m)

    def go_on(self, at: At, before: At) -> None:
        self.seen(at)[...] = self.seen(before)
