"""What a program may hang into the training loop."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ...basics.arguments import several, shown
from ...basics.errors import InvalidValue


class Callback:
    """Told of what happens in a run; every method does nothing unless overridden.

    `trainer` is the run's Trainer, with config, net, progress, history, learning_rate, which may be set, and
    stop_requested.
    """

    def on_start(self, trainer: Any) -> None:
        """Before the first step, and before the first after a resume."""

    def on_step(self, trainer: Any) -> None:
        """After each step: be quick."""

    def on_epoch(self, trainer: Any) -> None:
        """After each epoch, its row of `trainer.history` written."""

    def on_diverged(self, trainer: Any, replicas: np.ndarray) -> None:
        """When replicas, given by their positions, have stopped because a loss or weight is no longer finite. Processes
        that have some of the seeds each are told at once, some of none of theirs."""

    def on_stop(self, trainer: Any) -> None:
        """When training has stopped in good order: done, or stopped between two steps."""

    def on_failure(self, trainer: Any) -> None:
        """When an error or a second Ctrl-C ends the run: what is on the device may be lost."""

    def on_end(self, trainer: Any) -> None:
        """At the very end, also where an error ends the run."""


class AfterEpoch(Callback):
    """A plain function of the trainer, called after each epoch."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def on_epoch(self, trainer: Any) -> None:
        self.function(trainer)


def callbacks_of(given: Any) -> list[Callback]:
    """Callbacks, from a list of them or of functions of the trainer. Raises InvalidValue for what is neither."""
    found = several(given, "callbacks", "[callback]")
    for one in found:
        if not isinstance(one, Callback) and (isinstance(one, type) or not callable(one)):
            raise InvalidValue(
                f"{shown(one)} is no callback; give an instance of a gpufa.Callback, or a function of the trainer"
            )
    return [one if isinstance(one, Callback) else AfterEpoch(one) for one in found]
