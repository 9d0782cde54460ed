"""gpufa's own training step, as gpufa train does it."""

import numpy as np

from gpufa import Config, Data
from gpufa.training.trainer import Trainer

from ..works import Start, Work


class Ours:
    def __init__(self, work: Work, start: Start, rule: str, device: str) -> None:
        hidden, seeds = work.sizes[1:-1], tuple(range(work.replicas))
        config = Config(
            rule=rule,
            hidden=hidden,
            optimizer=work.optimizer,
            lr=start.lr,
            batch_size=work.batch,
            seeds=seeds,
            init="uniform" if rule in ("dfa", "fa", "bp") else None,
            epochs=10**6,
            backend="cupy" if device == "gpu" else "numpy",
            precision=work.precision,
        )
        self.start, self.trainer = start, Trainer(config, Data(start.x, start.y, start.x[:1], start.y[:1]))
        net = self.trainer.net
        for k, (w, b) in enumerate(zip(start.weights, start.biases, strict=True), start=1):
            net.arena.W[k][...] = net.backend.to_device(w)
            net.arena.b[k][...] = net.backend.to_device(b)
        for k, matrix in enumerate(start.feedback if rule == "dfa" else (), start=1):
            net.fixed.B[k][...] = net.backend.to_device(matrix)
        self._begin()

    def _begin(self) -> None:
        self.trainer.progress.batch = 0
        self.trainer.begin_epoch()
        self.trainer.batches.order[...] = self.trainer.net.backend.to_device(self.start.order)

    def step(self) -> None:
        if self.trainer.progress.batch == self.trainer.batches.per_epoch:
            self._begin()
        self.trainer.step()

    def synchronize(self) -> None:
        self.trainer.net.backend.synchronize()

    def weights(self) -> list[np.ndarray]:
        net = self.trainer.net
        return [net.backend.to_host(w)[0] for w in net.arena.W[1:]]


def make(work: Work, start: Start, rule: str, variant: str, device: str) -> Ours:
    return Ours(work, start, rule, device)
