"""Work space of a pass: what a rule writes into beside the activity and the deltas, there from its first use on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar

from numpy.typing import NDArray

from ...backends import Backend
from ...basics.random import Purpose
from ...layers.protocol.terms import All
from ...parallel.ranks import Share
from ..shape.layout import Layout
from ..state.arena import Array, Layers
from ..state.clock import Clock

Kept = TypeVar("Kept")
NOTHING: Mapping[str, Mapping[int, Array]] = MappingProxyType({})


class Workspace:
    """Arrays under names, for m samples; the same ones at every step. Of samples that are taken a window of time after
    the other it `begins` with the first of these, or goes on from the states behind the one before, and `ends` with the
    last."""

    def __init__(
        self,
        backend: Backend,
        sizes: Layout,
        seeds: Sequence[int],
        m: int,
        dtypes: tuple[str, str],
        clock: Clock | None,
        share: Share | None = None,
    ) -> None:
        self.backend, self.sizes, self.seeds, self.m, self.clock = backend, sizes, seeds, m, clock
        self.share = share or Share(0, m, m)
        self.all: All | None = None
        self.dtype, self.slab_dtype = dtypes
        self.truncate = self.window = 0
        self.arriving = NOTHING
        self.begins = self.ends = self.costs = True
        self.terms = float(sizes.whole.places)
        self._own: dict[str, Any] = {}

    @contextmanager
    def within(self, truncate: int, window: int = 0) -> Iterator[None]:
        """Errors that are sent inside stay within windows of so many steps in time, and go back through so many steps
        of one at most; 0 for no such end."""
        self.truncate, self.window = truncate, window
        try:
            yield
        finally:
            self.truncate = self.window = 0

    def cut(self, t: int) -> bool:
        """Whether no error goes back from step t to the one before it."""
        within = t % self.window if self.window else t
        return t > 0 and (within == 0 or (self.truncate > 0 and within % self.truncate == 0))

    @contextmanager
    def beyond(self, arriving: Mapping[str, Mapping[int, Array]]) -> Iterator[None]:
        """What arrives inside at the states of recurrent layers, by the paths of their places, and by step in front of
        which it does: (R, states * n, m), h first."""
        self.arriving = arriving
        try:
            yield
        finally:
            self.arriving = NOTHING

    @contextmanager
    def free_of_costs(self) -> Iterator[None]:
        """What layers cost by themselves does not count inside."""
        self.costs = False
        try:
            yield
        finally:
            self.costs = True

    @property
    def training(self) -> bool:
        """Whether this is a step of training; elsewhere a rule must leave its state alone."""
        return self.clock is not None

    @property
    def step(self) -> Array:
        """The step's counter on the device, (1,), counted from 0; None outside training."""
        return self.clock.step if self.clock else None

    def random(
        self,
        law: str,
        out: Array,
        stream: int,
        scale: float = 1.0,
        add: bool = False,
        by_sample: bool = False,
        purpose: Purpose = Purpose.RULE,
    ) -> None:
        """out = scale * law, or added to it; other numbers at each step, and for each seed and stream. Where there are
        some for each sample, (R, ., m), `by_sample` says so: of a batch that is shared each process has its own."""

        draw = partial(self.backend.random, law, seeds=self.seeds, purpose=purpose, step=self.step, stream=stream)
        if self.share.all_of_it or not by_sample:
            draw(out=out, scale=scale, add=add)
            return
        whole = self._of_whole_batch(out)
        draw(out=whole, scale=scale)
        if add:
            whole[..., self.share.part] += out
        out[...] = whole[..., self.share.part]

    def dropout(self, out: Array, drop: float, stream: int, axis: int = -1, rows: Share | None = None) -> None:
        """out = 0 with probability `drop`, else 1 / (1 - drop), for each sample along that axis; `rows` says which of
        how many the first after the replicas are, where others have the rest."""
        if self.share.all_of_it and (rows is None or rows.all_of_it):
            self.backend.dropout(out, drop, self.seeds, self.step, stream=stream)
            return
        whole = self._of_whole_batch(out, axis, rows)
        self.backend.dropout(whole, drop, self.seeds, self.step, stream=stream)
        own = whole if rows is None else whole[:, rows.part]
        out[...] = own[..., self.share.part] if axis == -1 else own[..., self.share.part, :]

    def _of_whole_batch(self, a: Array, axis: int = -1, rows: Share | None = None) -> Array:
        """Work space like a, with all samples of the batch along that axis, and all rows."""
        shape = list(a.shape)
        shape[axis] = self.share.whole
        if rows is not None:
            shape[1] = rows.whole
        return self.backend.scratch("whole batch", tuple(shape), a.dtype)

    def layers(self, name: str) -> Layers:
        """A second set of activities of the rule's own, shaped as h, kept under its name."""
        if name not in self._own:
            self._own[name] = self.new_layers()
        return self._own[name]

    def array(self, name: str, *shape: int) -> Array:
        """Work space of the rule's own, (R, *shape), kept under its name."""
        if name not in self._own:
            self._own[name] = self.backend.zeros((len(self.seeds), *shape), self.dtype)
        return self._own[name]

    def kept(self, name: str, make: Callable[[], Kept]) -> Kept:
        """What `make` gives at first use, kept under its name."""
        if name not in self._own:
            self._own[name] = make()
        return self._own[name]

    def constant(self, name: str, make: Callable[[], NDArray]) -> Array:
        """What `make` gives on the host, the same for all replicas: brought over at first use, kept under its name."""
        return self.kept(name, lambda: self.backend.to_device(make(), self.dtype))

    def new_layers(self) -> Layers:
        """Zeros shaped as the activity of all layers but the input."""
        slab = self.backend.zeros((len(self.seeds), self.sizes.total, self.m), self.slab_dtype)
        return Layers.of_slab(slab, self.sizes)
