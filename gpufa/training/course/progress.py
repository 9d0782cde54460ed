"""How far a run has come and which replicas go on: everything but weights that a resumed run needs."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .stopping import StopRules


class Progress(StopRules):
    """Counters of the run, and per replica, (R,), the epoch's running sums beside the state of the stop rules."""

    COUNTERS = "step", "epoch", "batch", "seen"

    def __init__(self, replicas: int) -> None:
        self.step = self.epoch = self.batch = self.seen = 0
        self.loss_sum, self.misses = np.zeros(replicas), np.zeros(replicas)
        super().__init__(replicas)
        self.epochs = np.zeros(replicas, np.int64)

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

    def finish_epoch(self, validation: NDArray, patience: int, stop_train_error: float | None) -> NDArray:
        """Count the epoch and apply the stop rules, see Config; which replicas, (R,), were never better.

        `validation` is (R,), lower is better; NaN where nothing is judged by it.
        """
        self.epoch += 1
        self.epochs[self.active] += 1
        return self.apply(self.running_error, validation, patience, stop_train_error)

    def arrays(self) -> dict[str, NDArray]:
        return {name: np.asarray(value) for name, value in vars(self).items()}

    def load(self, arrays: Mapping[str, NDArray]) -> None:
        """Take over what `arrays` gave."""
        for name in vars(self):
            value = arrays[name]
            setattr(self, name, int(value) if name in self.COUNTERS else value)
