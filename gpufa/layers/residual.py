"""y = x + what a chain makes of x (He, Zhang, Ren & Sun 2016, arXiv:1512.03385)."""

from dataclasses import dataclass

from ..backends.operands import Signal
from ..basics.arrays import Array
from ..basics.errors import InvalidValue
from .chain import Chain
from .layer import At, Carriers, Shape, write


@dataclass(frozen=True)
class Residual(Chain):
    """A chain with a skip connection over all of it; what arrives on top goes down both ways."""

    def __str__(self) -> str:
        return f"residual({super().__str__()})"

    def out(self, shape: Shape) -> Shape:
        if (out := super().out(shape)) != shape:
            raise InvalidValue(
                f"'{self}' makes {out} of {shape}, and can't add the two; let it end as wide as what is below"
            )
        return out

    def last_output(self, at: At) -> Array:
        return None

    def forward(self, at: At) -> None:
        super().forward(at)
        at.y[...] = at.inside[-1].y
        at.y += at.x

    def pull(self, at: At, carriers: Carriers) -> Signal:
        below = super().pull(at, carriers)
        if below.plus is None:
            return below._replace(plus=at.delta)
        both = at.array("down", at.units, at.batch.m)
        write(at.backend, below, out=both)
        both += at.delta
        return Signal(None, both)
