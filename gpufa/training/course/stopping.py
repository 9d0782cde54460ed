"""When a seed stops: early, for want of a better validation error, or because its training error is low enough."""

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


class StopRules:
    """What they remember, per replica, (R,)."""

    def __init__(self, replicas: int) -> None:
        self.smoothed, self.best = np.full(replicas, np.nan), np.full(replicas, np.inf)
        self.waited, self.status = np.zeros(replicas, np.int64), np.zeros(replicas, np.int64)

    @property
    def active(self) -> NDArray[np.bool_]:
        return self.status == Status.RUNNING

    def apply(self, error: NDArray, validation: NDArray, patience: int, stop_train_error: float | None) -> NDArray:
        """After an epoch with this running training error and this validation score, (R,) each, lower is better: which
        replicas were never better by that score."""
        active = self.active
        fresh = np.isnan(self.smoothed)
        self.smoothed = np.where(fresh, error, SMOOTHING * self.smoothed + (1 - SMOOTHING) * error)
        if stop_train_error is not None:
            self.status[active & (self.smoothed <= stop_train_error)] = Status.TRAIN_ERROR
        better = validation < self.best
        self.best = np.where(active & better, validation, self.best)
        if patience:
            self.waited = np.where(better, 0, self.waited + active)
            self.status[active & (self.waited >= patience)] = Status.PATIENCE
        return active & better
