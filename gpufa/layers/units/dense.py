"""a = W x + b."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...backends.operations.operands import Signal
from ...basics.arguments import whole
from ..protocol.carrying import carrier
from ..protocol.factored import hand_over, taken_through
from ..protocol.layer import At, Layer
from ..protocol.sequences import by_features, stepwise, widened
from ..protocol.terms import Carriers, Parameter, Shape, Sums


@dataclass(frozen=True)
class Dense(Layer):
    """`n` units, each of which sees all below it; channels and places it takes as units. Above tokens it is at each of
    them, and sees that alone."""

    n: int

    known = by_step = deaf = True
    word = "dense"
    example = "dense 64"

    def __post_init__(self) -> None:
        whole(self.n, "the units of a dense layer")

    def out(self, shape: Shape) -> Shape:
        return widened(shape, self.n) if stepwise(shape) else (self.n,)

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        seen = shape[0] if stepwise(shape) else math.prod(shape)
        return {"W": Parameter((self.n, seen)), "b": Parameter((self.n,))}

    def uses(self, shape: Shape) -> NDArray:
        return np.full((1, 1), shape[1] if stepwise(shape) else 1.0)

    def forward(self, at: At) -> None:
        y = by_features(at.y, self.n)
        at.backend.layer(at.w["W"], by_features(at.x, at.w["W"].shape[-1]), at.w["b"], None, a=y, h=y)

    def pull(self, at: At, carriers: Carriers) -> Signal:
        B = carrier(at.w["W"]) if carriers is None else carriers[at.names["W"]]
        if not stepwise(at.shape):
            return Signal(B, at.delta)
        taken_through(at, B, by_features(at.delta, self.n), out=by_features(at.down, at.shape[0]))
        return Signal(None, at.down)

    def gradients(self, at: At, grads: Sums) -> None:
        delta = by_features(at.delta, self.n)
        hand_over(at, grads, at.names["W"], delta, by_features(at.x, at.w["W"].shape[-1]))
        grads.sums(at.names["b"], delta)
