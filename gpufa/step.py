"""One training step: everything it reads or writes is a buffer that is allocated once."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from . import evaluation, schedules
from .passes import Pass
from .rules.bp import BP
from .samples import has_labels

if TYPE_CHECKING:
    from .trainer import Trainer


class Step:
    """The buffers of one training step with m samples, and the step itself."""

    def __init__(self, trainer: "Trainer", m: int) -> None:
        net, config = trainer.net, trainer.config
        self.trainer, self.m, backend, replicas = trainer, m, net.backend, len(net.seeds)
        self.total = 2 * m if config.adversarial and config.adversarial_mix == "beside" else m
        self.p = Pass(net, self.total, dropout=(config.input_dropout, config.dropout))
        self.x = backend.zeros((replicas, self.total, net.sizes.inputs), net.dtype)
        labels = has_labels(trainer.batches.y)
        shape = (replicas, self.total) if labels else (replicas, self.total, net.sizes.outputs)
        self.y = backend.zeros(shape, "int64" if labels else net.dtype)
        self.labels = labels
        self.clean = Pass(net, m) if config.adversarial else None
        self.run: Callable[[], None] = backend.capture(self._run)

    def _run(self) -> None:
        trainer, p, progress, config = self.trainer, self.p, self.trainer.progress, self.trainer.config
        trainer.batches.load(progress.batch, self.x[:, : self.m], self.y[:, : self.m], progress.step)
        if self.clean:
            self._perturb(self.clean, config.adversarial)
        p.forward(self.x, step=progress.step)
        evaluation.set_targets(p, self.y)
        backend = p.backend
        progress.loss_sum += backend.to_host(p.error().sum(axis=-1, dtype="float64"))
        if self.labels:
            progress.misses += backend.to_host(evaluation.wrong(p, self.y).sum(axis=-1))
        progress.seen += self.total
        trainer.rule.deltas(p, p.e)
        factor = schedules.factor(
            config.schedule,
            step=progress.step,
            steps_per_epoch=trainer.batches.per_epoch,
            total_steps=trainer.total_steps,
            every=config.schedule_every,
            gamma=config.schedule_gamma,
            warmup=config.warmup,
        )
        trainer.update.apply(p, self.total, factor, progress.step, progress.active)
        trainer.rule.after_update(p)

    def _perturb(self, clean: Pass, size: float) -> None:
        """x + size * sign(dL/dx) in place of the samples or behind them; dL/dx by true backprop, without dropout."""
        x, perturbed = self.x[:, : self.m], self.x[:, self.total - self.m :]
        self.y[:, self.total - self.m :] = self.y[:, : self.m]
        clean.forward(x)
        evaluation.set_targets(clean, self.y[:, : self.m])
        clean.error()
        BP().deltas(clean, clean.e)
        slope = clean.backend.scratch(x.shape, x.dtype, slot=4)
        clean.input_gradient(out=slope)
        xp = clean.xp
        xp.sign(slope, out=slope)
        xp.multiply(slope, size, out=slope)
        xp.add(x, slope, out=perturbed)
