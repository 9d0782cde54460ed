"""h = f(a), unit by unit."""

from dataclasses import dataclass, field
from typing import Any

from ...backends.operations.operands import Gate, Signal
from ...basics.arrays import Array
from ...functions.activations import Activation, activation
from ..protocol.layer import At, Layer
from ..protocol.terms import Carriers

ALL = slice(None)


def laid(a: Array) -> list[int]:
    """Bytes from one to the next along each axis that has several."""
    return [step for n, step in zip(a.shape, a.strides, strict=True) if n > 1]


@dataclass(frozen=True)
class Act(Layer):
    """An activation, by its name or as a row of one's own; its name is its word."""

    name: Any
    f: Activation = field(init=False, repr=False)

    known = by_step = deaf = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "f", activation(self.name))
        object.__setattr__(self, "name", self.f.name)

    def __str__(self) -> str:
        return self.f.name

    def forward(self, at: At) -> None:
        a: Array = at.x
        if self.f.of == "a":
            a = self._kept(at)
            if a is not at.x:
                a[...] = at.x
        elif a.ndim != at.y.ndim or laid(a) != laid(at.y):  # from outside the block, out of a slab
            a = at.y
            a[...] = at.x
        at.backend.activate(self.f, a, h=at.y)

    def pull(self, at: At, carriers: Carriers) -> Signal:
        z = self._kept(at) if self.f.of == "a" else at.y
        at.backend.gated(at.delta, Gate(self.f, z, None, ALL), out=at.down)
        return Signal(None, at.down)

    def _kept(self, at: At) -> Array:
        """What is read again on the way down: what the layer below in a chain has made, which nobody writes over, but
        not what is somebody else's."""
        return at.array("a", at.units, at.batch.m) if at.below is None else at.x
