"""A run in memory, a step at a time: its net, data and update, and how far it has come."""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..backends import Backend, on_device
from ..data.samples.data import Data, has_labels
from ..data.samples.scaling import Scaling
from ..data.samples.splits import subset
from ..data.samples.weights import class_weights
from ..data.tables.missing import Filling
from ..measure.history import History
from ..net.state.clock import Clock
from ..parallel.ranks import BY_ITSELF, Share, Together
from ..rules import Rule, make_rule
from .course.callbacks import Callback, callbacks_of
from .course.keeping import Kept
from .course.progress import Progress
from .nets import begin
from .sets.nodes import settled
from .sets.prepared import sets_of
from .sets.streaming import streaming
from .sets.turning import channels_first
from .settings.config import Config
from .settings.limits import check_run
from .steps.calibration import Calibration
from .steps.intime import StepInTime, check_windows
from .steps.overlapped import OverlappedStep
from .steps.rates import Rates
from .steps.step import Step
from .steps.together import check_held, check_shared, in_words, level, of_own_seeds
from .steps.update import Update


class Stepper:
    """What a Trainer goes round with; see there."""

    def __init__(
        self,
        config: Config,
        data: Data,
        rule: Rule | type[Rule] | None = None,
        callbacks: Iterable[Callback | Callable[[Any], Any]] = (),
        scaling: Scaling | None = None,
        target_scaling: Scaling | None = None,
        filling: Filling | None = None,
        ranks: Together = BY_ITSELF,
        place: Backend | None = None,
    ):
        made, config = make_rule(config.rule if rule is None else rule, config.rule_options), config.with_files()
        if config.loss is None and not has_labels(data.y_train):
            config = dataclasses.replace(config, loss="squared_error")
        config = settled(config, data, ranks)
        config = dataclasses.replace(config, class_weights=class_weights(config.class_weights))
        config = config.resolved(made)
        self.rule, self.callbacks, self.stop_requested = made, callbacks_of(callbacks), False
        self.before: list[dict[str, Any]] = []  # to which epochs a run was trained in other places, and in which
        if config.samples is not None:
            data = subset(data, config.samples)
        data = channels_first(config, data)
        self.config = config = streaming(config, data, made, ranks.everybody)
        self._own = own = of_own_seeds(config, ranks.seeds)
        begun = begin(own, data, made, scaling, target_scaling, filling, ranks, place)
        self.net, self.backend, self.taken, self.faults = begun.net, begun.net.backend, begun.taken, begun.faults
        self.epochs, self.ranks = config.epochs or 0, (ranks := begun.ranks)
        check_windows(self.net, ranks.everybody.size, config.adversarial)
        self.update, self.calibration = Update(self.net, config, ranks.data), Calibration(config.calibrate, self.net)
        self.progress, self.history = Progress(len(own.seeds)), History(config.seeds)
        self.kept = Kept(self.net) if config.keep == "best" else None
        self.sums = self.backend.zeros((2, len(own.seeds)), "float64")
        self._places, self._seen = begun.places, 0
        self._take(data)
        self.told = [*self.net.entries, *self.calibration.in_words(self.epochs, self.batches.per_epoch)]
        self.told += [*in_words(config, self.net, self.batches, ranks), *begun.exchanging]
        self._recorded, self._begun = self.progress.active, False
        self.others = False  # whether replicas of other processes are still trained, when they were last heard of

    @property
    def seeds(self) -> Share:
        """Which of the run's seeds this process has."""
        return self.ranks.seeds.share(len(self.config.seeds))

    def hear(self) -> None:
        """Let all processes know whether any of them still trains a replica."""
        seeds = self.ranks.seeds
        self.others = seeds.size > 1 and seeds.any(bool(self.progress.active.any()))

    @property
    def trains(self) -> bool:
        """Whether a replica is still trained, here or by another process."""
        return self.others or bool(self.progress.active.any())

    def feed(self, data: Data) -> None:
        """Have it go on for an epoch more, on other samples of what it was made for; no scaling is fitted anew. Raises
        InvalidValue where these have weights, and the rule can't weigh."""
        data = channels_first(self.config, data)
        check_run(self.config, self.net, data)
        self.progress.start_epoch()
        self.epochs = self.progress.epoch + 1
        self._take(data)

    def _take(self, data: Data) -> None:
        """Bring the samples to the device, and what hangs on their number."""
        config, ranks = self.config, self.ranks.data
        found = sets_of(data, self.net, self._own, self._places)
        self.train, self.held, self.test, self.probe, self.batches, self.chance = found
        check_shared(config, self.net, self.batches, ranks)
        check_held(config, self.ranks.layers)
        for batch in (0, self.batches.per_epoch - 1):
            m = self.batches.samples(batch)
            self.net.sizes.check_batch(m // ranks.size if self.ranks.norms.size == 1 else m)
        self.clock = Clock(self.backend, self.batches.longest, len(self.update.numbers(1.0, 0, 1)), config.dtype)
        self.rates = Rates(config, self.batches, self.update, self.clock, self.progress, self.epochs)
        self._steps: dict[int, Step | OverlappedStep] = {}
        self._going: Step | OverlappedStep | None = None

    def step(self) -> None:
        """One update of every active replica, from the batch that is next."""
        progress = self.progress
        m = self.batches.samples(progress.batch)
        with self.backend.working():
            if progress.batch == self.batches.window.stop:
                self.batches.turn()
                self.rates.write()
            step = self._steps.get(m) or self._steps.setdefault(m, self._new_step(m))
            if step is not self._going:
                self.settle()
                self._going = step
            (step.run_true if self.calibration.due(progress) else step.run)()
        progress.step += 1
        progress.batch += 1
        self._seen += step.seen

    def _new_step(self, m: int) -> Step | OverlappedStep:
        def new() -> Step:
            parts = self.net, self.config, self.batches, self.clock, self.update, self.sums
            return (StepInTime if self.net.window else Step)(*parts, m, self.ranks.norms)

        layers = self.ranks.layers
        overlapping = self.config.overlap and layers.size > 1
        return OverlappedStep([new() for _ in range(layers.size - layers.rank)]) if overlapping else new()

    def settle(self) -> None:
        """Let steps that overlap come to their end, and those of GPUs that wait for each other."""
        for step in self._steps.values():
            step.finish()
        for ranks in (self.ranks.data, self.ranks.layers):
            ranks.settle(self.backend)

    def look(self) -> None:
        """Bring the epoch's losses and misses so far from the device into `progress`. Where processes share each batch,
        all of them do so now and then together, and nothing is done here."""
        if self.ranks.everybody.size == 1:
            self._look()

    def _look(self) -> None:
        progress = self.progress
        if not self._begun:
            return
        self.settle()
        progress.loss_sum[:], progress.misses[:] = self.ranks.data.total(self.backend.to_host(self.sums))
        progress.seen = self._seen
        level(self.net, self.ranks.data)

    @on_device
    def begin_epoch(self) -> None:
        """Draw the epoch's order of samples and write down its learning rates; go on at `progress.batch`."""
        progress = self.progress
        if progress.batch == 0:
            progress.start_epoch()
        self._seen, self._begun = progress.seen, True
        self.batches.start_epoch(progress.epoch, progress.batch)
        self.rates.write()
        so_far = np.stack([progress.loss_sum, progress.misses]) * (self.ranks.data.rank == 0)
        self.sums[...] = self.backend.to_device(so_far)
        self._activate()

    @property
    def learning_rate(self) -> float:
        """The rate before the schedule; a callback may set another, which holds from the next step on."""
        return self.rates.base

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        with self.backend.working():
            self.rates.set(value)

    def _activate(self) -> None:
        """Steps that were recorded went on with the replicas of their time."""
        self.update.activate(self.progress.active)
        if not np.array_equal(self.progress.active, self._recorded):
            self._steps.clear()
            self._going = None
            self._recorded = self.progress.active
