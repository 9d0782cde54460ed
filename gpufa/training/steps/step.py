"""One training step: everything it reads and writes is a buffer that is there before it begins."""

from collections.abc import Callable
from typing import Any

from ...basics.arrays import Array
from ...data.samples.data import has_labels
from ...net.batch.masks import Drops
from ...net.batch.passes import Pass
from ...net.learner import Learner
from ...net.state.clock import Clock
from ...parallel.ranks import ALONE, Job, Piece, Ranks, recorded
from ...rules.baselines.bp import BP
from ..sets.batches import Batches
from ..settings.config import Config
from .together import all_of
from .update import Update


class Step:
    """The buffers of one training step with m samples, and the step itself: `run`, recorded where the device can, and
    `run_true`, in which W and b get true backprop's gradients in place of the rule's own.

    `sums`, (2, R), collects losses and misses. Of a batch that processes share these are this one's part's, and the
    gradients all of it's; batch norm goes by what `norms` have of it.
    """

    def __init__(
        self,
        net: Learner,
        config: Config,
        batches: Batches,
        clock: Clock,
        update: Update,
        sums: Array,
        m: int,
        norms: Ranks = ALONE,
    ) -> None:
        self.net, self.rule = net, net.rule
        self.batches, self.clock, self.update, self.sums = batches, clock, update, sums
        self.share = share = update.ranks.share(m)
        self.m = m = share.own
        self.adversarial, backend = config.adversarial, net.backend
        self.total = 2 * m if config.adversarial and config.adversarial_mix == "beside" else m
        self.places = net.sizes.places
        self.seen = (self.total - m + share.whole) * self.places
        self.p = net.new_pass(self.total, drops_of(config, net), clock, share if self.total == m else None)
        self.taught = self.p.expect(has_labels(batches.y) and not config.adversarial)
        self.x = batches.room((len(net.seeds), self.total, net.sizes.inputs), self.p.slab_dtype)
        self.weight: Array = None
        if batches.all.weights is not None:
            self.weight = self.p.weight = backend.zeros((len(net.seeds), self.places * m), net.dtype)
            if self.total > m:
                self.p.weight = backend.zeros((len(net.seeds), self.places * self.total), net.dtype)
        if batches.mask is not None:
            self.p.weight, self.p.counts = batches.mask, batches.counted(0)
            self.seen = self.p.counts
        self.clean = Pass(net, m, clock=clock, share=share) if config.adversarial else None
        if found := all_of(share, norms, backend):
            self.p.all = found
            if self.clean:
                self.clean.all = found
        if self.clean and self.places > 1:
            self.clean.weight = self.weight
        capture: Callable[..., Job] = backend.capture if norms.records else as_it_is
        self.run, self.run_true = (
            recorded(capture, self._pieces(learn)) for learn in (Piece(self._collect), Piece(self._true, self.p.ranks))
        )

    def load(self) -> None:
        """Take what is next."""
        self.batches.load(self.clock, self.share, self.x[:, : self.m], self._own(self.taught), self.weight)

    def _own(self, taught: Array) -> Array:
        """Of targets, those of the batch itself."""
        return taught if self.p.labels is not None else taught[..., : self.m]

    def finish(self) -> None:
        """It has, whenever it has run."""

    def _pieces(self, learn: Piece) -> list[Piece]:
        """All of it, in which the gradients are made so."""
        update, p = self.update, self.p
        whole = Piece(self._take), *p.evaluation(self.rule, self.x, self.sums), Piece(self._remember), learn
        return [*whole, Piece(update.share, update.ranks), Piece(self._optimize, update.holders), Piece(self.after)]

    def _collect(self) -> None:
        self.update.collect(self.rule, self.p, self.clock.now)

    def _true(self) -> None:
        p, only_signals = self.p, self.rule.makes == {"signals"}
        if not only_signals:  # what it trains of its own, and its memory
            self.update.collect(self.rule, p, self.clock.now)
            p.forward(self.x)
            p.error()
        self.update.collect(BP(), p, self.clock.now, own=only_signals)

    def _take(self) -> None:
        self.load()
        if self.clean:
            self._perturb(self.clean, self.adversarial)

    def _remember(self) -> None:
        self.p.remember(self.update.running)

    def _optimize(self) -> None:
        self.update.optimize(self.clock.now)

    def after(self) -> None:
        """The rule's own step behind the update, in which replicas that have stopped keep all that they have."""
        live = self._owned() if self.update.stopped and self.rule.follows else []
        kept = [(array[r], self._copied(i, array[r])) for i, array in enumerate(live) for r in self.update.stopped]
        self.rule.after_update(self.p)
        for array, copy in kept:
            array[...] = copy

    def _owned(self) -> list[Array]:
        """What a rule may write behind an update: weights, feedback and what it remembers."""
        net = self.net
        return [net.arena.flat, *net.fixed.checkpointed.values(), *net.state.values()]

    def _copied(self, i: int, array: Array) -> Array:
        copy = self.p.backend.scratch(f"kept of stopped replicas {i}", array.shape, array.dtype)
        copy[...] = array
        return copy

    def _perturb(self, clean: Pass, size: float) -> None:
        """x + size * sign(dL/dx) in place of the samples or behind them; dL/dx by true backprop, without dropout."""
        x, perturbed = self.x[:, : self.m], self.x[:, self.total - self.m :]
        clean.y[...] = self.p.y[..., : self.m]
        if self.total > self.m:
            self.p.y[..., self.m :] = clean.y
            if self.weight is not None:
                own, both = (w.reshape(len(w), self.places, -1) for w in (self.weight, self.p.weight))
                both[..., : self.m] = both[..., self.m :] = own
        clean.forward(x)
        clean.error()
        BP().deltas(clean, clean.e)
        slope = clean.backend.scratch("dL/dx", x.shape, clean.dtype)
        clean.input_gradient(out=slope)
        clean.backend.perturb(x, slope, size, out=perturbed)


def as_it_is(job: Job, *_: Any) -> Job:
    """What can't be recorded."""
    return job


def drops_of(config: Config, net: Learner) -> Drops:
    """What a step drops, by the settings or by the layers themselves."""
    return Drops(config.input_dropout, config.dropout or net.sizes.dropout, config.depth_drop, inside=True)
