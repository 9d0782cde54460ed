"""Locally connected layers: windows as convolution has them, and at each place filters of its own (LeCun 1989)."""

import math
from dataclasses import dataclass

from ..protocol.terms import Parameter, Shape
from .windowed import Windowed


@dataclass(frozen=True)
class Local2d(Windowed):
    """As conv, but that each place has kernels and biases of its own, so that nothing is shared among places: W is
    (n, down, across, channels, height, width), untied kernels."""

    called = "a locally connected layer"
    word = "local"
    example = "local 32 5x5"

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        out = self.out(shape)
        W = Parameter((*out, *self.kernel_shape(shape)))
        return {"W": W, "b": Parameter((math.prod(out),))} if self.bias else {"W": W}
