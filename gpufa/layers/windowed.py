"""Filters that look at windows of maps, as products with columns: what convolution and untied kernels share.

The columns of a window are what its filters see. They are made for a few rows of windows at a time, and anew on the
way down, as they are many times what is kept of the maps themselves.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from numpy.typing import NDArray

from ..backends.operands import Signal
from ..backends.places import Pair, Windows
from ..basics.arguments import whole
from ..basics.arrays import Array, T, kernels
from ..basics.errors import InvalidValue
from .layer import At, Carriers, Layer, Option, Shape, Sums
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
        y = self._maps(at, at.y)
        for rows, whole_map, columns in self._columns(at):
            part = y if whole_map else at.backend.scratch("rows of maps", (*y.shape[:2], columns.shape[-1]), y.dtype)
            self.up(at, self._places(at, rows), columns, out=part)
            if not whole_map:
                y[..., self._stretch(at, rows)] = part

    def up(self, at: At, places: slice, columns: Array, out: Array) -> None:
        """What the filters make of the columns of some places, (R, all that is seen, places * m): (R, filters, the
        same)."""
        W, columns, out = kernels(at.w["W"], places), self.by_place(at, columns), self.by_place(at, out)
        for filters, seen in self._groups(W.shape[-1]):
            at.backend.gemm(W[..., filters, :], columns[..., seen, :], out=out[..., filters, :])

    def by_place(self, at: At, a: Array) -> Array:
        """(..., rows, places * m) as what products are done with."""
        return a

    def pull(self, at: At, carriers: Carriers) -> Signal:
        stand_in = at.w["W"] if carriers is None else carriers[at.names["W"]]
        windows, delta, m = self.windows(at.shape), self._maps(at, at.delta), at.batch.m
        R, C = len(delta), at.shape[0]
        spread = at.backend.scratch("signal at columns", (R, C, *windows.padded, m), delta.dtype)
        spread.fill(0)
        for rows, part in self._rows(at, delta):
            columns = at.backend.scratch("columns", (R, self._seen(at.shape), part.shape[-1]), delta.dtype)
            W = kernels(stand_in, self._places(at, rows))
            part, out = self.by_place(at, part), self.by_place(at, columns)
            for filters, seen in self._groups(W.shape[-1]):
                at.backend.gemm(T(W[..., filters, :]), part[..., filters, :], out=out[..., seen, :])
            shaped = columns.reshape(R, C, *windows.kernel, len(rows), windows.grid[1], m)
            at.backend.add_columns(shaped, windows, rows, out=spread)
        down = at.array("down", at.units, m)
        down.reshape(R, C, *windows.size, m)[...] = spread[(..., *windows.inner, slice(None))]
        return Signal(None, down)

    def gradients(self, at: At, grads: Sums) -> None:
        delta, name = self._maps(at, at.delta), at.names["W"]
        deltas, each = self._rows(at, delta), math.prod(self.kernel_shape(at.shape))
        for rows, _, columns in self._columns(at):
            part, columns = self.by_place(at, next(deltas)[1]), self.by_place(at, columns)
            places = self._places(at, rows)
            for filters, seen in self._groups(each):
                self.hand_over(grads, name, part[..., filters, :], columns[..., seen, :], filters, places)
        if self.bias:
            grads.sums(at.names["b"], self.by_bias(at, delta))

    def hand_over(self, grads: Sums, name: str, delta: Array, columns: Array, filters: slice, places: slice) -> None:
        """The gradient of some filters at some places, which come one after the other."""
        raise NotImplementedError(f"{type(self).__name__} must define hand_over")

    def uses(self, shape: Shape) -> NDArray:
        """Zeros about the maps are no uses: a corner of the kernel has fewer than its middle."""
        met = self.windows(shape).met
        return met if self.axes == 2 else met[:, 0]

    def by_bias(self, at: At, delta: Array) -> Array:
        """(R, filters, places * m) as (R, biases, all that has the bias)."""
        return delta

    def _maps(self, at: At, y: Array) -> Array:
        """(R, filters, places * m)"""
        return y.reshape(len(y), self.n, -1)

    def _seen(self, shape: Shape) -> int:
        """Rows of the columns of all groups."""
        return self.groups * math.prod(self.kernel_shape(shape))

    def _groups(self, seen: int) -> Iterator[tuple[slice, slice]]:
        """Each group's filters, and its rows of columns."""
        each = self.n // self.groups
        for g in range(self.groups):
            yield slice(g * each, (g + 1) * each), slice(g * seen, (g + 1) * seen)

    def _tiles(self, at: At) -> list[range]:
        windows = self.windows(at.shape)
        row = len(at.delta) * self._seen(at.shape) * windows.grid[1] * at.batch.m * at.delta.itemsize
        return windows.tiles(row)

    def _columns(self, at: At) -> Iterator[tuple[range, bool, Array]]:
        """Some rows of windows, whether these are all, and their columns, (R, all that is seen, places * m); without R
        where the replicas share their input."""
        windows, tiles, m = self.windows(at.shape), self._tiles(at), at.batch.m
        maps = at.x.reshape(*at.x.shape[:-2], at.shape[0], *windows.size, m)
        padded = at.backend.padded(maps, windows)
        for rows in tiles:
            shape = (*maps.shape[:-4], at.shape[0], *windows.kernel, len(rows), windows.grid[1], m)
            columns = at.backend.scratch("columns", shape, at.delta.dtype)
            at.backend.columns(padded, windows, rows, out=columns)
            yield rows, len(tiles) == 1, columns.reshape(*maps.shape[:-4], self._seen(at.shape), -1)

    def _rows(self, at: At, delta: Array) -> Iterator[tuple[range, Array]]:
        """The same rows of windows, and their part of (R, filters, places * m)."""
        tiles = self._tiles(at)
        for rows in tiles:
            if len(tiles) == 1:
                yield rows, delta
                continue
            stretch = self._stretch(at, rows)
            part = at.backend.scratch("rows of maps", (*delta.shape[:2], stretch.stop - stretch.start), delta.dtype)
            part[...] = delta[..., stretch]
            yield rows, part

    def _places(self, at: At, rows: range) -> slice:
        """Those rows of windows among all."""
        across = self.windows(at.shape).grid[1]
        return slice(rows.start * across, rows.stop * across)

    def _stretch(self, at: At, rows: range) -> slice:
        """The same among places * m."""
        places, m = self._places(at, rows), at.batch.m
        return slice(places.start * m, places.stop * m)
