"""What a program may hang into the training loop."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .trainer import Trainer


class Callback:
    """Told of what happens in a run; every method does nothing unless overridden."""

    def on_start(self, trainer: "Trainer") -> None:
        """Before the first step, and before the first after a resume."""

    def on_step(self, trainer: "Trainer") -> None:
        """After each step: be quick."""

    def on_epoch(self, trainer: "Trainer") -> None:
        """After each epoch, its row of `trainer.history` written."""

    def on_diverged(self, trainer: "Trainer", replicas: np.ndarray) -> None:
        """When replicas, given by their positions, have stopped because a loss or weight is no longer finite."""

    def on_stop(self, trainer: "Trainer") -> None:
        """When training has stopped in good order: done, or stopped between two steps."""

    def on_failure(self, trainer: "Trainer") -> None:
        """When an error or a second Ctrl-C ends the run: what is on the device may be lost."""

    def on_end(self, trainer: "Trainer") -> None:
        """At the very end, also where an error ends the run."""
