"""One trial: a run like any other, which never sees the test samples, judged by its validation part."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..basics.errors import InvalidValue, OutOfMemory
from ..basics.ownfiles import is_own
from ..checkpoints import networks
from ..data.samples.data import Data
from ..measure.history import newest
from ..measure.scores import JUDGES
from ..rules import rule_class
from ..runs import resuming, tables
from ..runs.result import Run
from ..runs.run import run_through
from ..training.course.callbacks import Callback
from ..training.course.stopping import Status
from ..training.settings.config import Config
from ..training.trainer import Trainer
from .plan import Arm
from .study import Study, Taken

# What is kept of a trial beside its value: why its settings could not be trained, and what it was judged by.
REFUSED, SCORE = "refused", "score"


class Reports(Callback):
    """Tells Optuna the validation error after each epoch, and stops the run where its pruner says so."""

    def __init__(self, study: Study, taken: Taken) -> None:
        self.study, self.taken, self.pruned = study, taken, False

    def on_epoch(self, trainer: Trainer) -> None:
        epoch = trainer.progress.epoch
        self.pruned = self.study.pruned(self.taken, epoch, so_far(trainer)) and not trainer.finished
        trainer.stop_requested |= self.pruned


def so_far(trainer: Trainer) -> float:
    """The validation error of a run as it stands, mean over the seeds; infinite where one has diverged."""
    epochs = trainer.history.epochs
    best = trainer.progress.best if trainer.kept else newest(epochs[judge(epochs.names)])
    return mean(np.where(trainer.progress.status == Status.DIVERGED, np.inf, best))


def judge(names: Sequence[str] | Mapping[str, Any]) -> str:
    """What a validation part is judged by, among the names of figures."""
    return next(name for one in JUDGES if (name := f"validation_{one}") in names)


def mean(values: Any) -> float:
    """The mean over the seeds; infinite where one has none."""
    found = np.array([np.nan if value is None else value for value in values], float)
    return float(found.mean()) if np.isfinite(found).all() else np.inf


def value_of(run: Run) -> float:
    """The validation error of a run that has ended, by the weights that it is left with."""
    return np.inf if run.diverged else mean(run.summary[judge(run.summary)])


def run_of(arm: Arm, config: Config, data: Data, callbacks: Sequence[Callback]) -> Run:
    """The run in config.out, from its checkpoint on where it has one. Raises what training does."""
    assert config.out
    if networks.checkpoint_of(config.out).exists():
        own = rule_class(arm.rule) if is_own(arm.rule) else None
        return resuming.resume(config.out, callbacks=callbacks, rule=own, on_interrupt="return", parts=config.parts)
    return run_through(Trainer(config, data, callbacks=callbacks), data, on_interrupt="return")


def tried(study: Study, taken: Taken, data: Data, watching: Sequence[Callback]) -> str:
    """Train a trial and tell Optuna; what it has come to in words, empty where it was interrupted, and is left to be
    taken again.

    Settings that can't be trained, and those by which a seed diverges, count as infinitely bad.
    """
    config = taken.arm.config(taken.chosen, out=str(taken.folder), blind=True)
    reports = Reports(study, taken)
    callbacks = [*watching, *([] if study.plan.pruner == "none" else [reports])]
    try:
        run = run_of(taken.arm, config, data, callbacks)
    except (InvalidValue, OutOfMemory) as error:
        study.tell(taken, np.inf, **{REFUSED: str(error)})
        return f"can't be trained: {error}"
    if reports.pruned:
        study.tell(taken, None)
        return f"pruned after epoch {run.summary['epochs']}"
    if run.interrupted:
        return ""
    value, score = value_of(run), judge(run.summary)
    study.tell(taken, value, **{SCORE: score})
    return "a seed diverged" if np.isinf(value) else f"{tables.words(score)} {value:{tables.digits(score)}}"
