"""Several runs beside each other: each one's figures over its seeds, and a test of those that had the same seeds."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from .. import plots
from ..basics import files
from ..basics.sheet import Sheet
from ..measure import seeds
from ..measure.history import History
from ..runs import tables
from ..runs.result import Run
from . import frozen
from .forms import FORMS

PERCENT = f"{100 * seeds.LEVEL:g} %"
Row = dict[str, Any]
WRITTEN = tuple(f"compare.{ending}" for ending in ("csv", "json", *FORMS, "png"))


@dataclass(frozen=True, repr=False)
class Comparison:
    """Rows of figures, a dict for each run, by what `what` names; `against` is the one that others are tested against,
    `twins` has by the names of runs those of the same nets with frozen hidden layers.

    A row has per-seed lists such as "test_error", None for a seed that diverged or has no figure; of each "_mean",
    "_deviation" (of the sample) and "_low" and "_high", the ends of the 95 % t interval; "seeds" and "diverged", lists;
    and, but where it is `against`, "p" of the paired t test, two-sided, and "p_holm", None where nothing can be tested.
    """

    rows: list[Row]
    what: str = "rule"
    against: str | None = None
    runs: Mapping[str, Run] = field(default_factory=dict)
    twins: Mapping[str, str] = field(default_factory=dict)

    @property
    def test(self) -> str:
        """The test in words; empty where there is none."""
        tests = sum(row["p"] is not None for row in self.rows)
        if self.against is None or len(self.rows) < 2:
            return ""
        over = f"over {tests} test{'s' * (tests != 1)}"
        score = tables.words(_judged(self.rows))
        return f"p: paired t test of the {score} against {self.against}, Holm's correction {over}"

    @property
    def title(self) -> str:
        amounts = sorted({len(row["seeds"]) for row in self.rows})
        several = f"{' or '.join(map(str, amounts))} seed{'s' * (amounts != [1])}"
        figures = f"mean ± sample deviation over {several}, {PERCENT} t interval"
        return "; ".join(part for part in (figures, self.test) if part)

    @property
    def sheet(self) -> Sheet:
        """What is shown of it."""
        judged = _judged(self.rows)
        others = [name for name in tables.SCORES if name not in (judged, "train_rmse")]
        shown = [name for name in (judged, *others) if any(name in row for row in self.rows)]
        tested = ["p"] if self.test else []
        head = [self.what, *map(tables.heading, shown), *(["seeds"] if self._uneven else []), "s", "angles °"]
        if judged:
            head[2:2] = [f"{PERCENT} interval", *tested]
        return Sheet(self.title, tuple(head), tuple(self._cells(row, shown, bool(judged)) for row in self.rows))

    def _cells(self, row: Row, shown: Sequence[str], judged: bool) -> tuple[str, ...]:
        figures = [tables.mean_and_deviation(row.get(name, ()), tables.digits(name)) for name in shown]
        if judged:
            figures[1:1] = [_interval(row, shown[0]), *([_p(row["p_holm"])] if self.test else [])]
        total, lost = len(row["seeds"]), len(row["diverged"])
        if self._uneven:
            figures.append(f"{total - lost} of {total}" if lost else str(total))
        angles = " ".join(tables.figure(v, ".0f") for v in row["alignment_deg"])
        return row[self.what], *figures, f"{row['seconds']:.1f}", angles

    @property
    def _uneven(self) -> bool:
        """Whether some rows are of fewer seeds than others."""
        return len({len(row["seeds"]) - len(row["diverged"]) for row in self.rows}) > 1

    @property
    def notes(self) -> list[str]:
        """What is to be known beside the table, a sentence each."""
        told = [
            f"{row[self.what]}: seed{'s' * (len(row['diverged']) > 1)} {', '.join(map(str, row['diverged']))} diverged,"
            " and is in none of its figures"
            for row in self.rows
            if row["diverged"]
        ]
        told += [f"{row[self.what]}: {said}" for row in self.rows if (said := tables.calibrated(row))]
        untested = [row[self.what] for row in self.rows if row[self.what] != self.against and row["p"] is None]
        if self.test and untested:
            told.append(
                f"no test of {', '.join(untested)}: fewer than two seeds, or the same difference on each,"
                " leave no spread to judge by"
            )
        return [*told, *self.verdicts]

    @property
    def verdicts(self) -> list[str]:
        """Whether each run that has a frozen twin does better than that, a sentence each."""
        return frozen.verdicts(self.rows, self.what, self.twins, _judged(self.rows))

    def lowest(self, most: int) -> list[str]:
        """The names of that many runs, in their order: those of the lowest mean of what the test is of, and where that
        is nothing the first."""
        name = f"{_judged(self.rows)}_mean"
        means = [row.get(name) for row in self.rows]
        order = sorted(range(len(means)), key=lambda i: np.inf if (mean := means[i]) is None else mean)
        return [self.rows[i][self.what] for i in sorted(order[:most])]

    def __repr__(self) -> str:
        return f"Comparison({', '.join(row[self.what] for row in self.rows)}; {self.title})"

    def _repr_html_(self) -> str:
        return "\n".join([self.sheet._repr_html_(), *(f"<p>{escape(note)}</p>" for note in self.notes)])

    def to_csv(self) -> str:
        """A line for each run; what is a list in a row is left out, but for seeds and angles, with blanks between."""
        kept = "seeds", "diverged", "alignment_deg"
        names = dict.fromkeys(n for row in self.rows for n, v in row.items() if n in kept or not isinstance(v, list))
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, names, lineterminator="\n")
        writer.writeheader()
        for row in self.rows:
            writer.writerow({n: " ".join(map(_cell, row[n])) if n in kept else _cell(row.get(n)) for n in names})
        return text.getvalue()

    def to_json(self) -> str:
        """All of it, the figures of each seed among them."""
        about = {
            "figures": self.title,
            "against": self.against,
            "test": self.test,
            "notes": self.notes,
            "rows": self.rows,
        }
        return json.dumps(about, indent=2, allow_nan=False) + "\n"

    def save(self, folder: Path, histories: Mapping[str, History] | None = None) -> None:
        """Write compare.csv, .json, .md, .tex and .png, which is of `histories` by name, those of `runs` where none are
        given. Raises FileProblem where one can't be written."""
        texts = {"csv": self.to_csv(), "json": self.to_json()}
        texts |= {ending: form(self.sheet, self.notes) for ending, form in FORMS.items()}
        for ending, text in texts.items():
            files.write(folder / f"compare.{ending}", text, "table", "check the folder")
        drawn = {name: run.history for name, run in self.runs.items()} if histories is None else histories
        plots.compare(drawn, folder / "compare.png", folder.resolve().name)


