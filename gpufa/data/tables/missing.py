"""Missing values: which they are, what they are filled in with, and the rows that have none."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...basics.errors import InvalidValue
from ..samples.about import column

CELLS = "", "nan", "na", "n/a", "null", "?"  # of a file of text, in any case
FILLED: dict[str, Callable[..., NDArray]] = {"mean": np.nanmean, "median": np.nanmedian}
DROP = "drop"
MISSING = *FILLED, DROP  # what --missing may be


def is_missing(cell: str) -> bool:
    """Whether a cell of a file of text holds nothing."""
    return cell.strip().lower() in CELLS


def is_code(cell: str) -> bool:
    """Whether a number names something, and is none to the last digit in float64: 02134, or more than 2^53."""
    digits = cell.strip()
    return digits.isdecimal() and ((len(digits) > 1 and digits[0] == "0") or int(digits) > 2**53)


class Filling(NamedTuple):
    """What takes the place of each feature's missing values, float64 (features,)."""

    value: NDArray

    def apply(self, x: Any, place: Callable[[NDArray], Any] = np.asarray) -> Any:
        """x (samples, features) with its NaN filled in, as float64; `place` brings an array to where x is."""
        made = x.astype(np.float64)
        gaps = made != made
        made[gaps] = place(self.value)[gaps.nonzero()[1]]
        return made


def fit_filling(name: str, x_train: NDArray, names: Sequence[str | int] | None = None) -> Filling:
    """The filling `name` (see FILLED) of x_train (samples, features), worked out in float64.

    Raises InvalidValue for a feature without any value, which it calls by its name.
    """
    for j in np.flatnonzero(np.isnan(x_train).all(axis=0))[:1]:
        raise InvalidValue(
            f"column {column(names[j] if names else int(j))} has no value in any training sample; leave it out with"
            " --drop"
        )
    return Filling(FILLED[name](np.asarray(x_train, np.float64), axis=0))


def kept_rows(x: NDArray, y: NDArray, named: bool) -> NDArray:
    """Which samples have no missing value, in x or in y: bools (samples,). Where each text is `named` a class, an empty
    one alone is missing."""
    if y.dtype.kind == "U":
        gaps = y == "" if named else np.vectorize(is_missing, otypes=[bool])(y)
    else:
        gaps = np.isnan(y) if y.dtype.kind == "f" else np.zeros(y.shape, bool)
    gaps = gaps.reshape(len(y), -1).any(axis=1)
    return ~gaps if x.dtype.kind != "f" else ~(gaps | np.isnan(x).any(axis=1))
