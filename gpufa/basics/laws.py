"""LAWS: how random numbers are spread, each made of one 32-bit word, in NumPy and in CUDA C; one row each."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

HALF = np.uint64(32)


class Law(NamedTuple):
    """A number is `unit` * scale * a small integer made of one 32-bit word: rounded once, to the same bits everywhere.

    integers(words, out) writes the integers into floats; words are consumed. cuda: the same, n from the word x.
    """

    integers: Callable[[NDArray[np.uint32], NDArray], None]
    unit: float
    cuda: str


def _uniform(words: NDArray[np.uint32], out: NDArray) -> None:
    """U[-1, 1) on the grid of 2**-23."""
    integers = words.view(np.int32)
    np.right_shift(integers, np.int32(8), out=integers)
    out[...] = integers


def _sign(words: NDArray[np.uint32], out: NDArray) -> None:
    """+1 or -1, each with probability one half: the word's top bit."""
    np.right_shift(words, np.uint32(31), out=words)
    out[...] = words
    np.multiply(out, -2, out=out)
    np.add(out, 1, out=out)


def _normal(words: NDArray[np.uint32], out: NDArray) -> None:
    """Normal-like, mean 0 and variance 1: the sum of the word's four bytes (Irwin-Hall; no value beyond 3.46)."""
    rest = out.view(np.uint32)[: len(words)]
    for bits, mask in ((8, 0x00FF00FF), (16, 0xFFFF)):  # bytes beside each other, and then pairs of them
        np.right_shift(words, np.uint32(bits), out=rest)
        np.bitwise_and(rest, np.uint32(mask), out=rest)
        np.bitwise_and(words, np.uint32(mask), out=words)
        np.add(words, rest, out=words)
    np.subtract(words, 510.0, out=out, casting="unsafe")


def _ternary(words: NDArray[np.uint32], out: NDArray) -> None:
    """-1, 0 or +1, each with probability one third: the top two bits of three times the word."""
    out[...] = (words * np.uint64(3)) >> HALF
    np.subtract(out, 1, out=out)


LAWS = {
    "uniform": Law(_uniform, 2.0**-23, "n = (int)x >> 8;"),
    "sign": Law(_sign, 1.0, "n = 1 - 2 * (int)(x >> 31);"),
    "ternary": Law(_ternary, 1.0, "n = (int)((unsigned long long)x * 3 >> 32) - 1;"),
    "normal": Law(
        _normal,
        (4 * (256**2 - 1) / 12) ** -0.5,
        "n = (int)((x & 255) + (x >> 8 & 255) + (x >> 16 & 255) + (x >> 24)) - 510;",
    ),
}
# Of complex numbers of variance 1, normal-like both ways, which meet an error that is real: the real and the imaginary
# part of a row are rows of two units, independent, with half the variance each.
LAWS["complex"] = LAWS["normal"]._replace(unit=LAWS["normal"].unit * 0.5**0.5)
