"""gpufa's own training step, as gpufa train does it."""

import numpy as np

from gpufa import Config, Data
from gpufa.data.samples.about import CLASSIFICATION, About
from gpufa.training.trainer import Trainer

from ..start import Start
from ..works import Work


class Ours:
    def __init__(self, work: Work, start: Start, rule: str, device: str) -> None:
        what = {"layers": work.layers[:-1]} if work.layers else {"hidden": work.sizes[1:-1]}
        config = Config(
            rule=rule,
            **what,
            optimizer=work.optimizer,
            lr=start.lr,
            batch_size=work.batch,
            seeds=tuple(range(work.replicas)),
            init="uniform" if rule in ("dfa", "fa", "bp") else None,
            epochs=10**6,
            backend="cupy" if device == "gpu" else "numpy",
            precision=work.precision,
            dtype=work.dtype,
        )
        data = Data(start.x, start.y, start.x[:1], start.y[:1])
        if work.kind == "tokens":  # each has a target
            data = data.told(About(CLASSIFICATION, places=start.y.shape[1]))
        self.start, self.trainer = start, Trainer(config, data)
        net = self.trainer.net
        for name, value in start.parameters.items():
            net.arena[name][...] = net.backend.to_device(value)
        for name, value in start.carriers.get(rule, {}).items():
            net.fixed[name][...] = net.backend.to_device(value)
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
        return [net.backend.to_host(w)[0] for name, w in net.arena.items() if name[0] == "W"]


def make(work: Work, start: Start, rule: str, variant: str, device: str) -> Ours:
    return Ours(work, start, rule, device)
