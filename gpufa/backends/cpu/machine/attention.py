"""Attention on the CPU, whose scores are there for some tokens at a time: machine code, compiled in some seconds."""

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...operations.sequences import Heads, Sequences
from .compiler import LONG, POINTER, Functions, built, source
from .threads import Room, rooms, share, threads

SOURCES = "lanes.hpp", "functions.hpp", "tiles.hpp", "attention.cpp"
FUNCTIONS: Functions = {
    "attention_room": [POINTER, POINTER],
    "attend": [*[POINTER] * 5, LONG, LONG],
    "attend_back": [*[POINTER] * 6, LONG, LONG],
}
PRODUCTS = 15  # a nanosecond


class Sizes(ctypes.Structure):
    """Heads, features of each, tokens, samples, and whether none sees those behind it."""

    _fields_ = [(name, ctypes.c_long) for name in ("heads", "size", "tokens", "m", "causal")]

    @property
    def nanoseconds(self) -> float:
        """What a pass takes, about, by one thread."""
        return self.heads * self.size * self.tokens**2 * self.m / PRODUCTS


class Attender:
    """Calls of it, for arrays of one type; the same bits come of any number of threads."""

    def __init__(self, code: Any) -> None:
        self.code = code

    def attend(self, of: Sizes, made: NDArray, counted: NDArray | None, out: NDArray, room: Room) -> None:
        """As `Sequences.attend`, of one replica."""
        self._shared(self.code.attend, of, 0, (made, counted, out), room)

    def attend_back(
        self, of: Sizes, delta: NDArray, made: NDArray, counted: NDArray | None, out: NDArray, room: Room
    ) -> None:
        """As `Sequences.attend_back`, of one replica."""
        self._shared(self.code.attend_back, of, 1, (made, counted, delta, out), room)

    def _shared(self, does: Callable[..., None], of: Sizes, way: int, arrays: tuple, room: Room) -> None:
        at, parts, numbers = ctypes.byref(of), threads(of.nanoseconds), (LONG * 2)()
        self.code.attention_room(at, numbers)
        own = rooms(room, "work of attention", numbers[way], parts, arrays[0])
        given = [None if a is None else a.ctypes.data for a in arrays]
        share(parts, lambda part: does(at, *given, own[part].ctypes.data, part, parts))


@cache
def attender(dtype: Any) -> Attender | None:
    """For arrays of that type; None without a compiler, or where what it made comes to other numbers than it should."""
    code = built(source(dtype, *SOURCES), FUNCTIONS)
    made = code and Attender(code)
    return made if made and _right(made, dtype) else None


class Attending(Sequences):
    """By machine code, `attention`; by `Sequences` without a compiler, and where an array has gaps."""

    room: Room

    def attention(self, dtype: Any) -> Attender | None:
        """For arrays of that type."""
        return attender(dtype)

    def attend(self, made: NDArray, heads: Heads, out: NDArray) -> None:
        if not (code := self._code(heads, made, out)):
            super().attend(made, heads, out)
            return
        for r, (one, to) in enumerate(zip(made, out, strict=True)):
            code.attend(_sizes(made, heads), one, _own(heads.counted, r), to, self.room)

    def attend_back(self, delta: NDArray, made: NDArray, heads: Heads, out: NDArray) -> None:
        if not (code := self._code(heads, delta, made, out)):
            if self._code(heads, made):  # the way up has left nothing
                super().attend(made, heads, out=self.scratch("taken once more", delta.shape, delta.dtype))
            super().attend_back(delta, made, heads, out)
            return
        for r, (d, one, to) in enumerate(zip(delta, made, out, strict=True)):
            code.attend_back(_sizes(made, heads), d, one, _own(heads.counted, r), to, self.room)

    def _code(self, heads: Heads, *arrays: NDArray) -> Attender | None:
        """The machine code, where each replica's arrays lie whole."""
        given = [a for a in (*arrays, heads.counted) if a is not None]
        whole = all(a[0].flags.c_contiguous and a.dtype == arrays[0].dtype for a in given)
        return self.attention(arrays[0].dtype) if whole else None


def _sizes(made: NDArray, heads: Heads) -> Sizes:
    size, tokens = made.shape[1] // 3 // heads.number, made.shape[2] // heads.samples
    return Sizes(heads.number, size, tokens, heads.samples, heads.causal)


def _own(counted: NDArray | None, r: int) -> NDArray | None:
    """The replica's."""
    return None if counted is None else counted[r]


def _right(made: Attender, dtype: Any) -> bool:
    """Whether it comes to the right numbers, both ways."""
    of = _, size, tokens, m = 2, 3, 29, 5
    draw, room = np.random.default_rng(0), lambda name, numbers, dtype: np.empty(numbers, dtype)
    given, delta = (draw.normal(size=(n, *of)).astype(dtype) for n in (3, 1))
    q, k, v, g = *given.astype("float64"), delta[0].astype("float64")
    counted = (np.arange(tokens * m).reshape(tokens, m) % 7 > 0).astype(dtype)
    seen = np.tril(np.ones((tokens, tokens))) * counted.T[:, None, None]
    e = np.exp(np.einsum("hctm,hcum->mhtu", q, k) / np.sqrt(size)) * seen
    weights = e / np.maximum(e.sum(-1, keepdims=True), 1e-30)
    along = np.einsum("hctm,hcum->mhtu", g, v)
    scores = weights * (along - (along * weights).sum(-1, keepdims=True)) / np.sqrt(size)
    sums = ("mhtu,hcum->hctm", scores, k), ("mhtu,hctm->hcum", scores, q), ("mhtu,hctm->hcum", weights, g)
    wanted = np.einsum("mhtu,hcum->hctm", weights, v), np.stack([np.einsum(*one) for one in sums])
    out, down = np.empty_like(delta), np.empty_like(given)
    made.attend(Sizes(*of, True), given, counted, out, room)
    made.attend_back(Sizes(*of, True), delta, given, counted, down, room)
    return np.allclose(out[0], wanted[0], rtol=1e-4, atol=1e-5) and np.allclose(down, wanted[1], rtol=1e-4, atol=1e-5)
