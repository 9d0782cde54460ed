"""Convolution on the CPU without columns."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ....basics.arrays import UNTIED
from ...operations.columns import Columns, Maps
from ...operations.places import Windows
from .convolver import Convolver, Geometry, convolver
from .threads import Room

ONE = Windows((1, 1), (1, 1), (1, 1))  # one place, all of the maps


class Direct(Columns):
    """By machine code, `code`; by `Columns` without a compiler, and for what the code leaves out."""

    room: Room

    def code(self, dtype: Any) -> Convolver | None:
        """For arrays of that type."""
        return convolver(dtype)

    def convolve(self, maps: Maps, W: NDArray, b: NDArray | None = None) -> None:
        if not (made := self._made(maps, W)):
            super().convolve(maps, W, b)
            return
        for x, y, w, bias in _groups(maps, W, b):
            made.correlate(_geometry(x.shape, y.shape, maps.windows), x, w, bias, y, self.room)

    def convolve_back(self, maps: Maps, W: NDArray) -> None:
        maps, W = _product(maps, W)
        windows = maps.windows
        mixed = any(s > 1 and d > 1 for s, d in zip(windows.stride, windows.dilation, strict=True))
        if mixed or not (made := self._made(maps, W)):
            super().convolve_back(maps, W)
            return
        for x, y, w, _ in _groups(maps, W, None):
            for geometry, taps, places in _turned(x.shape, y.shape, windows):
                out = x[:, *places]
                if geometry.high and geometry.wide:
                    made.correlate(geometry, y, w[:, :, *taps][:, :, ::-1, ::-1].swapaxes(0, 1), None, out, self.room)
                else:
                    out[...] = 0

    def filter_gradient(self, maps: Maps, out: NDArray, alpha: Any = 1.0, beta: float = 0.0) -> None:
        maps, out = _product(maps, out)
        if not (made := self._made(maps, out)):
            super().filter_gradient(maps, out, alpha, beta)
            return
        factor = float(alpha if np.ndim(alpha) == 0 else alpha[0])
        for x, y, to, _ in _groups(maps, out, None):
            made.gradient(_geometry(x.shape, y.shape, maps.windows), x, y, factor, beta, to, self.room)

    def _made(self, maps: Maps, W: NDArray) -> Convolver | None:
        """The machine code, where it is faster than products: of single places it is not. Kernels of each place's own
        it has not, and it reads whole maps as they lie."""
        x = _first(maps)
        lie = x.flags.c_contiguous and maps.y[0].flags.c_contiguous and x.dtype == maps.y.dtype
        return None if maps.windows.pointwise or W.ndim > UNTIED or not lie else self.code(maps.y.dtype)


class Axis(NamedTuple):
    """`size` places of a stride's own, the taps that reach them, `kernel` in number, and the zeros before what these
    go over."""

    size: int
    kernel: int
    zeros: int
    taps: slice
    places: slice


def _product(maps: Maps, W: NDArray) -> tuple[Maps, NDArray]:
    """Maps that each kernel covers as places of more channels, which makes products of the way back and of the
    gradient: there are no columns to make. Others as they are."""
    windows = maps.windows
    whole = windows.kernel == windows.size == windows.padded and not windows.pointwise
    if not whole or W.ndim > UNTIED or not (_first(maps).flags.c_contiguous and W[0].flags.c_contiguous):
        return maps, W
    x = maps.x.reshape(*maps.x.shape[:-4], -1, 1, 1, maps.x.shape[-1])
    return maps._replace(x=x, windows=ONE), W.reshape(*W.shape[:2], -1, 1, 1)


def _first(maps: Maps) -> NDArray:
    """x of the first replica."""
    return maps.x[0] if maps.x.ndim == maps.y.ndim else maps.x


def _groups(maps: Maps, W: NDArray, b: NDArray | None) -> Iterator[tuple[NDArray, NDArray, NDArray, NDArray | None]]:
    """x, y, W and b of each replica and group."""
    W = W.reshape(*W.shape[:3], *maps.windows.kernel)
    for r, y in enumerate(maps.y):
        x = maps.x[r] if maps.x.ndim == maps.y.ndim else maps.x
        for channels, filters in maps.parts():
            yield x[channels], y[filters], W[r, filters], None if b is None else b[r, filters]


def _geometry(x: tuple[int, ...], y: tuple[int, ...], w: Windows) -> Geometry:
    """Of maps of these shapes."""
    (down, _), (across, _) = w.pad
    return Geometry(*x[:3], *y[:3], x[3], *w.kernel, *w.stride, *w.dilation, down, across)


def _turned(
    x: tuple[int, ...], y: tuple[int, ...], w: Windows
) -> Iterator[tuple[Geometry, tuple[slice, slice], tuple[slice, slice]]]:
    """What the transpose is made of: for each of a stride's places a correlation of y with the kernel turned round, of
    which some taps reach these places."""
    axes = zip(x[1:3], w.kernel, w.stride, w.dilation, (w.pad[0][0], w.pad[1][0]), strict=True)
    down, across = (list(_axes(*axis)) for axis in axes)
    for r in down:
        for c in across:
            sizes = *y[:3], x[0], r.size, c.size, x[3]
            geometry = Geometry(*sizes, r.kernel, c.kernel, 1, 1, *w.dilation, r.zeros, c.zeros)
            yield geometry, (r.taps, c.taps), (r.places, c.places)


def _axes(size: int, kernel: int, stride: int, dilation: int, pad: int) -> Iterator[Axis]:
    """One for each of a stride's places; stride or dilation is 1."""
    for start in range(min(stride, size)):
        first = (start + pad) % stride
        taps = len(range(first, kernel, stride))
        zeros = (taps - 1) * dilation - (start + pad - first) // stride
        places = slice(start, None, stride)
        yield Axis(len(range(size)[places]), taps, zeros, slice(first, None, stride), places)
