"""gpufa among several processes."""

import contextlib

import numpy as np

import gpufa
from gpufa.parallel.launch import ranks_of
from gpufa.training.trainer import Trainer

from .works import Way


class Ours:
    """Steps of a Trainer on data of a step's size times BATCHES, in memory."""

    BATCHES = 40

    def __init__(self, way: Way, hidden: tuple[int, ...], batch: int, x: np.ndarray, y: np.ndarray) -> None:
        config = gpufa.Config(
            rule=way.rule, hidden=hidden, batch_size=batch, optimizer="sgd", lr=1e-3, seeds=(0,), backend="numpy",
            activation="tanh", overlap=way.overlap, epochs=10**6,
        )  # fmt: skip
        self.open = contextlib.ExitStack()
        ranks = self.open.enter_context(ranks_of(way.parallel))
        data = gpufa.data.samples.data.Data(x, y, x[:1], y[:1])
        self.trainer = Trainer(config, data, ranks=ranks)
        self.trainer.begin_epoch()

    def step(self) -> None:
        trainer = self.trainer
        trainer.step()
        if trainer.progress.batch == trainer.batches.per_epoch:
            trainer.settle()
            trainer.progress.epoch += 1
            trainer.progress.start_epoch()
            trainer.begin_epoch()

    def synchronize(self) -> None:
        self.trainer.settle()
