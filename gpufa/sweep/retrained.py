"""What the search has come to: the best setting of each rule, trained on seeds that it has not seen."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..checkpoints import networks
from ..data.samples.data import Data
from ..measure.history import History
from ..report.comparison import Comparison, compared
from ..report.frozen import BASELINE
from ..runs.overview import RUNNING
from ..training.course.callbacks import Callback
from .begun import BEST
from .plan import Arm
from .rows import best_of, rows
from .storage import held
from .study import WORKER, Study
from .trial import run_of


def folder_of(study: Study, arm: Arm) -> Path:
    return study.folder / BEST / arm.name


def summary_of(study: Study, arm: Arm) -> Mapping[str, Any] | None:
    """The figures of a rule's best setting; None where it has not been trained to its end."""
    try:
        summary = json.loads((folder_of(study, arm) / "summary.json").read_text(encoding="utf-8"))
        return None if RUNNING in summary["status"] else dict(summary)
    except (OSError, ValueError, LookupError, TypeError):
        return None


def retrain(study: Study, arm: Arm, data: Data, watching: Sequence[Callback], say: Callable[[str], None]) -> bool:
    """Train the best setting of a rule whose trials are all over, unless that was done or another worker does it;
    False where it was interrupted. It holds out the same samples as the trials did, and is judged by the test samples.
    """
    best = best_of(rows(study), arm.name)
    if best is None or summary_of(study, arm):
        return True
    folder = folder_of(study, arm)
    if (lock := held(folder / WORKER)) is None:
        return True
    try:
        seeds = " ".join(map(str, study.plan.fresh))
        say(f"{arm.name}: {best.run} is the best, and its settings are trained on seeds {seeds}")
        config = arm.config(best.settings, seeds=study.plan.fresh, out=str(folder))
        return not run_of(arm, config, data, watching).interrupted
    finally:
        lock.release()


def comparison(study: Study) -> Comparison:
    """The rules beside each other, the others tested against the first that has a figure."""
    found = {arm.name: summary for arm in study.plan.arms if (summary := summary_of(study, arm))}
    frozen = {name: BASELINE for name in found if name != BASELINE} if BASELINE in found else {}
    return compared(found, "rule", next(iter(found), None), twins=frozen)


def histories(study: Study) -> dict[str, History]:
    """By rule the course of its best setting."""
    found = {}
    for arm in study.plan.arms:
        if summary_of(study, arm):
            arrays, metadata = networks.contents(folder_of(study, arm))
            seeds = tuple(metadata["network"]["seeds"])
            found[arm.name] = History.from_arrays(seeds, networks.inside("history", arrays))
    return found
