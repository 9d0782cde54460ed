"""An experiment as its TOML file describes it: a table of cells, rows (nets, say) by columns (rules, say).

title, source, about, cost  what it is, the paper and the page, what there is to know, what it takes
seeds                       how many, 0, 1, 2, ...
measure, digits             what a cell reports (a key of MEASURES), and its decimals
beside                      another key of MEASURES that stands beside it, where there is one; nothing is judged by it
differs                     why no cell can be compared with the paper, where that is so
figures                     kind (a key of FIGURES), rows, name, caption, and what the kind needs
[tolerance]                 deviations, points and the reason: within max(deviations * published deviation, points)
[settings]                  of all cells
[columns.NAME]              settings of a column
[rows.NAME]                 settings of a row; columns (all where not given); note; measure; differs;
                            published.COLUMN: [mean, deviation, training error] or {text, above, below};
                            after: the row whose weights it starts from
[quick]                     settings of a short run, and band.ROW.COLUMN = [low, high] of its own measuring
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import filter as fnmatch_filter
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from ..basics.errors import InvalidValue
from ..training.settings.config import Config
from ..training.settings.toml import from_mapping

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Published:
    """A published figure: mean, deviation and maybe the training error, or in words with bounds that say the same."""

    mean: float | None = None
    deviation: float = 0.0
    training: float | None = None
    text: str = ""
    above: float | None = None
    below: float | None = None

    @classmethod
    def of(cls, value: Any) -> "Published":
        """From [mean, deviation, training error], the last or two left out, or from a table of the fields."""
        return cls(**value) if isinstance(value, Mapping) else cls(*value)


@dataclass(frozen=True)
class Cell:
    """One net trained by one rule: settings as a config file has them, and the cell whose weights it starts from."""

    name: str
    settings: Mapping[str, Any]
    measure: str
    published: Published | None = None
    after: "Cell | None" = None
    differs: str = ""
    band: tuple[float, float] | None = None

    def config(self, **changes: Any) -> Config:
        return from_mapping({**self.settings, **changes})


@dataclass(frozen=True)
class Experiment:
    """What one TOML file says, with a Cell for each row and column."""

    name: str
    title: str
    source: str
    about: str
    cost: str
    cells: tuple[Cell, ...]
    seeds: int
    tolerance: Mapping[str, Any]
    figures: tuple[Mapping[str, Any], ...]
    digits: int
    notes: Mapping[str, str]
    quick_settings: Mapping[str, Any]
    bands: Mapping[str, tuple[float, float]]
    beside: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns' names, in the order of the file."""
        return tuple(dict.fromkeys(cell.name.partition("/")[2] for cell in self.cells))

    def chosen(self, patterns: tuple[str, ...]) -> tuple[Cell, ...]:
        """The cells that match one of the patterns, "2x800-tanh/dfa" or "2x800*/*"; all where there are none."""
        names = [cell.name for cell in self.cells]
        for pattern in patterns:
            if not fnmatch_filter(names, pattern):
                raise InvalidValue(f"{self.name} has no cell {pattern}; choose from {', '.join(names)}")
        return tuple(cell for cell in self.cells if not patterns or any(fnmatch(cell.name, p) for p in patterns))

    def quick_cells(self) -> tuple[Cell, ...]:
        """The cells that have a band for the short run, with its settings and without what was published."""
        return tuple(
            Cell(c.name, merged(c.settings, self.quick_settings), c.measure, band=self.bands[c.name])
            for c in self.cells
            if c.name in self.bands
        )


def names() -> list[str]:
    """Every experiment's name."""
    return sorted(path.stem for path in HERE.glob("*.toml"))


def find(name: str) -> Experiment:
    """The experiment of that name. Raises InvalidValue for an unknown one."""
    if name not in names():
        raise InvalidValue(f"unknown experiment {name!r}; choose one of {', '.join(names())}: see gpufa reproduce list")
    return read(HERE / f"{name}.toml")


def read(path: Path) -> Experiment:
    """The experiment in a file."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    quick = table.get("quick", {})
    bands = {f"{row}/{column}": tuple(band) for row, of in quick.pop("band", {}).items() for column, band in of.items()}
    return Experiment(
        name=path.stem,
        title=table["title"],
        source=table["source"],
        about=" ".join(table.get("about", "").split()),
        cost=" ".join(table.get("cost", "").split()),
        cells=tuple(_cells(table)),
        seeds=table["seeds"],
        tolerance=table["tolerance"],
        figures=tuple(table.get("figures", ())),
        digits=table.get("digits", 2),
        notes={name: row["note"] for name, row in table["rows"].items() if "note" in row},
        quick_settings=quick,
        bands=bands,
        beside=table.get("beside", ""),
    )


OF_ROWS = "columns", "note", "measure", "differs", "published", "after"


def _cells(table: Mapping[str, Any]) -> Iterator[Cell]:
    """Row by row; a row comes after the one that it starts from."""
    made: dict[str, Cell] = {}
    for row, about in table["rows"].items():
        for column in about.get("columns", table["columns"]):
            before = made[f"{about['after']}/{column}"] if "after" in about else None
            made[f"{row}/{column}"] = _cell(table, row, column, before)
    yield from made.values()


def _cell(table: Mapping[str, Any], row: str, column: str, before: Cell | None) -> Cell:
    about = table["rows"][row]
    own = {name: value for name, value in about.items() if name not in OF_ROWS}
    published = about.get("published", {}).get(column)
    return Cell(
        name=f"{row}/{column}",
        settings=merged(table.get("settings", {}), table["columns"][column], own),
        measure=about.get("measure", table.get("measure", "test_error")),
        published=None if published is None else Published.of(published),
        after=before,
        differs=about.get("differs", table.get("differs", "")),
    )


def merged(*tables: Mapping[str, Any]) -> dict[str, Any]:
    """Settings one over the other; of a rule, its name and each option."""
    settings: dict[str, Any] = {}
    for table in tables:
        rule = table.get("rule", {})
        rule = rule if isinstance(rule, Mapping) else {"name": rule}
        settings |= {**table, "rule": {**settings.get("rule", {}), **rule}}
    return settings
