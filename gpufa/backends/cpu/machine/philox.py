"""Random words on the CPU as machine code: the CUDA text of Philox, compiled as C++ in a fraction of a second."""

import ctypes
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....basics.random import Generator
from ... import kernels
from .compiler import LONG, POINTER, built

WORD, KEY = ctypes.c_uint32, ctypes.c_uint64
HOST = """
typedef unsigned long long u64;
struct uint4 { unsigned x, y, z, w; };
#define __device__
static inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
static inline unsigned __umulhi(unsigned a, unsigned b) { return (u64)a * b >> 32; }
"""
TEXT = """
extern "C" void mix(const u64* __restrict at, unsigned* __restrict out, long n, unsigned stream, unsigned step,
                    unsigned purpose, u64 seed) {
    for (long i = 0; i < n; i++) {
        const uint4 c = philox(at[i], stream, step, purpose, seed);
        out[4 * i] = c.x, out[4 * i + 1] = c.y, out[4 * i + 2] = c.z, out[4 * i + 3] = c.w;
    }
}
"""


class Mixing(Generator):
    """By machine code; without a compiler by NumPy, to the same bits."""

    def mix(self, at: NDArray[np.uint64], counter: tuple[int, int, int], seed: int, out: NDArray[np.uint32]) -> None:
        if made := mixer():
            made(at.ctypes.data, out.ctypes.data, len(at), *map(int, counter), int(seed))
        else:
            super().mix(at, counter, seed, out)


@cache
def mixer() -> Any:
    """The function, for contiguous arrays; None without a compiler, or where what it made comes to other words."""
    text = HOST + kernels.included("philox.cuh") + TEXT
    library = built(text, {"mix": [POINTER, POINTER, LONG, WORD, WORD, WORD, KEY]})
    return library.mix if library and _right(library.mix) else None


def _right(mix: Any) -> bool:
    at, seed = np.arange(2**32 - 37, 2**32, dtype=np.uint64), 2**64 - 3
    found, wanted = (np.zeros((len(at), 4), np.uint32) for _ in range(2))
    mix(at.ctypes.data, found.ctypes.data, len(at), 2**32 - 1, 2**31, 7, seed)
    Generator().mix(at, (2**32 - 1, 2**31, 7), seed, wanted)
    return np.array_equal(found, wanted)
