"""The training loop: batches, steps, evaluation, probes of alignment, stop rules."""

import dataclasses
import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..backends import on_device
from ..basics.errors import warn
from ..data.missing import Filling
from ..data.samples import Data, has_labels, subset
from ..data.scaling import Scaling
from ..data.weights import class_weights
from ..measure import scores
from ..measure.alignment import measure
from ..measure.health import complaints, guessing
from ..measure.history import History
from ..net.clock import Clock
from ..net.probation import Unseen, try_out
from ..rules import Rule, make_rule
from .calibration import Calibration
from .callbacks import Callback, callbacks_of
from .config import Config
from .keeping import Kept
from .limits import check_run
from .nets import begin
from .progress import Progress
from .rates import Rates
from .sets import sets_of
from .step import Step
from .stopping import Status
from .update import Update

CHECK_EVERY = 100  # steps between two looks for a loss that is no longer finite


class Trainer:
    """One run in memory: `net`, `history`, `progress`, `step`, which takes no arguments, `taken`, what was taken of
    the data in a line, `told`, what else is to be known before it begins, and `kept`, the weights of the best epochs
    where they are what the run is for.

    `data` has host arrays as gpufa.load_data gives them. `scaling` and `target_scaling` are those of the weights
    with which it starts, and `filling` that of a run that goes on, where they have one. Raises InvalidValue where
    config, data, rule and scalings don't fit together.
    """

    def __init__(
        self,
        config: Config,
        data: Data,
        rule: Rule | type[Rule] | None = None,
        callbacks: Iterable[Callback | Callable[["Trainer"], Any]] = (),
        scaling: Scaling | None = None,
        target_scaling: Scaling | None = None,
        filling: Filling | None = None,
    ):
        made, config = make_rule(config.rule if rule is None else rule, config.rule_options), config.with_files()
        if config.loss is None and not has_labels(data.y_train):
            config = dataclasses.replace(config, loss="squared_error")
        config = dataclasses.replace(config, class_weights=class_weights(config.class_weights))
        self.config = config = config.resolved(made)
        self.rule, self.callbacks, self.stop_requested = made, callbacks_of(callbacks), False
        if config.samples is not None:
            data = subset(data, config.samples)
        begun = begin(config, data, made, scaling, target_scaling, filling)
        self.net, self.backend, self.taken, self.faults = begun.net, begun.net.backend, begun.taken, begun.faults
        self.epochs = config.epochs or 0
        self.update, self.calibration = Update(self.net, config), Calibration(config.calibrate, self.net)
        self.progress, self.history = Progress(len(config.seeds)), History(config.seeds)
        self.kept = Kept(self.net) if config.keep == "best" else None
        self.sums = self.backend.zeros((2, len(config.seeds)), "float64")
        self._places = begun.places
        self._take(data)
        self.told = [*self.net.entries, *self.calibration.in_words(self.epochs, self.batches.per_epoch)]
        self._recorded = self.progress.active

    def feed(self, data: Data) -> None:
        """Have it go on for an epoch more, on other samples of what it was made for; no scaling is fitted anew. Raises
        InvalidValue where these have weights, and the rule can't weigh."""
        check_run(self.config, self.net, data.y_train, data.weights is not None)
        self.progress.start_epoch()
        self.epochs = self.progress.epoch + 1
        self._take(data)

    def _take(self, data: Data) -> None:
        """Bring the samples to the device, and what hangs on their number."""
        config = self.config
        self.train, self.held, self.test, self.probe, self.batches = sets_of(data, self.net, config, self._places)
        for batch in (0, self.batches.per_epoch - 1):
            self.net.sizes.check_batch(self.batches.samples(batch))
        self.clock = Clock(self.backend, self.batches.per_epoch, len(self.update.numbers(1.0, 0, 1)), config.dtype)
        self.rates = Rates(config, self.batches, self.update, self.clock, self.progress, self.epochs)
        self._steps: dict[int, Step] = {}

    @property
    def total_steps(self) -> int:
        return self.epochs * self.batches.per_epoch

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to train."""
        return self.progress.epoch >= self.epochs or not self.progress.active.any()

    @on_device
    def run(self) -> None:
        """Train until the epochs are over, every replica has stopped, or `stop_requested` is set."""
        if self.progress.step == 0:
            self._prepare()
        self._tell("on_start")
        try:
            with np.errstate(all="ignore"):  # divergence is looked for, and told in words
                while not (self.finished or self.stop_requested):
                    self._epoch()
                self._stop_diverged(weights=True)
            self._tell("on_stop")
        except BaseException:
            self._tell("on_failure")
            raise
        finally:
            self._tell("on_end")
        remedies = " and ".join(fault.remedy for fault in self.faults if fault.what)
        remedy = f"add {remedies}" if remedies else ""
        chance = guessing(self.backend.to_host(self.train[1]))
        for sentence in complaints(self.rule, self.history, self.net, remedy, chance, self.config.freeze):
            warn(sentence)

    def _prepare(self) -> None:
        """What a run begins with, and a resumed one has behind it."""
        for fault in self.faults:
            if fault.what:
                warn(str(fault))
        try_out(self.net, *self.probe, weighed=self.batches.all.weights is not None)
        x = self.net.as_floats(self.train[0]) if "samples" in self.rule.needs else Unseen(self.rule.name)
        self.rule.prepare(self.net, x, self.batches.y)

    def step(self) -> None:
        """One update of every active replica, from the batch that is next."""
        progress = self.progress
        m = self.batches.samples(progress.batch)
        with self.backend.working():
            if m not in self._steps:
                self._steps[m] = Step(self.net, self.config, self.batches, self.clock, self.update, self.sums, m)
            step = self._steps[m]
            (step.run_true if self.calibration.due(progress) else step.run)()
        progress.step += 1
        progress.batch += 1
        progress.seen += self._steps[m].total

    def look(self) -> None:
        """Bring the epoch's losses and misses so far from the device into `progress`."""
        self.progress.loss_sum[:], self.progress.misses[:] = self.backend.to_host(self.sums)

    @on_device
    def begin_epoch(self) -> None:
        """Draw the epoch's order of samples and write down its learning rates; go on at `progress.batch`."""
        progress = self.progress
        if progress.batch == 0:
            progress.start_epoch()
        self.batches.start_epoch(progress.epoch)
        self.rates.write()
        self.sums[...] = self.backend.to_device(np.stack([progress.loss_sum, progress.misses]))
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
            self._recorded = self.progress.active

    def _epoch(self) -> None:
        progress, started = self.progress, time.perf_counter()
        self.begin_epoch()
        while progress.batch < self.batches.per_epoch:
            if self.stop_requested or not progress.active.any():
                self.look()
                return
            self.step()
            if progress.step % CHECK_EVERY == 0:
                self._stop_diverged()
            if self.config.probe_every and progress.step % self.config.probe_every == 0:
                self._probe()
            self._tell("on_step")
        self._stop_diverged(weights=True)
        self._finish_epoch(started)

    @on_device  # callbacks may have left another device or stream current
    def _finish_epoch(self, started: float) -> None:
        progress = self.progress
        self.rule.after_epoch(self.net.pass_for(len(self.probe[0])), progress.active)
        if not self.config.probe_every:
            self._probe()
        row: dict[str, Any] = {"epoch": progress.epoch + 1, "step": progress.step, "loss": progress.loss}
        active, validation = progress.active, np.full(len(self.config.seeds), np.nan)
        if has_labels(self.train[1]):
            row["running_error"] = progress.running_error
        for name, (x, y) in {"validation": self.held, "test": self.test}.items():
            if len(x):
                score = scores.evaluate(self.net, x, y)
                row |= {f"{name}_{k}": v for k, v in scores.only(score, active).items()}
                if name == "validation" and (self.config.patience or self.kept):
                    validation = scores.judge(score)
        if self.calibration.every:
            row["backprop_steps"] = self.calibration.steps(progress.epoch + 1) - self.calibration.steps(progress.epoch)
        better = progress.finish_epoch(validation, self.config.patience, self.config.stop_train_error)
        if self.kept:
            self.kept.take(better, progress.epoch)
        row["seconds"] = time.perf_counter() - started
        self.history.epochs.append(row)
        progress.start_epoch()
        self._tell("on_epoch")

    @on_device
    def _probe(self) -> None:
        """Measure the alignment angles on the fixed probe batch."""
        angles = measure(self.net.judged(*self.probe), self.rule)
        stopped = ~self.progress.active
        for values in angles.values():
            values[stopped] = np.nan
        self.history.probes.append({"step": self.progress.step, **angles})

    @on_device
    def _stop_diverged(self, weights: bool = False) -> None:
        """Stop replicas whose loss, or weights, are no longer finite."""
        self.look()
        bad = ~np.isfinite(self.progress.loss_sum)
        if weights:
            bad |= ~self.backend.to_host(self.backend.xp.isfinite(self.net.arena.flat).all(axis=1))
        bad &= self.progress.active
        if bad.any():
            self.progress.status[bad] = Status.DIVERGED
            self._activate()
            self._tell("on_diverged", np.flatnonzero(bad))

    def _tell(self, event: str, *arguments: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, event)(self, *arguments)
