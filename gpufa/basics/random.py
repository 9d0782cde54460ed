"""The one source of random numbers: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").

A number is a pure function of (seed, purpose, stream, step, index), never of what was drawn before it. So a resumed
run, a replica beside others and another backend all see the same bits, and the only generator state is the step
counter.

    counter = (index // 4, stream, step, purpose)      key = 64-bit seed      word = index % 4
"""

from collections.abc import Iterator
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arguments import is_number, shown
from .errors import InvalidValue
from .filled import Filled
from .laws import LAWS

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
    TEACHER = 9
    AUGMENT = 10
    BLOCKS = 11
    SAMPLE = 12
    SPIKES = 13


def check_seed(seed: int) -> int:
    """`seed` itself if it fits the 64-bit key; raises InvalidValue otherwise."""
    if not isinstance(seed, int | np.integer) or isinstance(seed, bool) or not 0 <= seed < 2**64:
        raise InvalidValue(f"seed {shown(seed)} can't be used; give a whole number from 0 to 2**64 - 1")
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


def drop_threshold(drop: float) -> int:
    """The probability in multiples of 2**-16: of sixteen random bits, the numbers below it are dropped."""
    return round(drop * 2**16)


DROPS = "0, or a number between 2^-17 and 1 - 2^-17, as sixteen random bits can draw it"


def droppable(drop: Any) -> bool:
    """Whether it is a probability with which units can be dropped."""
    return is_number(drop) and 0 <= drop < 1 and (drop == 0 or 0 < drop_threshold(drop) < 2**16)


