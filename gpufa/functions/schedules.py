"""SCHEDULES: the factor on the learning rate against the step."""

import math
from collections.abc import Callable
from typing import NamedTuple

from ..basics.arguments import row_of


class Progress(NamedTuple):
    """Where in a run a step is: `step` counts from 0, `total` is the schedule's length in steps; `every` in epochs and
    `gamma` are the step schedule's."""

    step: int
    per_epoch: int
    total: int
    every: int
    gamma: float


class Schedule(NamedTuple):
    """A course of the factor; `ends` where it comes to 0 with the last of `total` steps."""

    course: Callable[[Progress], float]
    ends: bool = False


SCHEDULES = {
    "constant": Schedule(lambda p: 1.0),
    "step": Schedule(lambda p: p.gamma ** (p.step // p.per_epoch // p.every)),
    "cosine": Schedule(lambda p: 0.5 * (1 + math.cos(math.pi * min(p.step / p.total, 1.0))), ends=True),
}


def factor(
    name: str, *, step: int, steps_per_epoch: int, total_steps: int, every: int = 1, gamma: float = 1.0, warmup: int = 0
) -> float:
    """The factor at `step`, counted from 0; over the first `warmup` steps it also rises linearly to 1.

    Raises InvalidValue for an unknown name.
    """
    course = row_of(SCHEDULES, name, "schedule").course
    rise = min(1.0, (step + 1) / warmup) if warmup else 1.0
    return rise * course(Progress(step, steps_per_epoch, total_steps, every, gamma))
