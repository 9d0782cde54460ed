"""The training loop: batches, steps, evaluation, probes of alignment, stop rules."""

import time
from itertools import chain
from typing import Any

import numpy as np

from ..backends import on_device
from ..basics.errors import warn
from ..data.samples.data import has_labels
from ..data.text.texts import vocabulary_size
from ..measure.alignment import measure
from ..measure.causality import check_causal
from ..measure.health import complaints
from ..net.probation import Unseen, try_out
from .course.scoring import scored
from .course.stopping import Status
from .settings.idle import idle
from .stepper import Stepper
from .steps.together import beside, check_at_one, side_by_side

CHECK_EVERY = 100  # steps between two looks for a loss that is no longer finite


class Trainer(Stepper):
    """One run in memory: `net`, `history`, `progress`, `step`, which takes no arguments, `taken`, what was taken of
    the data in a line, `told`, what else is to be known before it begins, and `kept`, the weights of the best epochs
    where they are what the run is for.

    `data` has host arrays as gpufa.load_data gives them. `scaling` and `target_scaling` are those of the weights
    with which it starts, and `filling` that of a run that goes on, where they have one; `place` stands in for the
    config's backend. Raises InvalidValue where config, data, rule and scalings don't fit together.

    Of `ranks` that train together, which call all of it in the same order, each holds what is its own.
    """

    @property
    def total_steps(self) -> int:
        return self.epochs * self.batches.per_epoch

    @property
    def stopping(self) -> bool:
        """Whether a stop is requested; for all processes at once, which ask together."""
        self.stop_requested = self.ranks.everybody.any(self.stop_requested)
        return self.stop_requested

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to train."""
        return self.progress.epoch >= self.epochs or not self.trains

    @on_device
    def run(self) -> None:
        """Train until the epochs are over, every replica has stopped, or `stop_requested` is set."""
        if self.progress.step == 0:
            self._prepare()
        self._tell("on_start")
        self.hear()
        try:
            with np.errstate(all="ignore"):  # divergence is looked for, and told in words
                while not (self.finished or self.stopping):
                    self._epoch()
                self._stop_diverged(weights=True)
            self._tell("on_stop")
        except BaseException:
            self._tell("on_failure")
            raise
        finally:
            self._tell("on_end")
        remedies = " and ".join(fault.remedy for fault in self.faults if fault.remedy)
        remedy = f"add {remedies}" if remedies else ""
        own = complaints(self.rule, self.history, self.net, remedy, self.chance, self.config.freeze)
        for sentence in dict.fromkeys(chain.from_iterable(self.ranks.everybody.gather(own))):
            warn(sentence)

    def _prepare(self) -> None:
        """What a run begins with, and a resumed one has behind it."""
        for fault in self.faults:
            if fault.what:
                warn(str(fault))
        for sentence in idle(self.config, self.net):
            warn(sentence)
        if self.net.about and self.net.about.tokens:
            check_causal(self.net, vocabulary_size(self.net.about))
        if self.ranks.layers.size == 1:
            few = slice(self.net.chunk)
            try_out(self.net, self.probe[0][few], self.probe[1][few], weighed=self.batches.all.weights is not None)
        x = self.net.as_floats(self.train[0]) if "samples" in self.rule.needs else Unseen(self.rule.name)
        self.rule.prepare(self.net, x, self.batches.taught)

    def _epoch(self) -> None:
        progress, started = self.progress, time.perf_counter()
        self.begin_epoch()
        while progress.batch < self.batches.per_epoch:
            if self.stopping or not self.trains:
                self._look()
                return
            self.step()
            if progress.step % CHECK_EVERY == 0:
                self._stop_diverged()
            if self.config.probe_every and progress.step % self.config.probe_every == 0:
                self._probe()
            self._tell("on_step")
        self._stop_diverged(weights=True)
        check_at_one(self.net, progress.active, self.ranks.data)
        self._finish_epoch(started)

    @on_device  # callbacks may have left another device or stream current
    def _finish_epoch(self, started: float) -> None:
        progress = self.progress
        self.rule.after_epoch(self.net.pass_for(min(len(self.probe[0]), self.net.chunk)), progress.active)
        if not self.config.probe_every:
            self._probe()
        row: dict[str, Any] = {"epoch": progress.epoch + 1, "step": progress.step, "loss": progress.loss}
        if has_labels(self.train[1]):
            row["running_error"] = progress.running_error
        parts = {"validation": self.held, "test": self.test}
        found, judged = scored(self.net, parts, progress.active, self.ranks.data)
        row |= found
        validation = judged if self.config.patience or self.kept else np.full_like(judged, np.nan)
        if self.calibration.every:
            row["backprop_steps"] = self.calibration.steps(progress.epoch + 1) - self.calibration.steps(progress.epoch)
        better = progress.finish_epoch(validation, self.config.patience, self.config.stop_train_error)
        if self.kept:
            self.kept.take(better, progress.epoch)
        row["seconds"] = time.perf_counter() - started
        self.history.epochs.append(beside(row, self.ranks.seeds))
        progress.start_epoch()
        self._seen = 0
        self._tell("on_epoch")
        self.hear()

    @on_device
    def _probe(self) -> None:
        """Measure the alignment angles on the fixed probe batch."""
        self.settle()
        angles = side_by_side(measure(self.net, *self.probe), self.ranks.layers)
        stopped = ~self.progress.active
        for values in angles.values():
            values[stopped] = np.nan
        self.history.probes.append(beside({"step": self.progress.step, **angles}, self.ranks.seeds))

    @on_device
    def _stop_diverged(self, weights: bool = False) -> None:
        """Stop replicas whose loss, or weights, are no longer finite."""
        self._look()
        bad = ~np.isfinite(self.progress.loss_sum)
        if weights:
            bad |= ~self.backend.to_host(self.net.finite())
        bad = (self.ranks.layers.total(bad.astype(np.int64)) > 0) & self.progress.active
        if self.ranks.seeds.any(bool(bad.any())):
            self.progress.status[bad] = Status.DIVERGED
            self._activate()
            self._tell("on_diverged", np.flatnonzero(bad))
            self.hear()

    def _tell(self, event: str, *arguments: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, event)(self, *arguments)
