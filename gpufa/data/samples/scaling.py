"""How features and targets are scaled: what is taken from them, and what they are then multiplied by."""

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ...basics.arguments import shown
from ...basics.errors import InvalidValue
from .whitening import EPS, whitening

CHUNK = 4096  # rows whose squares are summed at a time: a few MB in float64
SAME = 1e-6  # of a deviation, by which two fits of one scaling may differ: they are sums in another order
# Fitted without the samples held out for validation. The others were there before, and are fitted to these too.
WITHOUT_HELD = "channel", "zca"
SAY_PLACES = (
    'give the net its places, as --layers "input 3x32x32" ... does, or hand x in as (samples, channels, height, width)'
)


def float_type(array: Any) -> Any:
    """The type that holds an array's numbers: float32 where it holds all that its type has, else float64."""
    return np.float32 if np.result_type(array.dtype, np.float32) == np.float32 else np.float64


class Scaling(NamedTuple):
    """What is subtracted from each feature and what it is then multiplied by, both float64 (features,); and the matrix
    that what comes of it is then multiplied by, (features, features), in the net's own type, where there is one. With
    `rows`, (1,), each sample is divided by the sum of its values before that, unless that is 0."""

    shift: NDArray
    factor: NDArray
    matrix: NDArray | None = None
    rows: NDArray | None = None

    def __repr__(self) -> str:
        return f"Scaling({len(self.shift)} features{'' if self.matrix is None else ', with a matrix'})"

    def apply(self, x: Any, dtype: Any = None, place: Callable[[NDArray], Any] = np.asarray) -> Any:
        """(x - shift) * factor for x (samples, features), as a new array of `dtype`, or of x's `float_type` where not
        given; it is worked out in the wider of both, where x is: `place` brings an array there. The product with the
        matrix is a backend's."""
        own = float_type(x)
        wide = np.promote_types(own, dtype or own)
        made = x.astype(wide)
        if self.rows is not None:
            sums = made.sum(axis=1, keepdims=True)
            made /= sums + (sums == 0)
        made -= place(self.shift.astype(wide))
        made *= place(self.factor.astype(wide))
        return made.astype(dtype or own, copy=False)

    def undo(self, x: NDArray) -> NDArray:
        """The reverse of `apply`, in float64."""
        return np.asarray(x / self.factor + self.shift)

    def close_to(self, other: "Scaling") -> bool:
        """Whether both make the same of the same features, but for rounding."""
        if (self.rows is None) != (other.rows is None):
            return False
        moved = abs(self.shift - other.shift) * self.factor
        alike = (moved < SAME).all() and np.allclose(self.factor, other.factor, rtol=SAME, atol=0)
        if self.matrix is None or other.matrix is None:
            return bool(alike and self.matrix is None and other.matrix is None)
        return bool(alike and abs(self.matrix - other.matrix).max() <= SAME * abs(self.matrix).max())


class Fit(NamedTuple):
    """What a scaling is fitted by beside the samples: the shape that each of them has, channels first, where that is
    known; and zca's: its eps, and the type of its matrix."""

    places: tuple[int, ...] | None = None
    eps: float = EPS
    dtype: str = "float64"


NO_MORE = Fit()


class Facts(Protocol):
    """What samples (samples, features) are like, as much of it as a scaling asks for."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def extremes(self) -> tuple[NDArray, NDArray]:
        """The least and the largest value of each feature."""

    def spread(self, groups: int) -> tuple[NDArray, NDArray]:
        """Mean and deviation, 0 for values that are all the same, of so many stretches of features, as wide as each
        other, over all samples: float64 (groups,)."""

    def values(self) -> NDArray:
        """The samples themselves. Raises InvalidValue where they stay in their file."""


def fit_scaling(name: str, x_train: "NDArray | Facts", by: Fit = NO_MORE) -> Scaling:
    """The scaling `name` (see SCALINGS) for x_train (samples, features), or what is known of them. Raises InvalidValue
    for another name, and where channel doesn't know the channels, or there is no memory for the matrix of zca."""
    if not isinstance(name, str) or name not in SCALINGS:
        raise InvalidValue(f"scaling {shown(name)} is unknown; choose from {', '.join(SCALINGS)}")
    facts = Held(x_train) if isinstance(x_train, np.ndarray) else x_train
    with np.errstate(all="ignore"):  # what is beyond float64 is told where it is used
        return SCALINGS[name](facts, by)


