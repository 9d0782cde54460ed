"""What a program may hang into the training loop."""

from typing import Any

import numpy as np


class Callback:
    """Told of what happens in a run; every method does nothing unless overridden.

    `trainer` is the run's Trainer, with config, net, progress, history and stop_requested.
    """

    def on_start(self, trainer: Any) -> None:
        """Before the first step, and before the first after a resume."""

    def on_step(self, trainer: Any) -> None:
        """After each step: be quick."""

    def on_epoch(self, trainer: Any) -> None:
        """After each epoch, its row of `trainer.history` written."""

    def on_diverged(self, trainer: Any, replicas: np.ndarray) -> None:
        """When replicas, given by their positions, have stopped because a loss or weight is no longer finite."""

    def on_stop(self, trainer: Any) -> None:
        """When training has stopped in good order: done, or stopped between two steps."""

    def on_failure(self, trainer: Any) -> None:
        """When an error or a second Ctrl-C ends the run: what is on the device may be lost."""

    def on_end(self, trainer: Any) -> None:
        """At the very end, also where an error ends the run."""
