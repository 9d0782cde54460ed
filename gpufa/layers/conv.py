"""Convolution: a = W * x + b, the same filters at every place (LeCun et al. 1989), as products with columns.

The columns of a window are what its filters see. They are made for a few rows of windows at a time, and anew on the
way down, as they are many times what is kept of the maps themselves.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from numpy.typing import NDArray

from ..backends.operands import Signal
from ..backends.places import Pair, Windows
from ..basics.arguments import whole
from ..basics.arrays import Array, T, as_matrix
from ..basics.errors import InvalidValue
from .layer import At, Carriers, Layer, Option, Parameter, Shape, Sums
from .places import PADS, fitting, on_maps, pads, pair, sides


@dataclass(frozen=True)
class Conv2d(Layer):
    """`n` filters that see `kernel` places, `dilation` apart, of every channel of their group, at every `stride`-th
    place. Of zeros about the maps `pad` is a number, "valid" for none, or "same" for as many as leave a map as large as
    it is where the stride is 1. kernel, stride, dilation and pad are numbers, or two: down and across."""

    n: int
    kernel: int | Pair
    stride: int | Pair = 1
    pad: str | int | Pair = "same"
    dilation: int | Pair = 1
    groups: int = 1
    bias: bool = True

    word = "conv"
    example = "conv 32 5x5"
    options = (
        Option("stride", "2"),
        Option("pad", "valid", PADS),
        Option("dilation", "2"),
        Option("groups", "4"),
        Option("nobias", "", sets=("bias", False)),
    )

    def __post_init__(self) -> None:
        whole(self.n, "the filters of a convolution")
        object.__setattr__(self, "kernel", sides(pair(self.kernel, "the kernel of a convolution")))
        for name in ("stride", "dilation"):
            object.__setattr__(self, name, pair(getattr(self, name), f"the {name} of a convolution"))
        object.__setattr__(self, "pad", pads(self.pad))
        whole(self.groups, "the groups of a convolution")
        if self.n % self.groups:
            raise InvalidValue(f"'{self}' can't divide its filters into {self.groups} equal groups; give a multiple")
        if not isinstance(self.bias, bool):
            raise InvalidValue(f"the bias of a convolution can't be {self.bias!r}; give True or False")

    def windows(self, shape: Shape) -> Windows:
        """Where its filters look, in maps of that shape. Raises InvalidValue where they can't."""
        size, channels = on_maps(self, shape), shape[0]
        if channels % self.groups:
            raise InvalidValue(
                f"'{self}' can't divide the {channels} channels of {shape} into {self.groups} equal groups; give groups"
                " that divide both channels and filters"
            )
        kernel, stride, dilation = map(sides, (self.kernel, self.stride, self.dilation))
        if self.pad == "same":
            total = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
            pad = (total[0] // 2, -(-total[0] // 2)), (total[1] // 2, -(-total[1] // 2))
        else:
            down, across = (0, 0) if self.pad == "valid" else sides(self.pad)
            pad = (down, down), (across, across)
        return fitting(self, shape, Windows(size, kernel, stride, dilation, pad))

    def out(self, shape: Shape) -> Shape:
        return (self.n, *self.windows(shape).grid)

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        W = Parameter((self.n, shape[0] // self.groups, *sides(self.kernel)))
        return {"W": W, "b": Parameter((self.n,))} if self.bias else {"W": W}

    def forward(self, at: At) -> None:
        W, y = as_matrix(at.w["W"]), self._maps(at, at.y)
        for rows, whole_map, columns in self._columns(at):
            part = y if whole_map else at.backend.scratch("rows of maps", (*y.shape[:2], columns.shape[-1]), y.dtype)
            for filters, seen in self._groups(W.shape[-1]):
                own, to = columns[..., seen, :], part[:, filters]
                if self.bias:
                    at.backend.layer(W[:, filters], own, at.w["b"][:, filters], None, a=to, h=to)
                else:
                    at.backend.gemm(W[:, filters], own, out=to)
            if not whole_map:
                y[..., self._stretch(at, rows)] = part

    def pull(self, at: At, carriers: Carriers) -> Signal:
        W = as_matrix(at.w["W"] if carriers is None else carriers[at.names["W"]])
        windows, delta, m = self.windows(at.shape), self._maps(at, at.delta), at.batch.m
        spread = at.backend.scratch("signal at columns", (len(W), at.shape[0], *windows.padded, m), delta.dtype)
        spread.fill(0)
        for rows, part in self._rows(at, delta):
            columns = at.backend.scratch("columns", (len(W), self._seen(at.shape), part.shape[-1]), delta.dtype)
            for filters, seen in self._groups(W.shape[-1]):
                at.backend.gemm(T(W[:, filters]), part[:, filters], out=columns[:, seen])
            shaped = columns.reshape(len(W), at.shape[0], *windows.kernel, len(rows), windows.grid[1], m)
            at.backend.add_columns(shaped, windows, rows, out=spread)
        down = at.array("down", at.units, m)
        down.reshape(len(W), *at.shape, m)[...] = spread[(..., *windows.inner, slice(None))]
        return Signal(None, down)

    def gradients(self, at: At, grads: Sums) -> None:
        delta, name = self._maps(at, at.delta), at.names["W"]
        deltas = self._rows(at, delta)
        for rows, _, columns in self._columns(at):
            part = next(deltas)[1]
            for filters, seen in self._groups(math.prod(at.w["W"].shape[2:])):
                grads.kernel(name, part[:, filters], columns[..., seen, :], filters, more=rows.start > 0)
        if self.bias:
            grads.sums(at.names["b"], delta)

    def uses(self, shape: Shape) -> NDArray:
        """Zeros about the maps are no uses: a corner of the kernel has fewer than its middle."""
        return self.windows(shape).met

    def _maps(self, at: At, y: Array) -> Array:
        """(R, filters, places * m)"""
        return y.reshape(len(y), self.n, -1)

    def _seen(self, shape: Shape) -> int:
        """Rows of the columns of all groups."""
        return shape[0] * math.prod(sides(self.kernel))

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
        maps = at.x.reshape(*at.x.shape[:-2], *at.shape, m)
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

    def _stretch(self, at: At, rows: range) -> slice:
        """Those rows of windows among places * m."""
        row = self.windows(at.shape).grid[1] * at.batch.m
        return slice(rows.start * row, rows.stop * row)
