"""A whole epoch (order of samples, batches, alignment probe, history) against its steps alone."""

import statistics
import time
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from gpufa import Config, Data
from gpufa.training.trainer import Trainer

INPUTS, OUTPUTS, TRAIN, TEST = 784, 10, 60_000, 100  # MNIST's, but for the test part: evaluation is work of its own
HIDDEN, BATCH = (800, 800), 64


def run(threads: int, epochs: int, backend: str = "numpy", quick: bool = False) -> dict[str, Any]:
    """Seconds of an epoch and of its steps, medians over the epochs, which take turns; of a small one if `quick`."""
    hidden, train = ((20, 20), 640) if quick else (HIDDEN, TRAIN)
    rng = np.random.default_rng(0)
    x, y = rng.random((train + TEST, INPUTS), np.float32), rng.integers(0, OUTPUTS, train + TEST)
    config = Config(
        rule="dfa", hidden=hidden, optimizer="sgd", lr=0.01, batch_size=BATCH, seeds=(0,), epochs=10**6, backend=backend
    )
    trainer = Trainer(config, Data(x[:train], y[:train], x[train:], y[train:]))
    times: dict[str, list[float]] = {"epoch": [], "steps": []}
    with threadpool_limits(threads), trainer.backend.working():
        for _ in range(epochs + 1):
            start = time.perf_counter()
            trainer._epoch()
            trainer.backend.synchronize()
            times["epoch"].append(time.perf_counter() - start)
            trainer.begin_epoch()
            start = time.perf_counter()
            for _ in range(trainer.batches.per_epoch):
                trainer.step()
            trainer.backend.synchronize()
            times["steps"].append(time.perf_counter() - start)
            trainer.progress.batch = 0
    medians = {name: statistics.median(seconds[1:]) for name, seconds in times.items()}
    return {"steps": trainer.batches.per_epoch, "epoch_s": medians["epoch"], "steps_s": medians["steps"]}
