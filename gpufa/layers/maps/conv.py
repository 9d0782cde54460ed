"""Convolution: a = W * x + b, the same filters at every place (LeCun et al. 1989)."""

from dataclasses import dataclass

from numpy.typing import NDArray

from ...backends.operations.places import Windows
from ..protocol.terms import Parameter, Shape
from .windowed import Windowed


@dataclass(frozen=True)
class Convolution(Windowed):
    """Base of convolutions: a kernel for each filter, and a bias."""

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        W = Parameter((self.n, *self.kernel_shape(shape)))
        return {"W": W, "b": Parameter((self.n,))} if self.bias else {"W": W}

    def looks(self, shape: Shape) -> Windows:
        return self.windows(shape)

    def uses(self, shape: Shape) -> NDArray:
        """Zeros about the maps are no uses: a corner of the kernel has fewer than its middle."""
        met = self.windows(shape).met
        return met if self.axes == 2 else met[:, 0]


@dataclass(frozen=True)
class Conv2d(Convolution):
    """`n` filters that see `kernel` places, `dilation` apart, of every channel of their group, at every `stride`-th
    place. Of zeros about the maps `pad` is a number, "valid" for none, or "same" for as many as leave a map as large as
    it is where the stride is 1. kernel, stride, dilation and pad are numbers, or two: down and across."""

    word = "conv"
    example = "conv 32 5x5"


@dataclass(frozen=True)
class Conv1d(Convolution):
    """As conv along the one axis of channels x time; kernel, stride, dilation and pad are numbers."""

    axes = 1
    sample = 3, 100
    word = "conv1d"
    example = "conv1d 32 5"

    @property
    def by_step(self) -> bool:  # type: ignore[override]
        return self.kernel == self.stride == 1 and self.pad in ("same", "valid", 0)
