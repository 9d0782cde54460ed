"""The machine code of convolution, `SOURCES`, compiled in some seconds."""

import ctypes
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compiler import LONG, POINTER, REAL, Functions, built, source
from .threads import Room, rooms, share, threads

SOURCES = "lanes.hpp", "vectors.hpp", "correlation.cpp", "sums.cpp", "gradient.cpp"
FUNCTIONS: Functions = {
    "strip_room": [POINTER],
    "gradient_room": [POINTER, LONG],
    "pack": [POINTER, POINTER, *[LONG] * 4, POINTER],
    "correlate": [*[POINTER] * 5, *[LONG] * 3, POINTER, LONG, LONG],
    "gradient": [*[POINTER] * 3, REAL, REAL, POINTER, POINTER, LONG, LONG],
}
PRODUCTS = 100  # a nanosecond


class Geometry(ctypes.Structure):
    """Sizes of maps x and y, kernel, stride, dilation, and zeros before x; x is (channels, rows, columns, m)."""

    _fields_ = [
        (name, ctypes.c_long)
        for sizes in (
            ("channels", "rows", "columns", "filters", "out_rows", "out_columns", "m"),
            ("high", "wide", "down", "across", "apart", "aside", "above", "left"),
        )
        for name in sizes
    ]

    @property
    def nanoseconds(self) -> float:
        """What a pass takes, about, by one thread."""
        seen = self.channels * self.high * self.wide
        return seen * self.filters * self.out_rows * self.out_columns * self.m / PRODUCTS


class Convolver:
    """Calls of it, for arrays of one type; the same bits come of any number of threads."""

    def __init__(self, code: Any) -> None:
        code.strip_room.restype = code.gradient_room.restype = LONG
        self.code = code

    def correlate(self, g: Geometry, x: NDArray, w: NDArray, b: NDArray | None, out: NDArray, room: Room) -> None:
        """out = w * x + b, (filters, rows, columns, m), whose samples alone need lie side by side; w may be any view,
        (filters, channels, rows, columns)."""
        at, parts = ctypes.byref(g), threads(g.nanoseconds)
        packed = rooms(room, "filters in order", w.size, 1, w)[0]
        self.code.pack(at, w.ctypes.data, *_steps(w), packed.ctypes.data)
        own = rooms(room, "strips of maps", self.code.strip_room(at), parts, x)
        given = at, x.ctypes.data, packed.ctypes.data, None if b is None else b.ctypes.data, out.ctypes.data
        share(parts, partial(self._part, self.code.correlate, (*given, *_steps(out)[:3]), own))

    def gradient(
        self, g: Geometry, x: NDArray, y: NDArray, alpha: float, beta: float, out: NDArray, room: Room
    ) -> None:
        """out = alpha * the sums over places and samples of y x + beta * out, (filters, channels, rows, columns)."""
        at, parts = ctypes.byref(g), min(threads(g.nanoseconds), g.filters)
        own = rooms(room, "sums of a gradient", self.code.gradient_room(at, parts), parts, x)
        given = at, x.ctypes.data, y.ctypes.data, alpha, beta, out.ctypes.data
        share(parts, partial(self._part, self.code.gradient, given, own))

    def _part(self, does: Any, given: tuple, own: list[NDArray], part: int) -> None:
        does(*given, own[part].ctypes.data, part, len(own))


@cache
def convolver(dtype: Any) -> Convolver | None:
    """For arrays of that type; None without a compiler, or where what it made comes to other numbers than it should."""
    code = built(source(dtype, *SOURCES), FUNCTIONS)
    made = code and Convolver(code)
    return made if made and _right(made, dtype) else None


def _right(made: Convolver, dtype: Any) -> bool:
    """Whether it comes to the right numbers, which are whole and small here."""
    draw, m, n = np.random.default_rng(0), 67, 7
    x, w, y = (draw.integers(-3, 4, shape).astype(dtype) for shape in ((2, 5, 6, m), (n, 2, 3, 2), (n, 2, 5, m)))
    seen = np.lib.stride_tricks.sliding_window_view(x, (3, 2), axis=(1, 2))[:, ::2]  # (2, 2, 5, m, 3, 2)
    up, dw, g = np.empty_like(y), np.empty_like(w), Geometry(*x.shape[:3], *y.shape[:3], m, 3, 2, 2, 1, 1, 1, 0, 0)
    made.correlate(g, x, w, None, up, lambda name, numbers, dtype: np.empty(numbers, dtype))
    made.gradient(g, x, y, 1.0, 0.0, dw, lambda name, numbers, dtype: np.empty(numbers, dtype))
    correlated = np.array_equal(up, np.einsum("chwmij,ncij->nhwm", seen, w))
    return correlated and np.array_equal(dw, np.einsum("chwmij,nhwm->ncij", seen, y))


def _steps(array: NDArray) -> tuple[int, ...]:
    """In numbers."""
    return tuple(step // array.itemsize for step in array.strides)
