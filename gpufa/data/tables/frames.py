"""Tables of other libraries (pandas, Polars, PyArrow and whatever Narwhals knows), and what is taken of them."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...basics.errors import InvalidValue
from ..samples.about import Names, column
from .columns import Roles
from .table import Table


class Column(NamedTuple):
    """Targets that are no columns of x: strings, bools or numbers, and their names."""

    values: NDArray | None = None
    names: Names = ()


class Frame(NamedTuple):
    """A table's columns by name, as Narwhals has them."""

    names: Names
    columns: tuple[Any, ...]

    def table(self, choose: Callable[[Names, int], Roles], y: NDArray | None = None) -> Table:
        """Its columns in the roles that `choose` gives them; `y` where the target is no column of it.

        Raises InvalidValue for a feature that is no column of numbers, or weights that are none, naming it, and what
        `choose` raises.
        """
        roles = choose(self.names, len(self.names))
        if not len(self.columns[0]):
            raise InvalidValue("the table has no rows; give one per sample")
        if not roles.features:
            raise InvalidValue("no column is left to learn from; name some with --features, or fewer with --drop")
        features = [self.numbers(i) for i in roles.features]
        y = self.target(roles.target) if y is None else y
        weights = None if roles.weights is None else self.numbers(roles.weights)
        return Table(self.names, len(self.names), roles, _joined(features), y, weights)

    def numbers(self, i: int) -> NDArray:
        """A column of them."""
        return _column(self.columns[i], self.names[i])

    def target(self, columns: Sequence[int] | None = None) -> NDArray | None:
        """What these columns, or all, are as a target; None where there are none."""
        which = range(len(self.names)) if columns is None else columns
        return _target([values(self.columns[i], f"column {column(self.names[i])}") for i in which])


def frame_of(data: Any) -> Frame | None:
    """The table that `data` is, None where it is none. Raises InvalidValue for one that is not there yet."""
    if data is None or isinstance(data, np.ndarray | Sequence | Mapping | os.PathLike):  # for which Narwhals can wait
        return None
    import narwhals

    try:
        found = narwhals.from_native(data, pass_through=True)
    except narwhals.exceptions.NarwhalsError as error:
        raise InvalidValue(f"the table can't be used ({error}); give each column a name of its own") from None
    if isinstance(found, narwhals.LazyFrame):
        raise InvalidValue("the table is a lazy one, which has no rows yet; hand in what its collect() gives")
    if not isinstance(found, narwhals.DataFrame):
        return None
    return Frame(tuple(map(str, found.columns)), tuple(found.iter_columns()))


def column_of(data: Any, name: str) -> Column | None:
    """The targets that `data` is a column, or a table, of; None where it is neither. Errors call them `name`."""
    if data is None or isinstance(data, np.ndarray | Sequence):
        return None
    if frame := frame_of(data):
        return Column(_target([values(one, name) for one in frame.columns]), frame.names)
    import narwhals

    found = narwhals.from_native(data, pass_through=True, allow_series=True)
    if not isinstance(found, narwhals.Series):
        return None
    return Column(values(found, name), (str(found.name),) if found.name not in (None, "") else ())


def values(series: Any, name: str) -> NDArray:
    """A column's strings, bools or numbers, with "" and NaN for what is missing; bools beside those are "True" and
    "False". Raises InvalidValue for others."""
    import narwhals

    text = _is_text(series)
    if text or (series.dtype == narwhals.Boolean and series.null_count()):
        cells = series.to_list()
        gaps = series.is_null().to_list()
        if not text or all(isinstance(cell, str) or gap for cell, gap in zip(cells, gaps, strict=True)):
            return np.array(["" if gap else str(cell) for cell, gap in zip(cells, gaps, strict=True)])
        if not any(gaps):  # categories of numbers
            return np.asarray(cells)
    return _numbers(series, name)


def _column(series: Any, name: str) -> NDArray:
    """The numbers of a feature, or of the weights."""
    if _is_text(series):
        raise InvalidValue(
            f"column {column(name)} is text ({series.dtype}), and numbers are needed; make numbers of it, or leave it"
            " out with --drop"
        )
    return _numbers(series, f"column {column(name)}")


def _numbers(series: Any, name: str) -> NDArray:
    import narwhals

    if series.dtype.is_numeric() or series.dtype == narwhals.Boolean:
        if series.null_count() or series.dtype == narwhals.Decimal:
            return np.asarray(series.cast(narwhals.Float64).to_numpy(), np.float64)
        return np.asarray(series.to_numpy())
    raise InvalidValue(
        f"{name} is of type {series.dtype}, which is neither numbers nor text; make it one of them, or leave it"
        " out with --drop"
    )


def _is_text(series: Any) -> bool:
    import narwhals

    return series.dtype in (narwhals.String, narwhals.Categorical, narwhals.Enum)


def _joined(columns: Sequence[NDArray]) -> NDArray:
    """Columns side by side, in the type that holds all of them."""
    made = np.empty((len(columns[0]) if columns else 0, len(columns)), np.result_type(*columns) if columns else float)
    for j, one in enumerate(columns):
        made[:, j] = one
    return made


def _target(columns: Sequence[NDArray]) -> NDArray | None:
    if not columns:
        return None
    if len(columns) == 1:
        return columns[0]
    if texts := [one for one in columns if one.dtype.kind == "U"]:
        raise InvalidValue(f"one of the targets is text, such as {str(texts[0][0])!r}; name one --target alone")
    return _joined(columns).astype(np.float64)
