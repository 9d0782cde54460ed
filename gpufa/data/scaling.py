"""How features and targets are scaled: what is taken from them, and what they are then multiplied by."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..basics.arguments import shown
from ..basics.errors import InvalidValue

CHUNK = 4096  # rows whose squares are summed at a time: a few MB in float64
SAME = 1e-6  # of a deviation, by which two fits of one scaling may differ: they are sums in another order


def float_type(array: Any) -> Any:
    """The type that holds an array's numbers: float32 where it holds all that its type has, else float64."""
    return np.float32 if np.result_type(array.dtype, np.float32) == np.float32 else np.float64


class Scaling(NamedTuple):
    """What is subtracted from each feature and what it is then multiplied by, both float64 (features,)."""

    shift: NDArray
    factor: NDArray

    def apply(self, x: Any, dtype: Any = None, place: Callable[[NDArray], Any] = np.asarray) -> Any:
        """(x - shift) * factor for x (samples, features), as a new array of `dtype`, or of x's `float_type` where not
        given; it is worked out in the wider of both, where x is: `place` brings an array there."""
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
        return bool((moved < SAME).all() and np.allclose(self.factor, other.factor, rtol=SAME, atol=0))


def fit_scaling(name: str, x_train: NDArray) -> Scaling:
    """The scaling `name` (see SCALINGS) for x_train (samples, features); raises InvalidValue for another name."""
    if not isinstance(name, str) or name not in SCALINGS:
        raise InvalidValue(f"scaling {shown(name)} is unknown; choose from {', '.join(SCALINGS)}")
    with np.errstate(all="ignore"):  # what is beyond float64 is told where it is used
        return SCALINGS[name](x_train)


def _none(x: NDArray) -> Scaling:
    return Scaling(np.zeros(x.shape[1]), np.ones(x.shape[1]))


def _unit(x: NDArray) -> Scaling:
    low, high = float(x.min()), float(x.max())
    return Scaling(np.full(x.shape[1], low), np.full(x.shape[1], 1 / (high - low) if high > low else 1.0))


def _minmax(x: NDArray) -> Scaling:
    low, high = x.min(axis=0).astype(np.float64), x.max(axis=0).astype(np.float64)
    return Scaling(low, 1 / np.where(low == high, 1.0, high - low))


def _standard(x: NDArray) -> Scaling:
    low, high = x.min(axis=0), x.max(axis=0)
    mean = x.mean(axis=0, dtype=np.float64)
    deviation = _deviation(x, mean)
    beyond = (low != high) & ~(np.isfinite(mean) & np.isfinite(deviation) & (deviation > 0))
    for j in np.flatnonzero(beyond):  # whose squares, or whose sum, float64 does not hold
        size = max(abs(float(low[j])), abs(float(high[j])))
        column = x[:, j : j + 1] / size
        middle = column.mean(axis=0)
        mean[j], deviation[j] = middle[0] * size, _deviation(column, middle)[0] * size
    return Scaling(mean, 1 / np.where((low == high) | (deviation == 0), 1.0, deviation))


def _deviation(x: NDArray, mean: NDArray) -> NDArray:
    squares = sum(np.square(x[i : i + CHUNK] - mean).sum(axis=0) for i in range(0, len(x), CHUNK))
    return np.sqrt(squares / len(x))


SCALINGS: dict[str, Callable[[NDArray], Scaling]] = {
    "none": _none,
    "unit": _unit,
    "minmax": _minmax,
    "standard": _standard,
}
