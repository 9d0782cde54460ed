"""How far a float32 run of every rule drifts from the float64 run of the same start, on the digits."""

import dataclasses
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import gpufa
from gpufa.data.samples.data import Data
from gpufa.rules import RULES
from gpufa.training.trainer import Trainer

from .count import Say

STEPS = 1, 10, 100, 1000
DTYPES = "float32", "float64"
OWN: dict[str, dict[str, Any]] = {  # in place of defaults that would take half an hour, or end in a second step
    "evolution": {"epochs": 17},
    "elm": {"batch_size": 1438},
    "nn_lift": {"batch_size": 1438},
}
NEVER = 10**9  # steps between two probes of alignment


class Snapshots(gpufa.Callback):
    """Keeps all that is trained, (R, size), after certain steps."""

    def __init__(self, steps: Sequence[int]) -> None:
        self.steps, self.taken = steps, dict[int, NDArray]()

    def on_step(self, trainer: Trainer) -> None:
        if trainer.progress.step in self.steps:
            self.taken[trainer.progress.step] = weights(trainer)

    def on_epoch(self, trainer: Trainer) -> None:
        """After the last step of an epoch some rules solve for weights."""
        self.on_step(trainer)


def weights(trainer: Trainer) -> NDArray:
    """All that is trained, (R, size), in float64."""
    return trainer.net.backend.to_host(trainer.net.arena.flat).astype("float64")


def run(seeds: int, only: str, say: Say) -> Iterator[dict[str, Any]]:
    """A row for every rule whose name holds `only`."""
    data = gpufa.load_data("digits")
    for rule in RULES:
        if only not in rule:
            continue
        settings = {"seeds": tuple(range(seeds)), "probe_every": NEVER} | OWN.get(rule, {})
        drifts, errors = compared(gpufa.Config(rule=rule, backend="numpy", **settings), data, STEPS)
        say(f"{rule}: " + ", ".join(f"{step}: {statistics.median(found):.1e}" for step, found in drifts.items()))
        yield {
            "rule": rule,
            "drift": {str(step): found.tolist() for step, found in drifts.items()},
            "test_error": {dtype: found.tolist() for dtype, found in errors.items()},
        }


def compared(
    config: gpufa.Config, data: Data, steps: Sequence[int]
) -> tuple[dict[int, NDArray], Mapping[str, NDArray]]:
    """|W32 - W64| / |W64 - W| after each of the steps, (R,), W being where both began, and the runs' last test errors.

    Both start from the float32 run's numbers, weights and feedback, which float64 holds exactly.
    """
    runs, kept = [], [Snapshots(steps) for _ in DTYPES]
    for dtype, snapshots in zip(DTYPES, kept, strict=True):
        runs.append(Trainer(dataclasses.replace(config, dtype=dtype), data, callbacks=[snapshots]))
    single, double = (trainer.net for trainer in runs)
    for ours, theirs in ((double.parameters, single.parameters), (double.feedback, single.feedback)):
        for name, array in ours.items():
            array[...] = theirs[name]
    start = weights(runs[1])
    for trainer in runs:
        trainer.run()
    found = {}
    for step, exact in kept[1].taken.items():
        found[step] = np.linalg.norm(kept[0].taken[step] - exact, axis=1) / np.linalg.norm(exact - start, axis=1)
    return found, {dtype: t.history.epochs["test_error"][-1] for dtype, t in zip(DTYPES, runs, strict=True)}
