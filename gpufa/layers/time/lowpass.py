"""What a membrane makes of what comes in, without a threshold: the readout of spiking units."""

import math
from dataclasses import dataclass, replace
from typing import ClassVar

from ...backends.operations.operands import Signal
from ...basics.arguments import is_number, shown
from ...basics.arrays import Array
from ...basics.errors import InvalidValue
from ...functions.spikes import LEAKED
from ..protocol.layer import At, Layer
from ..protocol.sequences import behind_the_last
from ..protocol.terms import Carriers, Option, Shape


@dataclass(frozen=True)
class Lowpass(Layer):
    """y_t = k y_{t-1} + (1 - k) x_t, k = exp(-dt / tau), of channels x time, in ms: all steps go on, or with `last` the
    last alone. What arrives at y goes back in time by the same k, which is what e-prop's filtered traces come to. A
    signal that is sent straight to all steps of it goes straight on to all steps of the layer below."""

    tau: float
    dt: float = 1.0
    last: bool = False

    known = spent = True
    timed = passes = by_step = True
    word = "lowpass"
    example = "lowpass 20"
    sample: ClassVar[Shape] = (3, 7)
    options: ClassVar[tuple[Option, ...]] = (
        Option("dt", "1"),
        Option("last", "", sets=("last", True)),
        Option("all", "", sets=("last", False)),
    )

    def __post_init__(self) -> None:
        for name in ("tau", "dt"):
            value = getattr(self, name)
            if not is_number(value) or not 0 < value < math.inf:
                raise InvalidValue(f"the {name} of a lowpass can't be {shown(value)}; give a number above 0")
        if not isinstance(self.last, bool):
            raise InvalidValue(f"last of a lowpass can't be {self.last!r}; give True or False")

    @property
    def every_step(self) -> "Lowpass":
        return replace(self, last=False)

    @property
    def keep(self) -> float:
        return math.exp(-self.dt / self.tau)

    def felt(self, shape: Shape) -> Shape:
        if len(shape) != 2:
            raise InvalidValue(
                f"'{self}' can't take an input of the shape {shape}; it takes channels x time, such as of 'lif 6 all'"
            )
        return shape

    def out(self, shape: Shape) -> Shape:
        every = self.felt(shape)
        return behind_the_last(self, every) if self.last else every

    def first(self, at: At) -> Array:
        """y before the first step."""
        return at.array("y at first", at.shape[0], at.batch.m)

    def forward(self, at: At) -> None:
        before, x = self.first(at), at.x.reshape(-1, *at.shape, at.batch.m)
        if at.batch.begins:
            before.fill(0)
        for t, own in enumerate([at.y] * at.shape[1] if self.last else self._steps(at, at.y)):
            at.backend.evaluate(LEAKED, own, before, x[:, :, t], keep=self.keep)
            before = own

    def go_on(self, at: At, before: At) -> None:
        """Begin the next way up from where that at another place of the layer ended."""
        self.first(at)[...] = before.y if self.last else self._steps(before, before.y)[-1]

    def receive(self, at: At, signal: Array, carriers: Carriers) -> None:
        at.delta[...] = self._steps(at, signal)[-1] if self.last else signal

    def pull(self, at: At, carriers: Carriers) -> Signal:
        nothing = at.array("nothing", at.shape[0], at.batch.m)
        arriving = [nothing] * (at.shape[1] - 1) + [at.delta] if self.last else self._steps(at, at.delta)
        later = nothing
        for t, own in reversed([*enumerate(self._steps(at, at.down))]):
            at.backend.evaluate(LEAKED, own, later, arriving[t], keep=self.keep)
            later = nothing if at.batch.cut(t) else own
        return Signal(None, at.down)

    def _steps(self, at: At, y: Array) -> list[Array]:
        """(R, channels * time, m) step by step, (R, channels, m)."""
        by_step = y.reshape(len(y), *at.shape, -1)
        return [by_step[:, :, t] for t in range(at.shape[1])]
