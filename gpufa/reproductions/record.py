"""What an experiment has come to, as JSON and as a table."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from .. import __version__
from ..tables import mean_and_deviation
from .experiment import Experiment, Published
from .outcome import MEASURES, Outcome, judge

RECORD = "results.json"
COLUMNS = "cell", "published", "ours", "seeds", "epochs", "verdict"


def record(experiment: Experiment, outcomes: Sequence[Outcome], drawn: Sequence[str]) -> dict[str, Any]:
    """Everything that a page about the experiment is made of; cells in the order of the file."""
    return {
        "name": experiment.name,
        "title": experiment.title,
        "source": experiment.source,
        "about": experiment.about,
        "tolerance": dict(experiment.tolerance),
        "digits": experiment.digits,
        "notes": dict(experiment.notes),
        "gpufa": __version__,
        "date": str(date.today()),
        "figures": [{"name": f["name"], "caption": f["caption"]} for f in experiment.figures if f["name"] in drawn],
        "cells": [_cell(experiment, outcome) for outcome in outcomes],
    }


def _cell(experiment: Experiment, outcome: Outcome) -> dict[str, Any]:
    cell, history = outcome.cell, outcome.history
    found, measure = judge(outcome, experiment.tolerance), MEASURES[outcome.cell.measure]
    files = [run / "summary.json" for run in outcome.runs]
    summaries = [json.loads(file.read_text(encoding="utf-8")) for file in files if file.exists()]
    return {
        "name": cell.name,
        "measure": measure.what,
        "unit": measure.unit,
        "published": _published(cell.published, experiment.digits, measure.unit),
        "seeds": list(history.seeds) if history else [],
        "values": [_plain(v) for v in outcome.values],
        "running_error": _plain(outcome.running_error),
        "epochs": outcome.epochs.tolist(),
        "planned": outcome.planned,
        "status": list(outcome.status),
        "verdict": found.word,
        "why": found.why,
        "deviations": _plain(found.deviations),
        "seconds": outcome.seconds,
        "machines": sorted({_machine(s) for s in summaries}),
        "settings": dict(cell.settings),
    }


def write(found: Mapping[str, Any], folder: Path) -> None:
    """Write FOLDER/results.json."""
    (folder / RECORD).write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def table(found: Mapping[str, Any]) -> Table:
    """A line for each cell, for a terminal."""
    shown = Table(title=f"{found['name']}: published, and ours as mean ± deviation", caption=found["source"])
    for name in COLUMNS:
        shown.add_column(name, no_wrap=name in COLUMNS[:3])
    for cell in found["cells"]:
        shown.add_row(*line(cell, found["digits"]))
    return shown


def line(cell: Mapping[str, Any], digits: int) -> list[str]:
    """A cell's texts below COLUMNS."""
    epochs = sorted(set(cell["epochs"]))
    verdict = f"{cell['verdict']}: {cell['why']}" if cell["why"] else cell["verdict"]
    steps = "" if cell["deviations"] is None else f" ({cell['deviations']:+.1f} deviations)"
    return [
        cell["name"],
        cell["published"],
        _ours(cell, digits) if cell["values"] else "",
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


def _figure(text: str, unit: str, training: float | None) -> str:
    return f"{text} {unit}".rstrip() + ("" if training is None else f" ({training:.2f})")


def _machine(summary: Mapping[str, Any]) -> str:
    """The device that a run was trained on, as its summary says."""
    facts = summary["environment"]
    return f"{summary['backend']} on {facts.get('device') or facts.get('processor')}"


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
