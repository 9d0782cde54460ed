"""The stages, in order of worth."""

from collections.abc import Callable
from typing import NamedTuple

from . import agreement, facts, memory, nccl, nokland, streams, suite, times
from .task import Task


class Plan(NamedTuple):
    """`share` is a stage's part of the time; what one of some `kind` finds is a result file of that kind, too."""

    do: Callable[[Task], None]
    share: float
    kind: str = ""


PLANS = {
    "facts": Plan(facts.facts, 3),
    "streams": Plan(streams.streams, 2),
    "agreement": Plan(agreement.agreement, 3),
    "tests": Plan(suite.suite, 8),
    "rows": Plan(times.rows, 30, "gpu"),
    "threshold": Plan(times.threshold, 2, "threshold"),
    "epoch": Plan(times.epoch, 2, "epoch"),
    "nccl": Plan(nccl.nccl, 2),
    "nokland": Plan(nokland.nokland, 4),
    "memory": Plan(memory.memory, 2),
}
