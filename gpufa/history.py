"""What a run has measured: one row per epoch and one per probe of the alignment angles."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Table:
    """Columns that grow by one row at a time; a cell is a number or an array of one shape per column.

    A column that comes later than others has NaN above.
    """

    def __init__(self) -> None:
        self.columns: dict[str, list[Any]] = {}

    def append(self, row: Mapping[str, Any]) -> None:
        rows = len(self)
        for name, value in row.items():
            self.columns.setdefault(name, [np.full(np.shape(value), np.nan)] * rows).append(value)

    def __getitem__(self, name: str) -> NDArray:
        return np.asarray(self.columns[name])

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))


class History:
    """`epochs`, a Table of columns (epochs,) or (epochs, R); `probes`, gpufa.alignment's metrics, (probes, R, L - 1).

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
        """The reverse of `arrays`."""
        history = cls(seeds)
        for name, column in arrays.items():
            kind, _, short = name.partition("/")
            getattr(history, kind).columns[short] = list(column)
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

    def last_angles(self) -> NDArray:
        """The newest per_sample angle of each hidden layer, mean over the seeds that still trained, (L - 1,)."""
        if not len(self.probes):
            return np.empty(0)
        angles = self.probes["per_sample"]
        found = np.full(angles.shape[2], np.nan)
        for rows in angles:
            seen = np.isfinite(rows).any(axis=0)
            found[seen] = np.nanmean(rows[:, seen], axis=0)
        return found

    def to_csv(self) -> str:
        """One line per epoch and seed, as text; angle_k is the newest per_sample angle of hidden layer k."""
        names = list(self.epochs)
        layers = self.probes["per_sample"].shape[2] if len(self.probes) else 0
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        shared = [n for n in names if self.epochs[n].ndim == 1]
        own = [n for n in names if self.epochs[n].ndim == 2]
        writer.writerow([*shared, "seed", *own, *(f"angle_{k + 1}" for k in range(layers))])
        for i in range(len(self.epochs)):
            angles = self._angles_at(self.epochs["step"][i], layers)
            for r, seed in enumerate(self.seeds):
                cells = [self.epochs[n][i] for n in shared], [self.epochs[n][i, r] for n in own], angles[r]
                writer.writerow([*map(_cell, cells[0]), seed, *map(_cell, (*cells[1], *cells[2]))])
        return text.getvalue()

    def _angles_at(self, step: int, layers: int) -> NDArray:
        if not layers:
            return np.empty((len(self.seeds), 0))
        at = np.searchsorted(self.probes["step"], step, side="right") - 1
        return self.probes["per_sample"][max(int(at), 0)]


def newest(column: NDArray) -> NDArray:
    """The last finite figure of each seed, (R,), of a column (rows, R); NaN where there is none."""
    figures = np.full(column.shape[1], np.nan)
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
