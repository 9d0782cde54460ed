"""A net with its rule: what predicts, is judged, and is trained."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..basics.arrays import T
from ..data.samples.about import CLASSIFICATION, REGRESSION, About
from ..data.samples.data import has_labels
from ..data.samples.places import counted, without_gaps
from ..functions.losses import Loss
from ..parallel.ranks import ALONE, Ranks, Share
from .batch.passes import Pass
from .learning.rule import Rule
from .scaled import CHUNK, Scaled
from .shape.layout import Layout

ALL = slice(None)
WIDE = 32 << 20  # bytes that their layers may put out
TOGETHER = 16  # samples that machine code takes at a time


class Learner(Scaled):
    """A net with its rule; `about` says what its data were."""

    rule: Rule
    about: About | None = None
    from_zero: bool = False  # whether all weights started from zero
    ranks: Ranks = ALONE  # those that hold its blocks between them

    def __init__(self, rule: Rule, sizes: Layout, loss: Loss, seeds: Sequence[int], dtype: str) -> None:
        super().__init__(sizes, loss, seeds, dtype)
        self.rule, self.as_said, self.traces = rule, rule.as_said, rule.traces and bool(sizes.recurrent)
        self.every_step = rule.every_step
        self.scaling = None
        self._passes: dict[int, Pass] = {}

    @property
    def supposed(self) -> About:
        """What its data were; where nothing says so, classes where its outputs are shares of one, and else amounts."""
        return self.about or About(CLASSIFICATION if self.output_loss.normalised else REGRESSION)

    @property
    def window(self) -> int:
        """How many steps in time a step of training takes at once; 0 for all."""
        return self.rule.window if self.sizes.recurrent else 0

    def pass_for(self, m: int, share: Share | None = None) -> Pass:
        """A pass for m samples without dropout and weights, which may be a share of a batch; the last few sizes are
        kept."""
        if m not in self._passes:
            while len(self._passes) >= 3:
                self._passes.pop(next(iter(self._passes)))
            self._passes[m] = self.new_pass(m)
        found = self._passes[m]
        found.weight, found.share = None, share or Share(0, m, m)
        found.counts = found.share.whole
        return found

    def new_pass(self, m: int, *how: Any) -> Pass:
        """A Pass for m samples, with whatever else goes with it."""
        return Pass(self, m, *how)

    @property
    def chunk(self) -> int:
        """How many samples are predicted, evaluated and measured at a time: CHUNK, or of a wide net so many that what
        its layers put out for them stays below WIDE bytes; of a graph all nodes."""
        if self.graph is not None:
            return self.graph.nodes
        each = len(self.seeds) * self.sizes.whole.made * np.dtype(self.dtype).itemsize
        return min(CHUNK, max(WIDE // each // TOGETHER, 1) * TOGETHER)

    def chunks(self, samples: int, part: slice = ALL) -> Iterator[tuple[int, Pass]]:
        """(first sample, a pass for the samples from there on), `chunk` at a time; the last pass may be smaller. Of a
        part of all samples each has its place among the `chunk` that it is of, so that it is judged as beside all."""
        first, last, _ = part.indices(samples)
        for start in range(first // self.chunk * self.chunk, last if first < last else 0, self.chunk):
            whole = min(self.chunk, samples - start)
            begin, end = max(first - start, 0), min(last - start, whole)
            yield start + begin, self.pass_for(end - begin, Share(begin, end - begin, whole))

    def judged(self, x: Any, y: Any, weight: Any = None) -> Pass:
        """The pass of these samples, on the device, with their error; under weights, (R, m), where there are some."""
        p = self.pass_for(len(x))
        self.teach(p, y, weight)
        if self.sizes.places > 1:
            p.terms = float(p.weight[0].sum(dtype="float64")) / p.m
        self.rule.forward(p, x)
        p.error()
        return p

    def teach(self, p: Pass, y: Any, weight: Any = None) -> None:
        """Give a pass its targets, which are on the device, and weights of its samples, (R, m), where there are some;
        places and nodes without a target have the weight 0."""
        places, p.weight = self.sizes.places, weight
        if places > 1:
            own = p.array("weight of places", places, p.m)
            own[...] = T(counted(y, places))
            if weight is not None:
                own *= weight[:, None]
            p.weight, y = own.reshape(len(own), -1), without_gaps(self.backend.xp, y)
        elif self.graph is not None:
            p.weight, p.counts = self.counted(y)
        self.backend.targets(y, out=p.expect(has_labels(y)), places=places)
