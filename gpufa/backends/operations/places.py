"""Windows that go over the places of maps: what convolution and pooling are made of, in operations of `xp`.

Maps are (..., channels, height, width, m): a run along the width is one stretch of memory, over all samples.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = Any
Pair = tuple[int, int]
TILE = 1 << 26  # bytes that columns may take


@dataclass(frozen=True)
class Windows:
    """Windows of `kernel` places, `dilation` apart, that begin every `stride` places in maps of that size, which have
    `pad` zeros before and behind them, up and down and then left and right. Windows that don't fit are left out."""

    size: Pair
    kernel: Pair
    stride: Pair
    dilation: Pair = (1, 1)
    pad: tuple[Pair, Pair] = ((0, 0), (0, 0))

    @cached_property
    def padded(self) -> Pair:
        """The size with the zeros."""
        down, across = (n + sum(pad) for n, pad in zip(self.size, self.pad, strict=True))
        return down, across

    @cached_property
    def grid(self) -> Pair:
        """How many there are, down and across; below 1 where none fits."""
        down, across = (
            (n - d * (k - 1) - 1) // s + 1
            for n, k, s, d in zip(self.padded, self.kernel, self.stride, self.dilation, strict=True)
        )
        return down, across

    @cached_property
    def pointwise(self) -> bool:
        """Whether each window is one place, and each place a window."""
        return self.kernel == (1, 1) and self.grid == self.size == self.padded

    @property
    def solid(self) -> bool:
        """Whether the places of each lie side by side, and none on zeros."""
        return self.dilation == (1, 1) and self.padded == self.size

    def taps(self, rows: range | None = None) -> Iterator[tuple[int, int, tuple[slice, slice], tuple[slice, slice]]]:
        """Each place (i, j) of the kernel, for some rows of windows or all: the places of maps that it meets, and the
        windows, of these rows, which have it there and not on zeros."""
        rows = rows or range(self.grid[0])
        for i in range(self.kernel[0]):
            down, windows = self._met(0, i, rows)
            for j in range(self.kernel[1]):
                across, beside = self._met(1, j, range(self.grid[1]))
                yield i, j, (down, across), (windows, beside)

    def _met(self, axis: int, tap: int, windows: range) -> tuple[slice, slice]:
        """Along one axis."""
        n, stride = self.size[axis], self.stride[axis]
        start = tap * self.dilation[axis] - self.pad[axis][0]  # where the first of all windows has it
        first = max(windows.start, -(start // stride))
        count = max(min(windows.stop, (n - 1 - start) // stride + 1) - first, 0)
        place, before = (start + first * stride, first - windows.start) if count else (0, 0)
        return slice(place, place + count * stride, stride), slice(before, before + count)

    @property
    def met(self) -> NDArray:
        """How many of them have each place of the kernel on the maps, and not on zeros about them."""
        counts, sides = [], (self.size, self.kernel, self.stride, self.dilation)
        for n, k, s, d, pad, windows in zip(*sides, self.pad, self.grid, strict=True):
            place = np.add.outer(np.arange(k) * d, np.arange(windows) * s - pad[0])
            counts.append(((place >= 0) & (place < n)).sum(axis=1))
        return np.multiply.outer(*counts)

    def tiles(self, row: int) -> list[range]:
        """Rows of windows, as many at a time as columns have the memory for; one row takes so many bytes."""
        rows, step = self.grid[0], max(TILE // row, 1)
        return [range(start, min(start + step, rows)) for start in range(0, rows, step)]


class Places:
    """Windows on maps, up and down again. Each is one operation, which a backend may do in a pass of its own."""

    xp: ModuleType
    scratch: Callable[..., Array]
    gemm: Callable[..., None]

    def columns(self, x: Array, windows: Windows, rows: range, out: Array) -> None:
        """What these rows of windows see: out = (..., channels, *kernel, rows, windows across, m)."""
        for i, j, places, seeing in windows.taps(rows):
            tap = out[..., i, j, :, :, :]
            part = tap[(..., *seeing, slice(None))]
            if part.shape != tap.shape:
                tap.fill(0)
            part[...] = x[(..., *places, slice(None))]

    def add_columns(self, columns: Array, windows: Windows, rows: range, out: Array, more: bool = False) -> None:
        """The transpose of `columns`: out has in each place the sum of all that saw it, or `more` of it."""
        if not more:
            out.fill(0)
        for i, j, places, seeing in windows.taps(rows):
            seen = out[(..., *places, slice(None))]
            self.xp.add(seen, columns[..., i, j, :, :, :][(..., *seeing, slice(None))], out=seen)

    def spread(self, taps: Array, windows: Windows, out: Array) -> None:
        """`add_columns` of columns that are the same in every window: each of taps, (..., channels, *kernel, m), is
        added wherever it was seen, and out is (..., channels, height, width, m)."""
        out.fill(0)
        for i, j, places, _ in windows.taps():
            seen = out[(..., *places, slice(None))]
            self.xp.add(seen, taps[..., i, j, None, None, :], out=seen)

    def gather(self, x: Array, windows: Windows, out: Array) -> None:
        """The transpose of `spread`: for each tap the sum of all that it sees, (..., channels, *kernel, m)."""
        (rows, columns), m = windows.grid, x.shape[-1]
        ones = self.scratch("ones of windows", (1, rows * columns), x.dtype)
        ones.fill(1)
        seen = self.scratch("seen of windows", (*x.shape[:-3], rows, columns, m), x.dtype)
        sums = self.scratch("sums of windows", (*x.shape[:-3], 1, m), x.dtype)
        for i, j, places, seeing in windows.taps():
            seen.fill(0)
            seen[(..., *seeing, slice(None))] = x[(..., *places, slice(None))]
            self.gemm(ones, seen.reshape(-1, rows * columns, m), out=sums.reshape(-1, 1, m))
            out[..., i, j, :] = sums[..., 0, :]

    def max_pool(self, x: Array, windows: Windows, out: Array) -> None:
        """The largest of each window: (..., height, width, m) to (..., *windows, m)."""
        for i, j, (down, across), _ in windows.taps():
            if i or j:
                self.xp.maximum(out, x[..., down, across, :], out=out)
            else:
                out[...] = x[..., down, across, :]

    def max_unpool(self, delta: Array, x: Array, y: Array, windows: Windows, out: Array) -> None:
        """Each window's delta to its largest, of several to the first, row by row; y is max_pool of x."""
        xp = self.xp
        hit, taken = (self.scratch(f"{name} of a pool", y.shape, "bool") for name in ("largest", "found"))
        part = self.scratch("part of a pool", y.shape, y.dtype)
        out.fill(0)
        taken.fill(False)
        for _, _, (down, across), _ in windows.taps():
            xp.equal(x[..., down, across, :], y, out=hit)
            xp.greater(hit, taken, out=hit)
            xp.logical_or(taken, hit, out=taken)
            xp.multiply(delta, hit, out=part)
            seen = out[..., down, across, :]
            xp.add(seen, part, out=seen)

    def mean_pool(self, x: Array, windows: Windows, out: Array) -> None:
        """The mean of each window."""
        for i, j, (down, across), _ in windows.taps():
            if i or j:
                self.xp.add(out, x[..., down, across, :], out=out)
            else:
                out[...] = x[..., down, across, :]
        out *= 1 / (windows.kernel[0] * windows.kernel[1])

    def mean_unpool(self, delta: Array, windows: Windows, out: Array) -> None:
        """Each window's delta in equal parts to all that it sees."""
        part = self.scratch("part of a pool", delta.shape, delta.dtype)
        self.xp.multiply(delta, 1 / (windows.kernel[0] * windows.kernel[1]), out=part)
        out.fill(0)
        for _, _, (down, across), _ in windows.taps():
            seen = out[..., down, across, :]
            self.xp.add(seen, part, out=seen)
