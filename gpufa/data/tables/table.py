"""A table's columns in their roles, whatever it was read from."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...basics.errors import InvalidValue
from ..samples.about import Names, column
from ..streams.rows import Rows
from .columns import Roles, name_of
from .missing import DROP, FILLED


def counted(row: int) -> str:
    return f"row {row} (counted from 0)"


class Table(NamedTuple):
    """Its columns' names, None where it has none; x numbers (rows, features), or Rows, and y, None where there is no
    target, numbers (rows,) or (rows, targets), or strings or bools (rows,); the weights of the rows, where a column has
    them; what a row is called in errors."""

    names: Names | None
    width: int
    roles: Roles
    x: Any
    y: NDArray | None
    weights: NDArray | None = None
    called: Callable[[int], str] = counted

    def refuse_gaps(self, missing: str | None, trained: bool = False) -> None:
        """Raises InvalidValue for missing values that `missing` does not take care of, naming the first; `trained`
        where a net predicts from the table."""
        gaps = _gaps(self.y) if missing != DROP and self.y is not None else np.zeros((0, 0), bool)
        for row, j in np.argwhere(gaps)[:1]:
            target = f"column {column(name_of(self.names, self.roles.target[j]))}" if self.roles.target else "y"
            raise InvalidValue(
                f"{self.called(row)}: {target}, the target, has no value; leave such rows out"
                f"{'' if trained else ' with --missing drop'}"
            )
        if missing in FILLED or (missing == DROP and not trained) or isinstance(self.x, Rows):  # which look themselves
            return
        for row, j in np.argwhere(_gaps(self.x))[:1]:
            raise InvalidValue(
                f"{self.called(row)}: column {column(name_of(self.names, self.roles.features[j]))} has no value;"
                + (
                    " the net was not trained to fill it in (--missing mean): leave such rows out"
                    if trained
                    else " fill such in with --missing mean or median, or leave their rows out with --missing drop"
                )
            )


def _gaps(values: NDArray) -> NDArray[np.bool_]:
    """Where there is none: bools (rows, columns)."""
    found = values == "" if values.dtype.kind == "U" else values != values
    return found.reshape(len(values), -1)
