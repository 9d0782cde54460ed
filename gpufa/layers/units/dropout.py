"""Units that are left out for a step of training, each with the same probability."""

from dataclasses import dataclass

from ...backends.operations.operands import Gate, Signal
from ...basics.arguments import shown
from ...basics.arrays import Array
from ...basics.errors import InvalidValue
from ...basics.random import DROPS, droppable
from ..protocol.layer import At, Layer
from ..protocol.terms import Carriers

ALL = slice(None)


@dataclass(frozen=True)
class Dropout(Layer):
    """y = x * mask in training, the mask being 0 with probability `p`, else 1 / (1 - p) (Srivastava et al. 2014)."""

    p: float

    known = by_step = deaf = True
    word = "dropout"
    example = "dropout 0.5"

    def __post_init__(self) -> None:
        if not droppable(self.p):
            raise InvalidValue(f"dropout can't be {shown(self.p)}; give {DROPS}")

    def mask(self, at: At) -> Array:
        return at.array("mask", at.units, at.batch.m)

    def forward(self, at: At) -> None:
        at.y[...] = at.x
        if at.batch.dropping and self.p:
            mask = self.mask(at)
            at.batch.dropout(mask, self.p, at.stream)
            at.backend.gate(at.y, [Gate(None, at.y, mask, ALL)])

    def pull(self, at: At, carriers: Carriers) -> Signal:
        if not (at.batch.dropping and self.p):
            return Signal(None, at.delta)
        at.backend.gated(at.delta, Gate(None, at.delta, self.mask(at), ALL), out=at.down)
        return Signal(None, at.down)
