"""How far a run has come and which replicas go on: everything but weights that a resumed run needs."""

from collections.abc import Mapping
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

SMOOTHING = 0.75  # Nokland's exponential mean of the training error


class Status(IntEnum):
    """Why a replica trains no longer."""

    RUNNING = 0
    PATIENCE = 1
    TRAIN_ERROR = 2
    DIVERGED = 3


class Progress:
    """Counters of the run, and per replica, (R,), the epoch's running sums and the state of the stop rules."""

    COUNTERS = "step", "epoch", "batch", "seen"

    def __init__(self, replicas: int) -> None:
        self.step = self.epoch = self.batch = self.seen = 0
        self.loss_sum, self.misses = np.zeros(replicas), np.zeros(replicas)
        self.smoothed, self.best = np.full(replicas, np.nan), np.full(replicas, np.inf)
        self.waited, self.status, self.epochs = (np.zeros(replicas, np.int64) for _ in range(3))

    @property
    def active(self) -> NDArray[np.bool_]:
        return self.status == Status.RUNNING

    @property
    def loss(self) -> NDArray:
        """Mean loss over the epoch's samples so far; NaN for replicas that have stopped."""
        return np.where(self.active, self.loss_sum / max(self.seen, 1), np.nan)

    @property
    def running_error(self) -> NDArray:
        """Training error over the epoch's own batches so far, in percent."""
        return np.where(self.active, 100 * self.misses / max(self.seen, 1), np.nan)

    def start_epoch(self) -> None:
        self.loss_sum[:], self.misses[:] = 0, 0
        self.batch = self.seen = 0

    def finish_epoch(self, validation: NDArray, patience: int, stop_train_error: float | None) -> None:
        """Count the epoch and apply the stop rules, see Config; `validation` is (R,), lower is better."""
        active = self.active
        self.epoch += 1
        self.epochs[active] += 1
        error = self.running_error
        fresh = np.isnan(self.smoothed)
        self.smoothed = np.where(fresh, error, SMOOTHING * self.smoothed + (1 - SMOOTHING) * error)
        if stop_train_error is not None:
            self.status[active & (self.smoothed <= stop_train_error)] = Status.TRAIN_ERROR
        if patience:
            better = validation < self.best
            self.waited = np.where(better, 0, self.waited + active)
            self.best = np.where(active & better, validation, self.best)
            self.status[active & (self.waited >= patience)] = Status.PATIENCE

    def arrays(self) -> dict[str, NDArray]:
        return {name: np.asarray(value) for name, value in vars(self).items()}

    def load(self, arrays: Mapping[str, NDArray]) -> None:
        """Take over what `arrays` gave."""
        for name in vars(self):
            value = arrays[name]
            setattr(self, name, int(value) if name in self.COUNTERS else value)
