"""One training step: everything it reads and writes is a buffer that is there before it begins."""

from typing import TYPE_CHECKING

from ..net.masks import Drops
from ..net.passes import Pass
from ..rules.baselines.bp import BP

if TYPE_CHECKING:
    from .trainer import Trainer


class Step:
    """The buffers of one training step with m samples, and the step itself: `run`, recorded where the device can."""

    def __init__(self, trainer: "Trainer", m: int) -> None:
        net, config = trainer.net, trainer.config
        self.trainer, self.m, backend, replicas = trainer, m, net.backend, len(net.seeds)
        self.total = 2 * m if config.adversarial and config.adversarial_mix == "beside" else m
        self.p = Pass(
            net, self.total, Drops(config.input_dropout, config.dropout, config.depth_drop), clock=trainer.clock
        )
        self.x = backend.zeros((replicas, self.total, net.sizes.inputs), self.p.slab_dtype)
        self.clean = Pass(net, m, clock=trainer.clock) if config.adversarial else None
        self.run = backend.capture(self._run)

    def _run(self) -> None:
        trainer, p = self.trainer, self.p
        trainer.batches.load(trainer.clock, self.x[:, : self.m], p.y[..., : self.m])
        if self.clean:
            self._perturb(self.clean, trainer.config.adversarial)
        p.evaluate(self.x, trainer.sums)
        trainer.update.apply(p, trainer.clock.now)
        trainer.rule.after_update(p)

    def _perturb(self, clean: Pass, size: float) -> None:
        """x + size * sign(dL/dx) in place of the samples or behind them; dL/dx by true backprop, without dropout."""
        x, perturbed = self.x[:, : self.m], self.x[:, self.total - self.m :]
        clean.y[...] = self.p.y[..., : self.m]
        if self.total > self.m:
            self.p.y[..., self.m :] = clean.y
        clean.forward(x)
        clean.error()
        BP().deltas(clean, clean.e)
        slope = clean.backend.scratch(x.shape, clean.dtype, slot=4)
        clean.input_gradient(out=slope)
        clean.backend.perturb(x, slope, size, out=perturbed)
