"""Locally connected layers: windows as convolution has them, and at each place filters of its own (LeCun 1989)."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..basics.arrays import Array
from .layer import At, Parameter, Shape, Sums
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

    def forward(self, at: At) -> None:
        super().forward(at)
        if self.bias:
            at.y += at.w["b"][..., None]

    def uses(self, shape: Shape) -> NDArray:
        """Each of its weights meets one place of a sample, or zeros alone."""
        return np.ones((1, 1))

    def by_place(self, at: At, a: Array) -> Array:
        """(..., places, rows, m)"""
        return a.reshape(*a.shape[:-1], -1, at.batch.m).swapaxes(-3, -2)

    def hand_over(self, grads: Sums, name: str, delta: Array, columns: Array, filters: slice, places: slice) -> None:
        grads.kernel(name, delta, columns, filters, places=places)

    def by_bias(self, at: At, delta: Array) -> Array:
        return delta.reshape(len(delta), -1, at.batch.m)
