"""SCHEDULES: the factor on the learning rate against the step."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from ..basics.errors import InvalidValue
from .parts import Part


class Progress(NamedTuple):
    """Where in a run a step is: `step` counts from 0, `total` is the schedule's length in steps; `every` in epochs and
    `gamma` are the step schedule's; so is `at`, the epochs at which it steps, where they are not `every` so many."""

    step: int
    per_epoch: int
    total: int
    every: int
    gamma: float
    at: tuple[int, ...] = ()

    @property
    def steps(self) -> int:
        """How many the step schedule has taken."""
        epoch = self.step // self.per_epoch
        return sum(epoch >= one for one in self.at) if self.at else epoch // self.every


@dataclass(frozen=True)
class Schedule(Part):
    """course(progress) is the factor at a step, a number of at least 0; `ends` where it comes to 0 with the last of
    `total` steps."""

    kind: ClassVar[str] = "schedule"

    course: Callable[[Progress], float]
    ends: bool = False

    @property
    def has_length(self) -> bool:
        """Whether its factors hang on how many steps there are."""
        lengths = (Progress(0, 10, total, 10, 0.5) for total in (100, 200))
        short, long = ([self.course(one._replace(step=step)) for step in range(100)] for one in lengths)
        return self.ends or short != long

    def at(self, progress: Progress) -> float:
        """The factor. Raises InvalidValue where that is no number of at least 0."""
        found = self.course(progress)
        if not 0 <= found < math.inf:
            raise InvalidValue(
                f"schedule {self.name!r} has the factor {found} at step {progress.step}; it must be a number of at"
                " least 0"
            )
        return found

    def fault(self) -> str:
        """Tried at the first step and the last."""
        for step in (0, 99):
            self.at(Progress(step, per_epoch=10, total=100, every=10, gamma=0.5))
        return ""


ROWS = (
    Schedule("constant", lambda p: 1.0),
    Schedule("step", lambda p: p.gamma**p.steps),
    Schedule("cosine", lambda p: 0.5 * (1 + math.cos(math.pi * min(p.step / p.total, 1.0))), ends=True),
)
SCHEDULES: Mapping[str, Schedule] = {row.name: row for row in ROWS}
Schedule.table = SCHEDULES


def schedule(given: Any, parts: Sequence[Part] = ()) -> Schedule:
    """The row, as Part.find."""
    return Schedule.find(given, parts)


def factor(
    name: Any,
    *,
    step: int,
    steps_per_epoch: int,
    total_steps: int,
    every: int = 1,
    gamma: float = 1.0,
    at: tuple[int, ...] = (),
    warmup: int = 0,
    parts: Sequence[Part] = (),
) -> float:
    """The factor at `step`, counted from 0; over the first `warmup` steps it also rises linearly to 1.

    Raises InvalidValue as `schedule`.
    """
    rise = min(1.0, (step + 1) / warmup) if warmup else 1.0
    return rise * schedule(name, parts).at(Progress(step, steps_per_epoch, total_steps, every, gamma, at))
