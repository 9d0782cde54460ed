"""A part of a net's blocks, as one of the processes has it that hold the net together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np

from ...basics.errors import InvalidValue
from ...layers.protocol.sequences import numbered
from ...layers.protocol.terms import Shape
from ...parallel.ranks import Ranks, Share
from .firsts import tied
from .layout import Layout


@dataclass(frozen=True, eq=False)
class Part(Layout):
    """The blocks `first` to `last` of a net, numbered as in all of it. `shapes` and `blocks` are those of all.

    What has rows in slabs is its hidden blocks and, wherever they are, the outputs: each process makes the error itself
    of what the last one hands to all.
    """

    first: int = 1
    last: int = 1

    @cached_property
    def whole(self) -> Layout:
        return Layout(self.shapes, self.blocks)

    @cached_property
    def every(self) -> tuple[int, ...]:
        return tuple(range(self.first, self.last + 1))

    @property
    def hidden(self) -> range:
        return range(self.first, min(self.last, self.L - 1) + 1)

    @cached_property
    def present(self) -> tuple[int, ...]:
        return (*self.hidden, self.L)

    def rows(self, k: int) -> slice:
        starts = [0, *accumulate(self.units[j] for j in self.present)]
        at = self.present.index(k)
        return slice(starts[at], starts[at + 1])

    @property
    def total(self) -> int:
        return sum(self.units[k] for k in self.present)

    @property
    def hidden_units(self) -> int:
        return sum(self.units[k] for k in self.hidden)

    @property
    def among_hidden(self) -> Share:
        return Share(sum(self.units[1 : self.first]), self.hidden_units, sum(self.units[1:-1]))

    @cached_property
    def all_matrices(self) -> list[str]:
        return self.whole.all_matrices

    @cached_property
    def carriers(self) -> dict[int, dict[str, tuple[str, Shape]]]:
        return self.whole.carriers

    @cached_property
    def layered(self) -> tuple[int, ...]:
        return tuple(k for k in self.whole.layered if k in self.every)

    @property
    def all_dense(self) -> bool:
        return self.whole.all_dense

    @property
    def by_sizes(self) -> bool:
        return self.whole.by_sizes


def part_of(layout: Layout, ranks: Ranks) -> Part:
    """This process's: consecutive blocks, such that whoever has the most to compute has as little as can be. Raises
    InvalidValue where there are not as many hidden blocks as processes, or a skip connection leads from one to the
    next."""
    if ranks.size > layout.L - 1:
        raise InvalidValue(
            f"{layout.L - 1} hidden blocks can't be held by {ranks.size} processes, of which each has one at least;"
            " start fewer, or give the net more blocks"
        )
    if layout.L in layout.layered:
        raise InvalidValue(
            f"the outputs, '{layout.blocks[-1]}', have an error at each place, which processes that hold the blocks"
            " between them can't share so far; leave --parallel layers out"
        )
    if layout.residual:
        raise InvalidValue(
            "skip connections between blocks can't lead from one process to another; say them within blocks, as in"
            " --layers 'residual(dense 64 tanh)', or leave --parallel layers out"
        )
    found = numbered(layout.shapes[0])
    if found and (found.pad is not None or tied(layout.blocks)):
        what = f"'{found.word}' says" if found.pad is not None else f"'{layout.blocks[0]}' asks"
        raise InvalidValue(
            f"what {what} of the net's first block, blocks that other processes hold have to know; leave"
            f" {'pad' if found.pad is not None else 'tied'} out, or --parallel layers"
        )
    ends = _ends([_work(layout, k) for k in layout.every], ranks.size)
    first = 1 if ranks.rank == 0 else ends[ranks.rank - 1] + 1
    return Part(layout.shapes, layout.blocks, first, ends[ranks.rank])


def _work(layout: Layout, k: int) -> float:
    """How many products of two numbers a sample takes on its way up through block k."""
    return sum(
        float(np.mean(layer.uses(shape))) * math.prod(one.shape)
        for layer, shape in layout.walk(k)
        for one in layer.parameters(shape).values()
        if len(one.shape) > 1
    )


def _ends(work: Sequence[float], parts: int) -> list[int]:
    """Where each part ends, counted from 1; the last has one block beside the outputs at least."""
    count, added = len(work), np.concatenate([[0.0], np.cumsum(work)])
    most = np.full((parts + 1, count + 1), np.inf)
    cut = np.zeros((parts + 1, count + 1), int)
    most[0, 0] = 0.0
    for part in range(1, parts + 1):
        for end in range(part, count + 1):
            if part == parts and end < count:
                continue
            for start in range(part - 1, end - (part == parts)):
                heaviest = max(most[part - 1, start], added[end] - added[start])
                if heaviest < most[part, end]:
                    most[part, end], cut[part, end] = heaviest, start
    ends = [count]
    for part in range(parts, 1, -1):
        ends.insert(0, int(cut[part, ends[0]]))
    return ends
