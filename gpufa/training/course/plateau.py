"""The stop rule of scikit-learn's MLPs: too many epochs in a row that were not better by enough."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .callbacks import Callback
from .stopping import Status


class Plateau(Callback):
    """Stops each replica after more than `wait` epochs in a row whose figure did not come `tol` above the best before
    them: the validation part's R2 or share of right answers where there is such a part, else minus the training loss.

    `scores`, (R,) an epoch, are the figures.
    """

    def __init__(self, wait: float, tol: float) -> None:
        self.wait, self.tol, self.scores = wait, tol, list[NDArray]()

    def on_start(self, trainer: Any) -> None:
        self.best = np.full(len(trainer.config.seeds), -np.inf)
        self.waited = np.zeros(len(trainer.config.seeds), np.int64)

    def on_epoch(self, trainer: Any) -> None:
        figure, active = figure_of(trainer.history.epochs.last), trainer.progress.active
        self.scores.append(figure)
        self.waited = np.where(figure < self.best + self.tol, self.waited + 1, 0)
        self.best = np.fmax(self.best, figure)
        trainer.progress.status[active & (self.waited > self.wait)] = Status.PATIENCE


def figure_of(row: dict[str, Any]) -> NDArray:
    """How good each replica was in an epoch of a history, (R,), higher is better."""
    if "validation_r2" in row:
        return np.asarray(row["validation_r2"])
    if "validation_error" in row:
        return np.asarray(1 - row["validation_error"] / 100)
    return np.asarray(-row["loss"])
