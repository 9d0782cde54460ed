"""Columns that grow by a row at a time, at the same cost however many rows there are."""

from collections.abc import Iterator, KeysView, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

FIRST = 16  # rows that there is room for at first; it doubles when they are full


class Table:
    """Columns that grow by one row at a time; a cell is a number or an array of one shape per column.

    A column that comes later than others has NaN above, one that ends earlier NaN below. `table[name]` is a view that
    can't be written to, and stays as it is when rows are added; `dict(table)` has them all by name. Iterated over, it
    gives a dict for each row and seed, as pandas.DataFrame(table) takes it: of an array a key for each element,
    counted from `first`.
    """

    def __init__(self, seeds: Sequence[int], first: int = 0) -> None:
        self.seeds, self.first = tuple(seeds), first
        self._room: dict[str, NDArray] = {}
        self._rows = 0

    @classmethod
    def of(cls, columns: Mapping[str, NDArray], seeds: Sequence[int], first: int = 0) -> "Table":
        """A table of these columns; the shorter ones have NaN below."""
        table = cls(seeds, first)
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

    def __repr__(self) -> str:
        return f"Table({len(self)} rows: {', '.join(self.names)})"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._room)

    def keys(self) -> KeysView[str]:
        return self._room.keys()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        columns = {name: self[name] for name in self.names}
        for i in range(len(self)):
            for r, seed in enumerate(self.seeds):
                yield dict(self._cells(columns, i, r, seed))

    def _cells(self, columns: Mapping[str, NDArray], i: int, r: int, seed: int) -> Iterator[tuple[str, Any]]:
        """Names and values of one row and seed."""
        yield from ((name, column[i].item()) for name, column in columns.items() if column.ndim == 1)
        yield "seed", seed
        for name, column in columns.items():
            if column.ndim == 2:
                yield name, column[i, r].item()
            elif column.ndim > 2:
                yield from ((f"{name}_{k}", v) for k, v in enumerate(column[i, r].ravel().tolist(), self.first))

    def __len__(self) -> int:
        return self._rows
