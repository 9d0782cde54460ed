"""Columns that grow by a row at a time, at the same cost however many rows there are."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

FIRST = 16  # rows that there is room for at first; it doubles when they are full


class Table:
    """Columns that grow by one row at a time; a cell is a number or an array of one shape per column.

    A column that comes later than others has NaN above, one that ends earlier NaN below. `table[name]` is a view that
    can't be written to, and stays as it is when rows are added.
    """

    def __init__(self) -> None:
        self._room: dict[str, NDArray] = {}
        self._rows = 0

    @classmethod
    def of(cls, columns: Mapping[str, NDArray]) -> "Table":
        """A table of these columns; the shorter ones have NaN below."""
        table = cls()
        table._rows = max(map(len, columns.values()), default=0)
        for name, column in columns.items():
            below = np.full((table._rows - len(column), *column.shape[1:]), np.nan)
            table._room[name] = np.concatenate([column, below]) if len(below) else column
        return table

    def append(self, row: Mapping[str, Any]) -> None:
        ended = {name: np.full(self._room[name].shape[1:], np.nan) for name in self._room.keys() - row.keys()}
        for name, value in {**row, **ended}.items():
            cell = np.asarray(value)
            self._with_room(name, cell)[self._rows] = cell
        self._rows += 1

    def _with_room(self, name: str, cell: NDArray) -> NDArray:
        """The column of that name, with room for such a cell below its last."""
        n, column = self._rows, self._room.get(name)
        if column is None:
            column = np.full((n, *cell.shape), np.nan) if n else np.empty((0, *cell.shape), cell.dtype)
        dtype = np.result_type(column, cell)
        if n == len(column) or dtype != column.dtype:
            grown = np.empty((max(FIRST, 2 * n), *cell.shape), dtype)
            grown[:n] = column[:n]
            column = self._room[name] = grown
        return column

    @property
    def last(self) -> dict[str, Any]:
        """The newest row."""
        return {name: column[self._rows - 1] for name, column in self._room.items()}

    def __getitem__(self, name: str) -> NDArray:
        column = self._room[name][: self._rows]
        column.flags.writeable = False
        return column

    def __contains__(self, name: str) -> bool:
        return name in self._room

    def __iter__(self) -> Iterator[str]:
        return iter(self._room)

    def __len__(self) -> int:
        return self._rows
