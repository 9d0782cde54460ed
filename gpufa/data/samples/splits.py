"""How a part of the samples is split off: at random, of every class its share, the same on every machine."""

from collections.abc import Iterator
from numbers import Real

import numpy as np
from numpy.typing import NDArray

from ...basics.arguments import shown
from ...basics.errors import InvalidValue
from .data import Data, has_labels

SUBSET_KEY = 2  # a part of the training samples is the same for every seed
AT_ONCE = 1 << 21  # samples that are sorted at a time


def split(y: NDArray, fraction: float, key: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sorted indices (kept, held out), as `held_out` chooses them."""
    held = held_out(y, fraction, key)
    return np.flatnonzero(~held), np.flatnonzero(held)


def held_out(y: NDArray, fraction: float, key: int) -> NDArray[np.bool_]:
    """Which samples are held out: round(fraction * samples) at random, the same for the same `key`.

    With labels every class gives its share and keeps at least one sample. Raises InvalidValue where that leaves none.
    Its memory, beside a byte or two for each sample, is the same for any number of them.
    """
    check_fraction(fraction)
    classes = y if has_labels(y) and y.ndim == 1 else np.zeros(len(y), np.uint8)
    counts = members(classes)
    candidates = len(y) - int(np.count_nonzero(counts))  # all but the first of each class
    count = min(round(fraction * len(y)), candidates)
    if not count:
        raise InvalidValue(
            f"a fraction of {fraction} of these {len(y)} samples holds out none; give more samples or a larger fraction"
        )
    held = np.zeros(len(y), bool)
    own_candidates = np.maximum(counts, 1) - 1
    before = np.cumsum(own_candidates) - own_candidates  # those of the classes below
    passed = np.zeros(len(counts), np.int64)  # samples of each class with smaller words
    for those in _by_words(len(y), key):
        those = those[np.argsort(classes[those], kind="stable")]
        own = classes[those]
        rank = passed[own] + np.arange(len(own)) - np.searchsorted(own, own)  # in its class
        held[those[(rank > 0) & _evenly(before[own] + rank - 1, candidates, count)]] = True
        passed += np.bincount(own, minlength=len(counts))
    return held


def check_fraction(fraction: float) -> None:
    """Raise InvalidValue for what is no share of samples."""
    if not isinstance(fraction, Real) or not 0 < fraction < 1:
        raise InvalidValue(
            f"the fraction {shown(fraction)} of the samples can't be held out; give a number between 0 and 1"
        )


def stretch(samples: int, fraction: float, what: str = "windows") -> int:
    """How many at the end are held out of what follows each other in one text, where random ones would have neighbours
    among those that are trained on. Raises InvalidValue where that leaves none."""
    check_fraction(fraction)
    count = round(fraction * samples)
    if not 0 < count < samples:
        raise InvalidValue(
            f"a fraction of {fraction} of these {samples} {what} of text is {count}; give another fraction, more text,"
            " or a smaller --length"
        )
    return count


def members(labels: NDArray, classes: int = 0) -> NDArray[np.int64]:
    """How many samples each class has, of so many classes or more."""
    found = np.zeros(max(int(labels.max(initial=0)) + 1, classes), np.int64)
    for start in range(0, len(labels), AT_ONCE):  # as counting makes large integers of small ones
        found += np.bincount(labels[start : start + AT_ONCE], minlength=len(found))
    return found


def _evenly(place: NDArray, candidates: int, count: int) -> NDArray[np.bool_]:
    """Which places among so many candidates are (2 j + 1) * candidates // (2 count) for some j below `count`."""
    j = ((2 * count * place + candidates) // (2 * candidates))[:, None] + np.arange(-1, 2)
    chosen = (2 * j + 1) * candidates // (2 * count) == place[:, None]
    return np.asarray((chosen & (j >= 0) & (j < count)).any(axis=1))


def _by_words(n: int, key: int) -> Iterator[NDArray[np.int64]]:
    """The numbers 0 .. n-1 in the order of their random words, some at a time: each time all words are drawn again, and
    those in one range of them are sorted."""
    ranges = -(-n // AT_ONCE)
    width = -(-(2**64) // ranges)
    for part in range(ranges):
        low, high = np.uint64(part * width), np.uint64(min((part + 1) * width, 2**64) - 1)
        draw, found, words = np.random.Philox(key=key), list[NDArray[np.int64]](), list[NDArray[np.uint64]]()
        for start in range(0, n, AT_ONCE):
            drawn = draw.random_raw(min(AT_ONCE, n - start))
            inside = np.flatnonzero((drawn >= low) & (drawn <= high))
            found.append(inside + start)
            words.append(drawn[inside])
        yield np.concatenate(found)[np.argsort(np.concatenate(words), kind="stable")]


def subset(data: Data, count: int) -> Data:
    """`count` of the training samples, of every class its share and at least one; the same ones for the same data.

    Raises InvalidValue where there are not so many, or more classes.
    """
    x, y = data.x_train, data.y_train
    classes = len(np.unique(y)) if has_labels(y) and y.ndim == 1 else 1
    if not classes <= count <= len(y):
        raise InvalidValue(
            f"samples = {shown(count)} can't be taken of {len(y)} training samples of {classes} classes;"
            f" give --samples from {classes} to {len(y)}"
        )
    if count == len(y):
        return data
    kept = ~held_out(y, 1 - count / len(y), SUBSET_KEY)
    weights = None if data.weights is None else data.weights[kept]
    return data._replace(x_train=x[kept], y_train=y[kept]).weighed(weights)