def compared(
    summaries: Mapping[str, Mapping[str, Any]],
    what: str = "rule",
    against: str | None = None,
    runs: Mapping[str, Run] | None = None,
    twins: Mapping[str, str] | None = None,
) -> Comparison:
    """Of summaries as in summary.json. Those that are tested against one of them must have its seeds, in its order."""
    rows = [_row(what, name, summary) for name, summary in summaries.items()]
    judged = _judged(rows)
    first = next((row for row in rows if row[what] == against), None)
    tested = [row for row in rows if judged and first and row is not first]
    raw = [seeds.paired(row[judged], first[judged]) for row in tested if first]
    for row, p, corrected in zip(tested, raw, seeds.holm(raw), strict=True):
        row |= {"p": _known(p), "p_holm": _known(corrected)}
    return Comparison(rows, what, against, runs or {}, twins or {})


def _row(what: str, name: str, summary: Mapping[str, Any]) -> Row:
    lost = tables.diverged(summary)
    figures: Row = {}
    for score in (*tables.SCORES, tables.LOSS):
        if score in summary:
            values = tables.sound(summary, score)
            found = seeds.spread(values)
            figures[score] = values
            figures |= {f"{score}_{part}": _known(v) for part, v in found._asdict().items() if part != "n"}
    return {
        what: name,
        "seeds": summary["seeds"],
        "diverged": lost,
        **figures,
        "p": None,
        "p_holm": None,
        **{name: summary[name] for name in ("backprop_steps", "steps") if name in summary},
        "seconds": summary["seconds"],
        "alignment_deg": summary["alignment_deg"],
    }


def _judged(rows: Sequence[Row]) -> str:
    """The score that the test is of; "" where there is none."""
    return next((name for name in tables.JUDGED if rows and all(name in row for row in rows)), "")


def _interval(row: Row, name: str) -> str:
    low, high = (row.get(f"{name}_{end}") for end in ("low", "high"))
    form = tables.digits(name)
    return "-" if low is None else f"{tables.figure(low, form)}–{tables.figure(high, form)}"


def _p(value: float | None) -> str:
    return "-" if value is None else "<0.001" if value < 0.001 else f"{value:.3f}"


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.9g}" if isinstance(value, float) else str(value)
