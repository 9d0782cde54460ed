"""What a run has measured: one row per epoch and one per probe of the alignment angles."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..basics.sheet import Sheet
from .seeds import mean_over_seeds
from .table import Table

SHOWN = 3  # first and last epochs that a notebook shows
MOST = 10  # classes whose figures history.csv has, at most
PROBED = {"angle": "per_sample", "dead": "dead"}  # columns of history.csv and what they are called among the probes


class History:
    """`epochs`, a Table of columns (epochs,), (epochs, R) or, of each class, (epochs, R, C); `probes`, metrics of
    measure.alignment, (probes, R, L - 1).

    Errors are in percent, angles in degrees. `loss` and `running_error` are means over the epoch's own batches; a
    replica that has stopped has NaN from then on. `picture` draws its curves, a PNG; gpufa.plots gives it.
    """

    picture: "ClassVar[Callable[[History], bytes] | None]" = None

    def __init__(self, seeds: tuple[int, ...]) -> None:
        self.seeds = seeds
        self.epochs, self.probes = Table(seeds), Table(seeds, first=1)

    def __repr__(self) -> str:
        return f"History({len(self.epochs)} epochs, seeds {', '.join(map(str, self.seeds))})"

    def _repr_html_(self) -> str:
        """Its epochs in a table, means over the seeds; of many the first and the last."""
        names = [name for name in self.epochs.names if self.epochs[name].ndim < 3]
        means = [column if (column := self.epochs[name]).ndim == 1 else mean_over_seeds(column) for name in names]
        chosen = [i for i in range(len(self.epochs)) if i < SHOWN or i >= len(self.epochs) - SHOWN]
        rows = [tuple(_short(column[i]) for column in means) for i in chosen]
        title = f"{len(self.epochs)} epochs, means over {len(self.seeds)} seed{'s' * (len(self.seeds) > 1)}"
        return Sheet(title, tuple(names), tuple(rows))._repr_html_()

    def _repr_png_(self) -> bytes | None:
        draw = type(self).picture
        return draw(self) if draw else None

    def arrays(self) -> dict[str, NDArray]:
        """Every column by its name in a checkpoint, "epochs/test_error"."""
        tables = {"epochs": self.epochs, "probes": self.probes}
        return {f"{kind}/{name}": table[name] for kind, table in tables.items() for name in table.names}

    @classmethod
    def from_arrays(cls, seeds: tuple[int, ...], arrays: Mapping[str, NDArray]) -> "History":
        """The reverse of `arrays`; columns that an other version wrote no more of have NaN below."""
        history, columns = cls(seeds), dict[str, dict[str, NDArray]](epochs={}, probes={})
        for name, column in arrays.items():
            kind, _, short = name.partition("/")
            columns[kind][short] = column
        history.epochs = Table.of(columns["epochs"], seeds)
        history.probes = Table.of(columns["probes"], seeds, first=1)
        return history

    @classmethod
    def beside(cls, histories: Sequence["History"]) -> "History":
        """Runs of the same settings with other seeds as one; those that ended earlier have NaN from there on."""
        merged = cls(tuple(seed for history in histories for seed in history.seeds))
        for kind in ("epochs", "probes"):
            tables = [getattr(history, kind) for history in histories]
            rows, columns = max(map(len, tables)), dict[str, NDArray]()
            for name in dict.fromkeys(name for table in tables for name in table.names):
                model = max((table[name] for table in tables if name in table), key=len)
                if model.ndim > 1:
                    pairs = zip(tables, histories, strict=True)
                    model = np.concatenate([_stretched(t, name, rows, model, len(h.seeds)) for t, h in pairs], axis=1)
                columns[name] = model
            setattr(merged, kind, Table.of(columns, merged.seeds, getattr(merged, kind).first))
        return merged

    def last_probe(self, name: str) -> NDArray:
        """The newest figure of each hidden layer, mean over the seeds that still trained, (L - 1,)."""
        if name not in self.probes:
            return np.empty(0)
        probes = self.probes[name]
        seen, found = np.isfinite(probes).any(axis=1), np.full(probes.shape[2], np.nan)
        layers = np.flatnonzero(seen.any(axis=0))
        rows = probes[_last(seen[:, layers]), :, layers]
        found[layers] = np.nanmean(np.ascontiguousarray(rows.T), axis=0)
        return found

    def to_csv(self) -> str:
        """One line per epoch and seed, as text; angle_k and dead_k are the newest `per_sample` and `dead` of hidden
        layer k; test_recall_c is of class c, where there are no more than MOST."""
        columns = dict(self.epochs)
        shared = {name: column for name, column in columns.items() if column.ndim == 1}
        own = {name: column for name, column in columns.items() if column.ndim == 2}
        by_class = {name: column for name, column in columns.items() if column.ndim == 3 and column.shape[2] <= MOST}
        probed = {short: self.probes[name] for short, name in PROBED.items() if name in self.probes}
        layers = [f"{short}_{k + 1}" for short, column in probed.items() for k in range(column.shape[2])]
        classes = [f"{name}_{c}" for name, column in by_class.items() for c in range(column.shape[2])]
        if probed and columns:
            newest = np.maximum(np.searchsorted(self.probes["step"], columns["step"], side="right") - 1, 0)
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow([*shared, "seed", *own, *layers, *classes])
        for i in range(len(self.epochs)):
            for r, seed in enumerate(self.seeds):
                cells = [column[i, r] for column in own.values()]
                cells += [value for column in probed.values() for value in column[newest[i], r]]
                cells += [value for column in by_class.values() for value in column[i, r]]
                writer.writerow([*(_cell(column[i]) for column in shared.values()), seed, *map(_cell, cells)])
        return text.getvalue()


def newest(column: NDArray) -> NDArray:
    """The last finite figure of each seed, (R, ...), of a column (rows, R, ...); NaN where there is none."""
    finite = np.isfinite(column)
    if not len(column):
        return np.full(column.shape[1:], np.nan)
    found = np.take_along_axis(column, _last(finite)[None], axis=0)[0]
    return np.where(finite.any(axis=0), found.astype(float), np.nan)


def _last(flags: NDArray) -> NDArray:
    """The last row, (...), of `flags`, (rows, ...), that is true there."""
    return np.asarray(len(flags) - 1 - flags[::-1].argmax(axis=0))


def _stretched(table: Table, name: str, rows: int, model: NDArray, replicas: int) -> NDArray:
    """A table's column, shaped like `model`, with so many rows; NaN where the table has none of its own."""
    column = np.full((rows, replicas, *model.shape[2:]), np.nan)
    if name in table:
        column[: len(table)] = table[name]
    return column


def _short(value: Any) -> str:
    """A figure as a notebook shows it."""
    return str(value) if isinstance(value, int | np.integer) else f"{value:.4g}"


def _cell(value: Any) -> Any:
    """Whole numbers as they are, others with the digits that give the same float32 back; nothing for NaN."""
    if isinstance(value, int | np.integer):
        return value
    return "" if np.isnan(value) else f"{value:.9g}"
