"""AUGMENTATIONS: random changes of training images, in NumPy and in CUDA C side by side; one row each.

A row says where a place of the changed image is taken from: (i, j), down and across, counted from 0, may lie outside of
the image, and what is taken from there is 0, as the image came, before scaling.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..basics.arguments import shown
from ..basics.errors import InvalidValue

Places = tuple[int, int, int]  # channels, height, width
HALF = np.uint64(32)


@dataclass(frozen=True)
class Augmentation:
    """moved(words, i, j, size, n) is where (i, j) of images of `size`, (height, width), is taken from: arrays that go
    with each other, of integers. words, (4, ...) uint32, are an image's own; n is the number behind the word, where it
    `takes` one, below the smaller of the sizes, 0 where it takes none.

    The CUDA form changes i and j in place, i64 both, with the image's uint4 w, height, width and n in scope.
    """

    word: str
    takes: str
    moved: Callable[[NDArray, NDArray, NDArray, tuple[int, int], int], tuple[NDArray, NDArray]]
    cuda: str


class Chosen(NamedTuple):
    """A row with its number."""

    row: Augmentation
    n: int = 0

    def __str__(self) -> str:
        return f"{self.row.word} {self.n}" if self.row.takes else self.row.word


def _flip(words: NDArray, i: NDArray, j: NDArray, size: tuple[int, int], n: int) -> tuple[NDArray, NDArray]:
    """Left and right change places, with probability one half."""
    return i, np.where(words[0] >> np.uint32(31), size[1] - 1 - j, j)


def _crop(words: NDArray, i: NDArray, j: NDArray, size: tuple[int, int], n: int) -> tuple[NDArray, NDArray]:
    """As large a part as the image itself of the image with n zeros about it, each with the same probability."""
    down, across = (((word * np.uint64(2 * n + 1)) >> HALF).astype(np.int64) - n for word in words[:2])
    return i + down, j + across


ROWS = (
    Augmentation("flip", "", _flip, "if (w.x >> 31) j = width - 1 - j;"),
    Augmentation(
        "crop",
        "4",
        _crop,
        "i += (i64)((u64)w.x * (2 * n + 1) >> 32) - n; j += (i64)((u64)w.y * (2 * n + 1) >> 32) - n;",
    ),
)
AUGMENTATIONS = {row.word: row for row in ROWS}


def augmentations(given: Any) -> tuple[Chosen, ...]:
    """What "flip, crop 4" says, or several such strings, in their order. Raises InvalidValue for anything else."""
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, Sequence) or not texts or not all(isinstance(text, str) for text in texts):
        raise InvalidValue(f"augment = {shown(given)} can't be used; expected words such as 'flip, crop 4'")
    return tuple(_chosen(part.strip()) for text in texts for part in text.split(","))


def _chosen(text: str) -> Chosen:
    word, _, number = text.partition(" ")
    row = AUGMENTATIONS.get(word)
    if row is None or not re.fullmatch(r"[1-9]\d{0,8}" if row.takes else "", number.strip()):
        known = ", ".join(f"{row.word} {row.takes}".strip() for row in ROWS)
        raise InvalidValue(
            f"augment can't have {shown(text)}; it takes, with commas between them, {known}, a number being a whole one"
            " of at least 1: change --augment"
        )
    return Chosen(row, int(number or 0))


def fitting(chosen: Sequence[Chosen], places: Places) -> None:
    """Raises InvalidValue where a number is too large for images of that shape."""
    for one in chosen:
        if one.n >= min(places[1:]):
            raise InvalidValue(
                f"augment '{one}' would leave nothing of some images, which are {places[1]} by {places[2]}; give"
                f" --augment a number below {min(places[1:])}"
            )


def changed(
    images: NDArray, words: NDArray, chosen: Sequence[Chosen], scratch: Callable[..., Any], out: NDArray
) -> None:
    """out = images, both (m, channels, height, width), changed by these words, (augmentations, 4, m); `scratch` hands
    out work space by name, shape and type."""
    m, channels, height, width = images.shape
    i, j = np.arange(height)[None, :, None], np.arange(width)[None, None, :]
    seen = scratch("places seen", (m, height, width), bool)
    seen.fill(True)
    for one, own in zip(reversed(chosen), words[::-1], strict=True):
        i, j = one.row.moved(own[..., None, None], i, j, (height, width), one.n)
        seen &= (i >= 0) & (i < height)
        seen &= (j >= 0) & (j < width)
    at, here = (scratch(name, seen.shape, np.int64) for name in ("places taken from", "places of a channel"))
    np.add(i.clip(0, height - 1) * width, j.clip(0, width - 1), out=at)
    at += (np.arange(m) * channels * height * width)[:, None, None]
    taken = scratch("places taken", seen.shape, images.dtype)
    np.logical_not(seen, out=seen)
    for channel in range(channels):
        np.add(at, channel * height * width, out=here)
        np.take(images.reshape(-1), here, out=taken, mode="clip")  # mode="raise" would buffer `out`
        np.copyto(taken, 0, where=seen)
        out[:, channel] = taken
