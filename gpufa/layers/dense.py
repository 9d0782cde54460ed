"""a = W x + b."""

import math
from dataclasses import dataclass

from ..backends.operands import Signal
from ..basics.arguments import whole
from .layer import At, Layer, carrier
from .terms import Carriers, Parameter, Shape, Sums


@dataclass(frozen=True)
class Dense(Layer):
    """`n` units, each of which sees all below it; channels and places it takes as units."""

    n: int

    known = True
    word = "dense"
    example = "dense 64"

    def __post_init__(self) -> None:
        whole(self.n, "the units of a dense layer")

    def out(self, shape: Shape) -> Shape:
        return (self.n,)

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        return {"W": Parameter((self.n, math.prod(shape))), "b": Parameter((self.n,))}

    def forward(self, at: At) -> None:
        at.backend.layer(at.w["W"], at.x, at.w["b"], None, a=at.y, h=at.y)

    def pull(self, at: At, carriers: Carriers) -> Signal:
        return Signal(carrier(at.w["W"]) if carriers is None else carriers[at.names["W"]], at.delta)

    def gradients(self, at: At, grads: Sums) -> None:
        grads.product(at.names["W"], at.delta, at.x)
        grads.sums(at.names["b"], at.delta)