class Generator:
    """Fills arrays with Philox words; owns the work space, so that filling allocates nothing."""

    def __init__(self) -> None:
        self._counters = np.empty((6, BLOCK), np.uint64)
        self._blocks = np.arange(BLOCK, dtype=np.uint64)
        self._at = np.empty(BLOCK, np.uint64)
        self._words = np.empty((BLOCK, 4), np.uint32)

    def fill(
        self, law: str, out: NDArray, seed: int, purpose: Purpose, *, stream: int = 0, step: int = 0, scale: float = 1.0
    ) -> NDArray:
        """Write `scale` times numbers of `law` (a key of LAWS) into the C-contiguous array `out`, in index order."""
        return self.times(LAWS[law].unit * scale, law, out, seed, purpose, stream=stream, step=step)

    def times(
        self,
        factor: float,
        law: str,
        out: NDArray,
        seed: int,
        purpose: Purpose,
        *,
        stream: int = 0,
        step: int = 0,
        start: int = 0,
    ) -> NDArray:
        """`fill` with `factor` times the law's integers, those from index `start` on."""
        for words, piece in self._pieces(out, 1, seed, purpose, stream, step, start):
            LAWS[law].integers(words, piece)
            np.multiply(piece, factor, out=piece)
        return out

    def words(self, out: NDArray, seed: int, purpose: Purpose, *, stream: int = 0, step: int = 0) -> NDArray:
        """Write the 32-bit words themselves into the C-contiguous integers `out`."""
        for words, piece in self._pieces(out, 1, seed, purpose, stream, step):
            piece[...] = words
        return out

    def quads(
        self, out: NDArray, at: NDArray, seed: int, purpose: Purpose, *, stream: int = 0, step: int = 0
    ) -> NDArray:
        """Write the words of the indices 4 * at[i] to 4 * at[i] + 3 into out[:, i], (4, n) uint32, for at (n,)."""
        for start in range(0, len(at), BLOCK):
            out[:, start : start + BLOCK] = self._quads(at[start : start + BLOCK], seed, purpose, stream, step).T
        return out

    def keep(self, out: NDArray, drop: float, seed: int, *, stream: int = 0, step: int = 0) -> NDArray:
        """Write a dropout mask into the C-contiguous `out`: 0 with probability `drop`, else 1 / (1 - drop).

        Sixteen bits decide an element, so `drop` is taken to the nearest multiple of 2**-16, and the mean is exactly 1.
        """
        threshold = drop_threshold(drop)
        for words, piece in self._pieces(out, 2, seed, Purpose.DROPOUT, stream, step):
            np.greater_equal(words.view(np.uint16)[: piece.size], threshold, out=piece)
            np.multiply(piece, 2**16 / (2**16 - threshold), out=piece)
        return out

    def keep_some(self, out: NDArray, at: Filled, drop: float, seed: int, *, stream: int = 0, step: int = 0) -> None:
        """Write x * mask into the C-contiguous `out`, by the mask that `keep` makes of these, where x is not 0: `at`
        has it. Elsewhere nothing is written."""
        threshold = drop_threshold(drop)
        for start in range(0, len(at.quads), BLOCK):
            quads = at.quads[start : start + BLOCK]
            at.words[start : start + BLOCK] = self._quads(quads, seed, Purpose.DROPOUT, stream, step)
        np.take(at.words.view(np.uint16).reshape(-1), at.among, out=at.drawn, mode="clip")
        np.greater_equal(at.drawn, threshold, out=at.kept)
        np.multiply(at.kept, 2**16 / (2**16 - threshold), out=at.kept)
        np.multiply(at.kept, at.values, out=at.kept)
        out.reshape(-1)[at.flat] = at.kept

    def _pieces(
        self, out: NDArray, per_word: int, seed: int, purpose: int, stream: int, step: int, at: int = 0
    ) -> Iterator[tuple[NDArray[np.uint32], NDArray]]:
        """(words, the flat piece of `out` that is made of them), `per_word` numbers from each word; from index `at` on,
        which may be within four words where there is one number from each."""
        flat, length = out.reshape(-1), 4 * BLOCK * per_word
        if not np.shares_memory(flat, out) and out.size:
            raise InvalidValue("random numbers are written into C-contiguous arrays only; make the array contiguous")
        before = at % 4  # words of the first four that are somebody else's
        for start in range(-before, flat.size, length):
            piece, skip = flat[max(start, 0) : start + length], before if start < 0 else 0
            first, words = (at + start) // (4 * per_word), skip + -(-piece.size // per_word)
            yield self._draw(words, first, seed, purpose, stream, step)[skip:], piece

    def _draw(self, n: int, first: int, seed: int, purpose: int, stream: int, step: int) -> NDArray[np.uint32]:
        """n words, from index 4 * first on."""
        quads = self._blocks[: -(-n // 4)]
        return self._quads(quads, seed, purpose, stream, step, first).reshape(-1)[:n]

    def _quads(
        self, at: NDArray, seed: int, purpose: int, stream: int, step: int, first: int = 0
    ) -> NDArray[np.uint32]:
        """The words of the indices 4 * (first + at[i]) to 4 * (first + at[i]) + 3, (n, 4), for at (n,)."""
        indices, words = self._at[: len(at)], self._words[: len(at)]
        np.add(at, first, out=indices, casting="unsafe")
        self.mix(indices, (stream, step, purpose), seed, words)
        return words

    def mix(self, at: NDArray[np.uint64], counter: tuple[int, int, int], seed: int, out: NDArray[np.uint32]) -> None:
        """out[i] = the words of the counter (at[i], *counter), (n, 4), for at (n,), both contiguous."""
        counters = self._counters[:, : len(at)]
        counters[0] = at
        for row, word in enumerate(counter, start=1):
            counters[row] = word
        philox(counters, seed)
        out[...] = counters[:4].T


def permutation(seed: int, purpose: Purpose, step: int, n: int, stream: int = 0) -> NDArray[np.int64]:
    """A random order of 0 .. n-1: the ranks of n words, equal words in order of their index."""
    words = Generator().words(np.empty(n, np.uint32), seed, purpose, stream=stream, step=step)
    return np.argsort(words, kind="stable")
