"""Filters that look at windows of maps, as products with columns: what they see at each place, one beside the other.

The columns are made for some rows of windows at a time, and anew for each product, as they are many times the maps.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ...basics.arrays import UNTIED, Array, T, kernels
from .places import Places, Windows


class Maps(NamedTuple):
    """What they look at, maps x (R, channels, height, width, m), or without R where the replicas share them, and what
    they make of it, y (R, filters, windows down, windows across, m); each of `groups` of filters sees as many of the
    channels."""

    x: Array
    y: Array
    windows: Windows
    groups: int = 1

    def parts(self) -> Iterator[tuple[slice, slice]]:
        """The channels and the filters of each group."""
        channels, filters = self.x.shape[-4] // self.groups, self.y.shape[1] // self.groups
        for g in range(self.groups):
            yield slice(g * channels, (g + 1) * channels), slice(g * filters, (g + 1) * filters)


class Columns(Places):
    """Kernels W are (R, filters, channels of a group, height, width), or without a width of 1, and where each place has
    its own, (R, filters, windows down, windows across, channels of a group, height, width)."""

    gemm: Callable[..., None]
    layer: Callable[..., None]

    def convolve(self, maps: Maps, W: Array, b: Array = None) -> None:
        """y = W * x + b; b is (R, filters), or has one for each place, too: (R, filters * places)."""
        y, untied = _flat(maps.y), W.ndim > UNTIED
        for rows, columns in self._columns(maps):
            part, copied = self._rows(maps, y, rows)
            for filters, K, seen, made in _products(maps, W, rows, columns, part):
                if b is None or untied:
                    self.gemm(K, seen, out=made)
                else:
                    self.layer(K, seen, b[:, filters], None, a=made, h=made)
            if copied:
                y[..., _stretch(maps, rows)] = part
        if b is not None and untied:
            at_places = maps.y.reshape(*b.shape, -1)
            at_places += b[..., None]

    def convolve_back(self, maps: Maps, W: Array) -> None:
        """x = the transpose of `convolve` of y: the signal there of the signal y."""
        windows, y, m, channels = maps.windows, _flat(maps.y), maps.y.shape[-1], maps.x.shape[1]
        if windows.pointwise and W.ndim <= UNTIED:
            every = range(windows.grid[0])
            for _, K, seen, made in _products(maps, W, every, _flat(maps.x), y):
                self.gemm(T(K), made, out=seen)
            return
        for rows in _tiles(maps):
            part, copied = self._rows(maps, y, rows)
            if copied:
                part[...] = y[..., _stretch(maps, rows)]
            shape = len(y), channels, *windows.kernel, len(rows), windows.grid[1], m
            columns = self.scratch("columns", shape, y.dtype)
            flat = columns.reshape(len(y), channels * math.prod(windows.kernel), -1)
            for _, K, seen, made in _products(maps, W, rows, flat, part):
                self.gemm(T(K), made, out=seen)
            self.add_columns(columns, windows, rows, out=maps.x, more=rows.start > 0)

    def filter_gradient(self, maps: Maps, out: Array, alpha: Any = 1.0, beta: float = 0.0) -> None:
        """out = alpha * the sums over places and samples of y x + beta * out, y being the signal there; kernels of one
        place alone have no sum over places."""
        y = _flat(maps.y)
        for rows, columns in self._columns(maps):
            part, copied = self._rows(maps, y, rows)
            if copied:
                part[...] = y[..., _stretch(maps, rows)]
            for _, K, seen, made in _products(maps, out, rows, columns, part):
                self.gemm(made, T(seen), out=K, alpha=alpha, beta=beta)
            if out.ndim <= UNTIED:
                beta = 1.0

    def _columns(self, maps: Maps) -> Iterator[tuple[range, Array]]:
        """Some rows of windows and their columns, (R, all that is seen, places * m)."""
        x, windows = maps.x, maps.windows
        if windows.pointwise:
            yield range(windows.grid[0]), _flat(x)
            return
        for rows in _tiles(maps):
            shape = *x.shape[:-3], *windows.kernel, len(rows), windows.grid[1], x.shape[-1]
            columns = self.scratch("columns", shape, maps.y.dtype)
            self.columns(x, windows, rows, out=columns)
            yield rows, columns.reshape(*x.shape[:-4], x.shape[-4] * math.prod(windows.kernel), -1)

    def _rows(self, maps: Maps, y: Array, rows: range) -> tuple[Array, bool]:
        """These rows of windows of y, (R, filters, places * m): y itself where they are all, or room for a copy."""
        if len(rows) == maps.windows.grid[0]:
            return y, False
        stretch = _stretch(maps, rows)
        return self.scratch("rows of maps", (*y.shape[:2], stretch.stop - stretch.start), y.dtype), True


def _products(
    maps: Maps, W: Array, rows: range, columns: Array, part: Array
) -> Iterator[tuple[slice, Array, Array, Array]]:
    """Of each group its filters, and K, seen and made of the product K seen = made: kernels as matrices, columns, and
    what is made of them at these rows of windows. Where each place has kernels of its own there are products for each:
    its axis stands behind R."""
    taps, across, m = math.prod(maps.windows.kernel), maps.windows.grid[1], maps.y.shape[-1]
    if W.ndim > UNTIED:
        columns, part = (a.reshape(*a.shape[:-1], -1, m).swapaxes(-3, -2) for a in (columns, part))
    K = kernels(W, slice(rows.start * across, rows.stop * across))
    for channels, filters in maps.parts():
        seen = columns[..., channels.start * taps : channels.stop * taps, :]
        yield filters, K[..., filters, :], seen, part[..., filters, :]


def _flat(y: Array) -> Array:
    """(..., channels, places * m)"""
    return y.reshape(*y.shape[:-3], -1)


def _tiles(maps: Maps) -> list[range]:
    windows, y = maps.windows, maps.y
    seen = maps.x.shape[-4] * math.prod(windows.kernel)
    return windows.tiles(len(y) * seen * windows.grid[1] * y.shape[-1] * y.itemsize)


def _stretch(maps: Maps, rows: range) -> slice:
    """Those rows of windows among places * m."""
    row = maps.windows.grid[1] * maps.y.shape[-1]
    return slice(rows.start * row, rows.stop * row)
