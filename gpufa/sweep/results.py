"""What a study leaves: search.md, .json and .csv of all that was tried, compare.* of what it has come to, pictures."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..basics import files
from ..basics.sheet import Sheet
from ..plots import save
from ..report.comparison import WRITTEN as COMPARED
from ..report.forms import FORMS
from ..runs import tables
from . import pictures, retrained
from .rows import NO_RESULT, PRUNED, TRAINED, Row, best_of, rows, score_of
from .study import Study

WRITTEN = "search.md", "search.csv", "search.json", "history.png", "importance.png", "slices.png", *COMPARED
FILES = "search.md, .json and .csv, compare.*, history.png, importance.png and slices.png"
MOST = 3  # reasons that are told why settings could not be trained


def sheet(study: Study, found: Sequence[Row]) -> Sheet:
    """A line for each rule: what became of its trials, and the best of them."""
    name, lines = score_of(found), []
    for arm in study.plan.arms:
        mine = [row.state for row in found if row.rule == arm.name]
        best = best_of(found, arm.name)
        lines.append(
            (
                arm.name,
                *(str(mine.count(state)) for state in (TRAINED, PRUNED, NO_RESULT)),
                tables.figure(best.value if best else None, tables.digits(name)),
                str(best.trial) if best else "-",
                in_words(best.settings) if best else "-",
            )
        )
    plan = study.plan
    title = f"{plan.trials} trials of each rule, sampler {plan.sampler}, pruner {plan.pruner}, without the test samples"
    head = "rule", TRAINED, PRUNED, NO_RESULT, tables.heading(name) or "validation", "trial", "settings"
    return Sheet(title, head, tuple(lines), texts=("settings",))


def in_words(settings: Mapping[str, Any]) -> str:
    """Settings in a line."""
    return ", ".join(f"{n} {v:.4g}" if isinstance(v, float) else f"{n} {v}" for n, v in settings.items())


def notes(study: Study, found: Sequence[Row]) -> list[str]:
    """What is to be known beside the table, a sentence each."""
    told = [
        f"{arm.name}: no trial has come to a figure, so that nothing was trained on fresh seeds"
        for arm in study.plan.arms
        if best_of(found, arm.name) is None
    ]
    why = list(dict.fromkeys(row.refused for row in found if row.refused))
    told += [f"settings that could not be trained: {reason}" for reason in why[:MOST]]
    return told


def write(study: Study) -> None:
    """Write all of it into the study's folder. Raises FileProblem where a file can't be written."""
    found, folder = rows(study), study.folder
    said = notes(study, found)
    about = {
        "study": study.plan.said,
        "fresh_seeds": study.plan.fresh,
        "notes": said,
        "importance": {arm.name: pictures.importances(study, arm) for arm in study.plan.arms},
        "trials": [row._asdict() for row in found],
    }
    texts = {
        "search.md": FORMS["md"](sheet(study, found), said),
        "search.csv": _csv(found),
        "search.json": json.dumps(about, indent=2, allow_nan=False) + "\n",
    }
    for name, text in texts.items():
        files.write(folder / name, text, "table", "check the folder")
    for name, figure in pictures.drawn(study, found).items():
        save(figure, folder / f"{name}.png")
    compared = retrained.comparison(study)
    if compared.rows:
        compared.save(folder, retrained.histories(study))


def _csv(found: Sequence[Row]) -> str:
    """A line for each trial, a column for each setting."""
    plain = [name for name in Row._fields if name != "settings"]
    settings = dict.fromkeys(name for row in found for name in row.settings)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [*plain, *settings], lineterminator="\n")
    writer.writeheader()
    for row in found:
        writer.writerow({**{name: getattr(row, name) for name in plain}, **row.settings})
    return text.getvalue()
