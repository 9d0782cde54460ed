"""The one source of random numbers: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").

A number is a pure function of (seed, purpose, stream, step, index), never of what was drawn before it. So a resumed
run, a replica beside others and another backend all see the same bits, and the only generator state is the step
counter.

    counter = (index // 4, stream, step, purpose)      key = 64-bit seed      word = index % 4
"""

from collections.abc import Callable
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from .errors import InvalidValue

MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
WEYL = 0x9E3779B9, 0xBB67AE85
ROUNDS = 10
BLOCK = 4096  # counters made at a time: the six 32 KiB work arrays stay in the cache
LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)


class Purpose(IntEnum):
    """What a number is for: the last word of its counter, so that no two uses ever share a number."""

    INIT = 1
    FEEDBACK = 2
    SHUFFLE = 3
    DROPOUT = 4
    INPUT_NOISE = 5
    LABEL_NOISE = 6
    SPLIT = 7
    RULE = 8


def check_seed(seed: int) -> int:
    """`seed` itself if it fits the 64-bit key; raises InvalidValue otherwise."""
    if not isinstance(seed, int | np.integer) or isinstance(seed, bool) or not 0 <= seed < 2**64:
        raise InvalidValue(f"seed {seed!r} can't be used; give a whole number from 0 to 2**64 - 1")
    return int(seed)


def philox(counters: NDArray[np.uint64], seed: int) -> None:
    """Turn `counters`, (6, n) uint64 whose first four rows hold 32-bit counter words, into random words in place.

    Rows 4 and 5 are work space. The 32-bit results stand in rows 0 to 3.
    """
    c0, c1, c2, c3, p0, p1 = counters
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32
    m0, m1 = (np.uint64(m) for m in MULTIPLIERS)
    for _ in range(ROUNDS):
        np.multiply(c0, m0, out=p0)
        np.multiply(c2, m1, out=p1)
        np.right_shift(p1, HALF, out=c0)
        np.bitwise_xor(c0, c1, out=c0)
        np.bitwise_xor(c0, np.uint64(k0), out=c0)
        np.bitwise_and(p1, LOW, out=c1)
        np.right_shift(p0, HALF, out=c2)
        np.bitwise_xor(c2, c3, out=c2)
        np.bitwise_xor(c2, np.uint64(k1), out=c2)
        np.bitwise_and(p0, LOW, out=c3)
        k0, k1 = (k0 + WEYL[0]) & 0xFFFFFFFF, (k1 + WEYL[1]) & 0xFFFFFFFF


class Generator:
    """Fills arrays with Philox words; owns the work space, so that filling allocates nothing."""

    def __init__(self) -> None:
        self._counters = np.empty((6, BLOCK), np.uint64)
        self._blocks = np.arange(BLOCK, dtype=np.uint64)
        self._words = np.empty((BLOCK, 4), np.uint32)
        self._floats = np.empty(4 * BLOCK, np.float64)

    def fill(
        self, law: str, out: NDArray, seed: int, purpose: Purpose, *, stream: int = 0, step: int = 0, scale: float = 1.0
    ) -> NDArray:
        """Write `scale` times numbers of `law` (a key of LAWS) into the C-contiguous array `out`, in index order."""
        flat = out.reshape(-1)
        if not np.shares_memory(flat, out) and out.size:
            raise InvalidValue("random numbers are written into C-contiguous arrays only; make the array contiguous")
        for start in range(0, flat.size, 4 * BLOCK):
            piece = flat[start : start + 4 * BLOCK]
            LAWS[law](
                self._draw(piece.size, start // 4, seed, purpose, stream, step), piece, self._floats[: piece.size]
            )
            if scale != 1.0:
                np.multiply(piece, scale, out=piece)
        return out

    def keep(self, out: NDArray, drop: float, seed: int, *, stream: int = 0, step: int = 0) -> NDArray:
        """Write a dropout mask into the C-contiguous `out`: 0 with probability `drop`, else 1 / (1 - drop).

        Sixteen bits decide an element, so `drop` is taken to the nearest multiple of 2**-16, and the mean is exactly 1.
        """
        flat, threshold = out.reshape(-1), round(drop * 2**16)
        for start in range(0, flat.size, 8 * BLOCK):
            piece = flat[start : start + 8 * BLOCK]
            words = self._draw(-(-piece.size // 2), start // 8, seed, Purpose.DROPOUT, stream, step)
            np.greater_equal(words.view(np.uint16)[: piece.size], threshold, out=piece)
            np.multiply(piece, 2**16 / (2**16 - threshold), out=piece)
        return out

    def _draw(self, n: int, first: int, seed: int, purpose: int, stream: int, step: int) -> NDArray[np.uint32]:
        """n words, from index 4 * first on."""
        quads = -(-n // 4)
        counters = self._counters[:, :quads]
        np.add(self._blocks[:quads], np.uint64(first), out=counters[0])
        for row, word in enumerate((stream, step, purpose), start=1):
            counters[row] = word
        philox(counters, seed)
        words = self._words[:quads]
        words[...] = counters[:4].T
        return words.reshape(-1)[:n]


def uniform(words: NDArray[np.uint32], out: NDArray, t: NDArray) -> None:
    """U[-1, 1) on the grid of 2**-23: exact in float32."""
    np.right_shift(words.view(np.int32), np.int32(8), out=words.view(np.int32))
    np.multiply(words.view(np.int32), 2.0**-23, out=t)
    out[...] = t


def sign(words: NDArray[np.uint32], out: NDArray, t: NDArray) -> None:
    """+1 or -1, each with probability one half: the word's top bit."""
    np.right_shift(words, np.uint32(31), out=words)
    np.multiply(words, -2.0, out=t)
    np.add(t, 1.0, out=t)
    out[...] = t


def normal(words: NDArray[np.uint32], out: NDArray, t: NDArray) -> None:
    """Normal-like, mean 0 and variance 1: the sum of the word's four bytes (Irwin-Hall; no value beyond 3.46)."""
    np.einsum("nb->n", words.view(np.uint8).reshape(-1, 4), out=t, dtype=np.float64, casting="unsafe")
    np.subtract(t, 510.0, out=t)
    np.multiply(t, 1 / np.sqrt(4 * (256**2 - 1) / 12), out=t)
    out[...] = t


def word(words: NDArray[np.uint32], out: NDArray, t: NDArray) -> None:
    """The 32 bits themselves, for integer arrays."""
    out[...] = words


FEEDBACK_LAWS = "uniform", "sign", "normal"
LAWS: dict[str, Callable[[NDArray[np.uint32], NDArray, NDArray], None]] = {
    "uniform": uniform,
    "sign": sign,
    "normal": normal,
    "word": word,
}


def permutation(seed: int, purpose: Purpose, step: int, n: int) -> NDArray[np.int64]:
    """A random order of 0 .. n-1: the ranks of n words, equal words in order of their index."""
    words = Generator().fill("word", np.empty(n, np.uint32), seed, purpose, step=step)
    return np.argsort(words, kind="stable")
