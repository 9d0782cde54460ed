"""What an experiment has come to, as JSON and as a table."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

from rich.table import Table

from ..basics import files
from ..checkpoints import networks
from ..runs.going_on import on
from ..runs.summary import finite
from ..runs.tables import mean_and_deviation
from .experiment import Experiment, Published
from .outcome import MEASURES, Outcome, judge

RECORD = "results.json"
COLUMNS = "cell", "published", "ours", "seeds", "epochs", "verdict"


def record(experiment: Experiment, outcomes: Sequence[Outcome], drawn: Sequence[str]) -> dict[str, Any]:
    """Everything that a page about the experiment is made of; cells in the order of the file."""
    second = MEASURES[experiment.beside] if experiment.beside else None
    return {
        "name": experiment.name,
        "title": experiment.title,
        "source": experiment.source,
        "about": experiment.about,
        "tolerance": dict(experiment.tolerance),
        "digits": experiment.digits,
        **({"beside": f"{second.what}, {second.unit}"} if second else {}),
        "notes": dict(experiment.notes),
        "gpufa": sorted({version for outcome in outcomes for version in outcome.versions}),
        "date": str(max(map(_trained, outcomes))),
        "figures": [{"name": f["name"], "caption": f["caption"]} for f in experiment.figures if f["name"] in drawn],
        "cells": [_cell(experiment, outcome) for outcome in outcomes],
    }


def _cell(experiment: Experiment, outcome: Outcome) -> dict[str, Any]:
    cell, history = outcome.cell, outcome.history
    found, measure = judge(outcome, experiment.tolerance), MEASURES[outcome.cell.measure]
    return {
        "name": cell.name,
        "measure": measure.what,
        "unit": measure.unit,
        "published": _published(cell.published, experiment.digits, measure.unit),
        "seeds": list(history.seeds) if history else [],
        "values": [finite(v) for v in outcome.values],
        **({"beside": [finite(v) for v in outcome.beside(experiment.beside)]} if experiment.beside else {}),
        "running_error": finite(outcome.running_error),
        "epochs": outcome.epochs.tolist(),
        "planned": outcome.planned,
        "status": list(outcome.status),
        "verdict": found.word,
        "why": found.why,
        "deviations": finite(found.deviations),
        "seconds": outcome.seconds,
        "machines": sorted({machine for run in outcome.runs for machine in _machines(run)}),
        "settings": dict(cell.settings),
    }


def write(found: Mapping[str, Any], folder: Path) -> None:
    """Write FOLDER/results.json, whole or not at all. Raises FileProblem where that can't be done."""
    files.write(folder / RECORD, json.dumps(found, indent=1, ensure_ascii=False) + "\n", "record", "give another --out")


def table(found: Mapping[str, Any]) -> Table:
    """A line for each cell, for a terminal."""
    shown = Table(title=f"{found['name']}: published, and ours as mean ± deviation", caption=found["source"])
    for name in columns(found):
        shown.add_column(name, no_wrap=name in COLUMNS[:3])
    for cell in found["cells"]:
        shown.add_row(*line(cell, found["digits"]))
    return shown


def columns(found: Mapping[str, Any]) -> tuple[str, ...]:
    """The heads of an experiment's table."""
    return (*COLUMNS[:3], *([found["beside"]] if "beside" in found else []), *COLUMNS[3:])


def line(cell: Mapping[str, Any], digits: int) -> list[str]:
    """A cell's texts below `columns`."""
    epochs = sorted(set(cell["epochs"]))
    verdict = f"{cell['verdict']}: {cell['why']}" if cell["why"] else cell["verdict"]
    steps = "" if cell["deviations"] is None else f" ({cell['deviations']:+.1f} deviations)"
    return [
        cell["name"],
        cell["published"],
        _ours(cell, digits) if cell["values"] else "",
        *([_beside(cell, digits)] if "beside" in cell else []),
        str(len(cell["seeds"])) if cell["seeds"] else "",
        "" if not epochs else str(epochs[0]) if len(epochs) == 1 else f"{epochs[0]} to {epochs[-1]}",
        verdict + steps,
    ]


def _published(published: Published | None, digits: int, unit: str) -> str:
    if published is None:
        return ""
    if published.mean is None:
        return published.text
    deviation = f" ± {published.deviation:.{digits}f}" if published.deviation else ""
    return _figure(f"{published.mean:.{digits}f}{deviation}", unit, published.training)


def _ours(cell: Mapping[str, Any], digits: int) -> str:
    """As the published figure; of a test error with the training error in brackets."""
    training = cell["running_error"] if cell["measure"] == MEASURES["test_error"].what else None
    return _figure(mean_and_deviation(cell["values"], f".{digits}f"), cell["unit"], training)


def _beside(cell: Mapping[str, Any], digits: int) -> str:
    return mean_and_deviation(cell["beside"], f".{digits}f") if cell["beside"] else ""


def _figure(text: str, unit: str, training: float | None) -> str:
    return f"{text} {unit}".rstrip() + ("" if training is None else f" ({training:.2f})")


def _machines(run: Path) -> list[str]:
    """The devices that a run was trained on, as its summary says; none where it left none."""
    with suppress(OSError, ValueError, KeyError):
        summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
        return [on(summary["environment"]), *(on(one["place"]) for one in summary.get("before", []))]
    return []


def _trained(outcome: Outcome) -> date:
    """When the newest of the runs was saved last."""
    times = [networks.checkpoint_of(run).stat().st_mtime for run in outcome.runs]
    return date.fromtimestamp(max(times, default=0))
