"""What a run has measured: one row per epoch and one per probe of the alignment angles."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

PROBED = {"angle": "per_sample", "dead": "dead"}  # columns of history.csv and what they are called among the probes


class Table:
    """Columns that grow by one row at a time; a cell is a number or an array of one shape per column.

    A column that comes later than others has NaN above, one that ends earlier NaN below.
    """

    def __init__(self) -> None:
        self.columns: dict[str, list[Any]] = {}

    def append(self, row: Mapping[str, Any]) -> None:
        rows = len(self)
        for name, value in row.items():
            self.columns.setdefault(name, [np.full(np.shape(value), np.nan)] * rows).append(value)
        for name in self.columns.keys() - row.keys():
            self.columns[name].append(np.full(np.shape(self.columns[name][0]), np.nan))

    def __getitem__(self, name: str) -> NDArray:
        return np.asarray(self.columns[name])

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))


class History:
    """`epochs`, a Table of columns (epochs,) or (epochs, R); `probes`, measure.alignment's metrics, (probes, R, L - 1).

    Errors are in percent, angles in degrees. `loss` and `running_error` are means over the epoch's own batches; a
    replica that has stopped has NaN from then on.
    """

    def __init__(self, seeds: tuple[int, ...]) -> None:
        self.seeds = seeds
        self.epochs, self.probes = Table(), Table()

    def arrays(self) -> dict[str, NDArray]:
        """Every column by its name in a checkpoint, "epochs/test_error"."""
        tables = {"epochs": self.epochs, "probes": self.probes}
        return {f"{kind}/{name}": table[name] for kind, table in tables.items() for name in table}

    @classmethod
    def from_arrays(cls, seeds: tuple[int, ...], arrays: Mapping[str, NDArray]) -> "History":
        """The reverse of `arrays`; columns that an other version wrote no more of have NaN below."""
        history = cls(seeds)
        for name, column in arrays.items():
            kind, _, short = name.partition("/")
            getattr(history, kind).columns[short] = list(column)
        for table in (history.epochs, history.probes):
            rows = max(map(len, table.columns.values()), default=0)
            for cells in table.columns.values():
                cells += [np.full(np.shape(cells[0]), np.nan)] * (rows - len(cells))
        return history

    @classmethod
    def beside(cls, histories: Sequence["History"]) -> "History":
        """Runs of the same settings with other seeds as one; those that ended earlier have NaN from there on."""
        merged = cls(tuple(seed for history in histories for seed in history.seeds))
        for kind in ("epochs", "probes"):
            tables = [getattr(history, kind) for history in histories]
            rows = max(map(len, tables))
            for name in dict.fromkeys(name for table in tables for name in table):
                model = max((table[name] for table in tables if name in table), key=len)
                if model.ndim > 1:
                    pairs = zip(tables, histories, strict=True)
                    model = np.concatenate([_stretched(t, name, rows, model, len(h.seeds)) for t, h in pairs], axis=1)
                getattr(merged, kind).columns[name] = list(model)
        return merged

    def last_probe(self, name: str) -> NDArray:
        """The newest figure of each hidden layer, mean over the seeds that still trained, (L - 1,)."""
        if name not in self.probes:
            return np.empty(0)
        probes = self.probes[name]
        found = np.full(probes.shape[2], np.nan)
        for rows in probes:
            seen = np.isfinite(rows).any(axis=0)
            found[seen] = np.nanmean(rows[:, seen], axis=0)
        return found

    def to_csv(self) -> str:
        """One line per epoch and seed, as text; angle_k and dead_k are the newest `per_sample` and `dead` of hidden
        layer k."""
        columns = {name: self.epochs[name] for name in self.epochs}
        shared = {name: column for name, column in columns.items() if column.ndim == 1}
        own = {name: column for name, column in columns.items() if column.ndim == 2}
        probed = {short: self.probes[name] for short, name in PROBED.items() if name in self.probes}
        layers = [f"{short}_{k + 1}" for short, column in probed.items() for k in range(column.shape[2])]
        if probed and columns:
            newest = np.maximum(np.searchsorted(self.probes["step"], columns["step"], side="right") - 1, 0)
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow([*shared, "seed", *own, *layers])
        for i in range(len(self.epochs)):
            for r, seed in enumerate(self.seeds):
                cells = [column[i, r] for column in own.values()]
                cells += [value for column in probed.values() for value in column[newest[i], r]]
                writer.writerow([*(_cell(column[i]) for column in shared.values()), seed, *map(_cell, cells)])
        return text.getvalue()


def newest(column: NDArray) -> NDArray:
    """The last finite figure of each seed, (R, ...), of a column (rows, R, ...); NaN where there is none."""
    figures = np.full(column.shape[1:], np.nan)
    for row in column:
        np.copyto(figures, row, where=np.isfinite(row))
    return figures


def _stretched(table: Table, name: str, rows: int, model: NDArray, replicas: int) -> NDArray:
    """A table's column, shaped like `model`, with so many rows; NaN where the table has none of its own."""
    column = np.full((rows, replicas, *model.shape[2:]), np.nan)
    if name in table:
        column[: len(table)] = table[name]
    return column


def _cell(value: Any) -> Any:
    """Whole numbers as they are, others with the digits that give the same float32 back; nothing for NaN."""
    if isinstance(value, int | np.integer):
        return value
    return "" if np.isnan(value) else f"{value:.9g}"
