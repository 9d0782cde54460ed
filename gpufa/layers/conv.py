"""Convolution: a = W * x + b, the same filters at every place (LeCun et al. 1989)."""

from dataclasses import dataclass

from ..backends.places import Windows
from ..basics.arrays import Array, as_matrix
from .layer import At, Parameter, Shape, Sums
from .windowed import Windowed


@dataclass(frozen=True)
class Convolution(Windowed):
    """Base of convolutions: a kernel for each filter, and a bias."""

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        W = Parameter((self.n, *self.kernel_shape(shape)))
        return {"W": W, "b": Parameter((self.n,))} if self.bias else {"W": W}

    def looks(self, shape: Shape) -> Windows:
        return self.windows(shape)

    def up(self, at: At, places: slice, columns: Array, out: Array) -> None:
        if not self.bias:
            super().up(at, places, columns, out)
            return
        W, b = as_matrix(at.w["W"]), at.w["b"]
        for filters, seen in self._groups(W.shape[-1]):
            to = out[:, filters]
            at.backend.layer(W[:, filters], columns[..., seen, :], b[:, filters], None, a=to, h=to)

    def hand_over(self, grads: Sums, name: str, delta: Array, columns: Array, filters: slice, places: slice) -> None:
        grads.kernel(name, delta, columns, filters, more=places.start > 0)


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
