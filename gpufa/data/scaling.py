"""How features and targets are scaled: what is taken from them, and what they are then multiplied by."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..basics.arguments import shown
from ..basics.errors import InvalidValue
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
    that what comes of it is then multiplied by, (features, features), in the net's own type, where there is one."""

    shift: NDArray
    factor: NDArray
    matrix: NDArray | None = None

    def __repr__(self) -> str:
        return f"Scaling({len(self.shift)} features{'' if self.matrix is None else ', with a matrix'})"

    def apply(self, x: Any, dtype: Any = None, place: Callable[[NDArray], Any] = np.asarray) -> Any:
        """(x - shift) * factor for x (samples, features), as a new array of `dtype`, or of x's `float_type` where not
        given; it is worked out in the wider of both, where x is: `place` brings an array there. The product with the
        matrix is a backend's."""
        own = float_type(x)
        wide = np.promote_types(own, dtype or own)
        made = x.astype(wide)
        made -= place(self.shift.astype(wide))
        made *= place(self.factor.astype(wide))
        return made.astype(dtype or own, copy=False)

    def undo(self, x: NDArray) -> NDArray:
        """The reverse of `apply`, in float64."""
        return np.asarray(x / self.factor + self.shift)

    def close_to(self, other: "Scaling") -> bool:
        """Whether both make the same of the same features, but for rounding."""
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


def fit_scaling(name: str, x_train: NDArray, by: Fit = NO_MORE) -> Scaling:
    """The scaling `name` (see SCALINGS) for x_train (samples, features). Raises InvalidValue for another name, and
    where channel doesn't know the channels, or there is no memory for the matrix of zca."""
    if not isinstance(name, str) or name not in SCALINGS:
        raise InvalidValue(f"scaling {shown(name)} is unknown; choose from {', '.join(SCALINGS)}")
    with np.errstate(all="ignore"):  # what is beyond float64 is told where it is used
        return SCALINGS[name](x_train, by)


def _none(x: NDArray, _by: Fit) -> Scaling:
    return Scaling(np.zeros(x.shape[1]), np.ones(x.shape[1]))


def _unit(x: NDArray, _by: Fit) -> Scaling:
    low, high = float(x.min()), float(x.max())
    return Scaling(np.full(x.shape[1], low), np.full(x.shape[1], 1 / (high - low) if high > low else 1.0))


def _minmax(x: NDArray, _by: Fit) -> Scaling:
    low, high = x.min(axis=0).astype(np.float64), x.max(axis=0).astype(np.float64)
    return Scaling(low, 1 / np.where(low == high, 1.0, high - low))


def _standard(x: NDArray, _by: Fit) -> Scaling:
    return _by_groups(x, x.shape[1])


def _channel(x: NDArray, by: Fit) -> Scaling:
    if by.places is None or math.prod(by.places) != x.shape[1]:
        raise InvalidValue(
            f"scaling 'channel' needs to know which of the {x.shape[1]} features are of one channel, and neither the"
            f" data nor the net say so; {SAY_PLACES}"
        )
    return _by_groups(x, by.places[0])


def _zca(x: NDArray, by: Fit) -> Scaling:
    shift, factor, matrix = whitening(x, by.eps)
    return Scaling(shift, factor, matrix.astype(by.dtype))


def _by_groups(x: NDArray, groups: int) -> Scaling:
    """Mean 0 and deviation 1 of so many stretches of features, as wide as each other, over all samples."""
    size = x.shape[1] // groups
    low, high = x.min(axis=0).reshape(groups, size).min(axis=1), x.max(axis=0).reshape(groups, size).max(axis=1)
    mean = x.mean(axis=0, dtype=np.float64).reshape(groups, size).mean(axis=1)
    deviation = _deviation(x, mean)
    beyond = (low != high) & ~(np.isfinite(mean) & np.isfinite(deviation) & (deviation > 0))
    for j in np.flatnonzero(beyond):  # whose squares, or whose sum, float64 does not hold
        most = max(abs(float(low[j])), abs(float(high[j])))
        own = x[:, j * size : (j + 1) * size] / most
        middle = own.mean(axis=0).mean(keepdims=True)
        mean[j], deviation[j] = middle[0] * most, _deviation(own, middle)[0] * most
    factor = 1 / np.where((low == high) | (deviation == 0), 1.0, deviation)
    return Scaling(np.repeat(mean, size), np.repeat(factor, size))


def _deviation(x: NDArray, mean: NDArray) -> NDArray:
    """That of each stretch of features, about its mean."""
    middle = np.repeat(mean, x.shape[1] // len(mean))
    squares = sum(np.square(x[i : i + CHUNK] - middle).sum(axis=0) for i in range(0, len(x), CHUNK))
    return np.sqrt(np.reshape(squares, (len(mean), -1)).mean(axis=1) / len(x))


SCALINGS: dict[str, Callable[[NDArray, Fit], Scaling]] = {
    "none": _none,
    "unit": _unit,
    "minmax": _minmax,
    "standard": _standard,
    "channel": _channel,
    "zca": _zca,
}
