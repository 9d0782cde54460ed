"""a = W x + b."""

from dataclasses import dataclass

from ..backends.operands import Signal
from ..basics.arguments import whole
from ..basics.arrays import T
from ..basics.errors import InvalidValue
from .layer import At, Carriers, Layer, Parameter, Shape, Sums


@dataclass(frozen=True)
class Dense(Layer):
    """`n` units, each of which sees all below it."""

    n: int

    word = "dense"
    example = "dense 64"

    def __post_init__(self) -> None:
        whole(self.n, "the units of a dense layer")

    def out(self, shape: Shape) -> Shape:
        if len(shape) != 1:
            raise InvalidValue(f"'{self}' can't take an input of the shape {shape}; it takes units alone")
        return (self.n,)

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        return {"W": Parameter((self.n, *shape)), "b": Parameter((self.n,))}

    def forward(self, at: At) -> None:
        at.backend.layer(at.w["W"], at.x, at.w["b"], None, a=at.y, h=at.y)

    def pull(self, at: At, carriers: Carriers) -> Signal:
        return Signal(T(at.w["W"]) if carriers is None else carriers[at.names["W"]], at.delta)

    def gradients(self, at: At, grads: Sums) -> None:
        grads.product(at.names["W"], at.delta, at.x)
        grads.sums(at.names["b"], at.delta)
