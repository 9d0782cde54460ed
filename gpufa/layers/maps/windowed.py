"""Filters that look at windows of maps: what convolution and untied kernels share."""

from dataclasses import dataclass
from typing import ClassVar

from ...backends.operations.columns import Maps
from ...backends.operations.operands import Signal
from ...backends.operations.places import Pair, Windows
from ...basics.arguments import whole
from ...basics.arrays import Array
from ...basics.errors import InvalidValue
from ..protocol.layer import At, Layer
from ..protocol.terms import Carriers, Option, Shape, Sums
from .places import PADS, fitting, on_maps, one, pads, pair, sides


@dataclass(frozen=True)
class Windowed(Layer):
    """`n` filters that see `kernel` places, `dilation` apart, of every channel of their group, at every `stride`-th
    place. Of zeros about the maps `pad` is a number, "valid" for none, or "same" for as many as leave a map as large as
    it is where the stride is 1. On maps of height and width kernel, stride, dilation and pad are numbers, or two: down
    and across; along one axis they are numbers, and the maps within are one place wide."""

    n: int
    kernel: int | Pair
    stride: int | Pair = 1
    pad: str | int | Pair = "same"
    dilation: int | Pair = 1
    groups: int = 1
    bias: bool = True

    axes: ClassVar[int] = 2
    called: ClassVar[str] = "a convolution"
    spent = True
    sample: ClassVar[Shape] = (3, 32, 32)
    options = (
        Option("stride", "2"),
        Option("pad", "valid", PADS),
        Option("dilation", "2"),
        Option("groups", "4"),
        Option("nobias", "", sets=("bias", False)),
    )

    def __post_init__(self) -> None:
        whole(self.n, f"the filters of {self.called}")
        number = pair if self.axes == 2 else one
        kernel = number(self.kernel, f"the kernel of {self.called}")
        object.__setattr__(self, "kernel", sides(kernel) if self.axes == 2 else kernel)
        for name in ("stride", "dilation"):
            object.__setattr__(self, name, number(getattr(self, name), f"the {name} of {self.called}"))
        object.__setattr__(self, "pad", pads(self.pad, f"the pad of {self.called}", number))
        whole(self.groups, f"the groups of {self.called}")
        if self.n % self.groups:
            raise InvalidValue(f"'{self}' can't divide its filters into {self.groups} equal groups; give a multiple")
        if not isinstance(self.bias, bool):
            raise InvalidValue(f"the bias of {self.called} can't be {self.bias!r}; give True or False")

    def windows(self, shape: Shape) -> Windows:
        """Where its filters look, in maps of that shape. Raises InvalidValue where they can't."""
        size, channels = on_maps(self, shape, (self.axes,)), shape[0]
        if channels % self.groups:
            raise InvalidValue(
                f"'{self}' can't divide the {channels} channels of {shape} into {self.groups} equal groups; give groups"
                " that divide both channels and filters"
            )
        kernel, stride, dilation = (sides(n, self.axes) for n in (self.kernel, self.stride, self.dilation))
        if self.pad == "same":
            total = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
            pad = (total[0] // 2, -(-total[0] // 2)), (total[1] // 2, -(-total[1] // 2))
        else:
            down, across = (0, 0) if self.pad == "valid" else sides(self.pad, self.axes, rest=0)
            pad = (down, down), (across, across)
        return fitting(self, shape, Windows(size, kernel, stride, dilation, pad))

    def out(self, shape: Shape) -> Shape:
        return (self.n, *self.windows(shape).grid[: self.axes])

    def kernel_shape(self, shape: Shape) -> Shape:
        """Of what one filter sees: channels of its group, and places."""
        return (shape[0] // self.groups, *sides(self.kernel)[: self.axes])

    def forward(self, at: At) -> None:
        at.backend.convolve(self._maps(at, at.x, at.y), at.w["W"], at.w.get("b"))

    def pull(self, at: At, carriers: Carriers) -> Signal:
        down = at.down
        W = at.w["W"] if carriers is None else carriers[at.names["W"]]
        at.backend.convolve_back(self._maps(at, down, at.delta), W)
        return Signal(None, down)

    def gradients(self, at: At, grads: Sums) -> None:
        grads.filters(at.names["W"], self._maps(at, at.x, at.delta))
        if self.bias:
            grads.sums(at.names["b"], at.delta.reshape(*at.w["b"].shape, -1))

    def _maps(self, at: At, x: Array, y: Array) -> Maps:
        windows, m = at.windows, at.batch.m
        below = x.reshape(*x.shape[:-2], at.shape[0], *windows.size, m)
        return Maps(below, y.reshape(len(y), self.n, *windows.grid, m), windows, self.groups)
