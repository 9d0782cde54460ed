"""The copy task: read symbols, wait, and say them again when the cue comes; nothing is ever trained on twice."""

from dataclasses import dataclass

import numpy as np

from ..basics.arguments import whole
from ..basics.errors import InvalidValue
from ..basics.random import Purpose
from ..net.arena import Array
from .unrolled import Unrolled

LONGEST = 10**6  # steps; every one of them has buffers


@dataclass(frozen=True)
class CopyTask:
    """`length` random symbols out of an `alphabet`, one a step; `delay` blank steps; as many steps as there were
    symbols, the first with the cue, in which the symbols are wanted in their order.

    Inputs are the symbols, one-hot, and the cue; a blank is all zeros. A symbol is wanted length + delay steps after it
    was read, and no loss or error counts before that. Raises InvalidValue.
    """

    length: int = 1
    delay: int = 8
    alphabet: int = 4

    def __post_init__(self) -> None:
        whole(self.length, "the copy task's length", most=LONGEST)
        whole(self.delay, "the copy task's delay", least=0, most=LONGEST)
        whole(self.alphabet, "the copy task's alphabet", least=2)

    @property
    def inputs(self) -> int:
        return self.alphabet + 1

    @property
    def outputs(self) -> int:
        return self.alphabet

    @property
    def steps(self) -> int:
        """Of a whole sequence."""
        return 2 * self.length + self.delay

    @property
    def wanted(self) -> range:
        """The steps of recall."""
        return range(self.length + self.delay, self.steps)


class CopySequences:
    """Draws new sequences into the buffers of an unrolled net: others at each step of training, and for each seed."""

    def __init__(self, task: CopyTask, into: Unrolled) -> None:
        net, backend = into.net, into.net.backend
        if (net.inputs, net.outputs) != (task.inputs, task.outputs):
            raise InvalidValue(
                f"the copy task has {task.inputs} inputs and {task.outputs} outputs, the net {net.inputs} and"
                f" {net.outputs}; make it of (task.inputs, units, task.outputs)"
            )
        self.task, self.into = task, into
        self.uniform = backend.zeros((len(net.seeds), task.length, into.m), net.dtype)
        edges = np.linspace(-1, 1, task.alphabet + 1)[:, None]
        self.low, self.high = (backend.to_device(e, net.dtype) for e in (edges[:-1], edges[1:]))
        into.x[task.wanted[0]][:, task.alphabet :].fill(1)

    def draw(self, step: Array) -> None:
        """Symbol k is where a uniform number lies in the k-th of equal parts of [-1, 1); step is a counter, (1,)."""
        net, xp = self.into.net, self.into.net.backend.xp
        net.backend.random("uniform", self.uniform, net.seeds, Purpose.RULE, step=step)
        for t, recalled in enumerate(self.task.wanted):
            u, x, y = self.uniform[:, t : t + 1], self.into.x[t][:, : self.task.alphabet], self.into.y[recalled]
            xp.greater_equal(u, self.low, out=x)
            xp.greater_equal(u, self.high, out=y)
            xp.subtract(x, y, out=x)
            y[...] = x
