"""channels x time as time x channels."""

from dataclasses import dataclass
from typing import ClassVar

from ...backends.operations.operands import Signal
from ...basics.arrays import Array
from ...basics.errors import InvalidValue
from ..protocol.layer import At, Layer
from ..protocol.terms import Carriers, Shape


@dataclass(frozen=True)
class Turn(Layer):
    """A x B as B x A: of samples that have time first, such as images row by row, what a layer along time takes. Images
    of one channel are taken as their rows."""

    known = spent = True
    word = "turn"
    example = "turn"
    sample: ClassVar[Shape] = (3, 7)

    def out(self, shape: Shape) -> Shape:
        first, second = self._two(shape)
        return second, first

    def forward(self, at: At) -> None:
        _turned(at.x, self._two(at.shape), at.y)

    def pull(self, at: At, carriers: Carriers) -> Signal:
        _turned(at.delta, at.out, at.down)
        return Signal(None, at.down)

    def _two(self, shape: Shape) -> tuple[int, int]:
        two = shape[1:] if len(shape) == 3 and shape[0] == 1 else shape
        if len(two) != 2:
            raise InvalidValue(
                f"'{self}' can't take an input of the shape {shape}; it takes two axes, such as of 'input 7x3', or"
                " images of one channel"
            )
        return two[0], two[1]


def _turned(x: Array, shape: Shape, out: Array) -> None:
    """out = x, (..., shape, m), with its two axes the other way round."""
    first, second = shape
    out.reshape(*out.shape[:-2], second, first, -1)[...] = x.reshape(*x.shape[:-2], first, second, -1).swapaxes(-3, -2)