def _none(x: Facts, _by: Fit) -> Scaling:
    return Scaling(np.zeros(x.shape[1]), np.ones(x.shape[1]))


def _rows(x: Facts, by: Fit) -> Scaling:
    return _none(x, by)._replace(rows=np.ones(1))


def _unit(x: Facts, _by: Fit) -> Scaling:
    lows, highs = x.extremes()
    low, high = float(lows.min()), float(highs.max())
    return Scaling(np.full(x.shape[1], low), np.full(x.shape[1], 1 / (high - low) if high > low else 1.0))


def _minmax(x: Facts, _by: Fit) -> Scaling:
    low, high = (extreme.astype(np.float64) for extreme in x.extremes())
    return Scaling(low, 1 / np.where(low == high, 1.0, high - low))


def _standard(x: Facts, _by: Fit) -> Scaling:
    return _by_groups(x, x.shape[1])


def _channel(x: Facts, by: Fit) -> Scaling:
    if by.places is None or math.prod(by.places) != x.shape[1]:
        raise InvalidValue(
            f"scaling 'channel' needs to know which of the {x.shape[1]} features are of one channel, and neither the"
            f" data nor the net say so; {SAY_PLACES}"
        )
    return _by_groups(x, by.places[0])


def _zca(x: Facts, by: Fit) -> Scaling:
    shift, factor, matrix = whitening(x.values(), by.eps)
    return Scaling(shift, factor, matrix.astype(by.dtype))


def _by_groups(x: Facts, groups: int) -> Scaling:
    """Mean 0 and deviation 1 of so many stretches of features."""
    size = x.shape[1] // groups
    low, high = (extreme.reshape(groups, size) for extreme in x.extremes())
    mean, deviation = x.spread(groups)
    factor = 1 / np.where((low.min(axis=1) == high.max(axis=1)) | (deviation == 0), 1.0, deviation)
    return Scaling(np.repeat(mean, size), np.repeat(factor, size))


class Held:
    """Facts of an array."""

    def __init__(self, x: NDArray) -> None:
        self.x, self.shape = x, x.shape

    def values(self) -> NDArray:
        return self.x

    def extremes(self) -> tuple[NDArray, NDArray]:
        return self._extremes

    @cached_property
    def _extremes(self) -> tuple[NDArray, NDArray]:
        return self.x.min(axis=0), self.x.max(axis=0)

    def spread(self, groups: int) -> tuple[NDArray, NDArray]:
        x, size = self.x, self.shape[1] // groups
        low, high = (extreme.reshape(groups, size) for extreme in self.extremes())
        low, high = low.min(axis=1), high.max(axis=1)
        mean = x.mean(axis=0, dtype=np.float64).reshape(groups, size).mean(axis=1)
        deviation = _deviation(x, mean)
        beyond = (low != high) & ~(np.isfinite(mean) & np.isfinite(deviation) & (deviation > 0))
        for j in np.flatnonzero(beyond):  # whose squares, or whose sum, float64 does not hold
            most = max(abs(float(low[j])), abs(float(high[j])))
            own = x[:, j * size : (j + 1) * size] / most
            middle = own.mean(axis=0).mean(keepdims=True)
            mean[j], deviation[j] = middle[0] * most, _deviation(own, middle)[0] * most
        return mean, deviation


def _deviation(x: NDArray, mean: NDArray) -> NDArray:
    """That of each stretch of features, about its mean."""
    middle = np.repeat(mean, x.shape[1] // len(mean))
    squares = sum(np.square(x[i : i + CHUNK] - middle).sum(axis=0) for i in range(0, len(x), CHUNK))
    return np.sqrt(np.reshape(squares, (len(mean), -1)).mean(axis=1) / len(x))


SCALINGS: dict[str, Callable[[Facts, Fit], Scaling]] = {
    "none": _none,
    "unit": _unit,
    "minmax": _minmax,
    "standard": _standard,
    "channel": _channel,
    "zca": _zca,
    "rows": _rows,
}
