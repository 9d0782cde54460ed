"""A step of an optimizer that takes the gradient in pieces, beside the same of all of it at once: in turns."""

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import gpufa
from gpufa.backends.cpu.backend import NumpyBackend
from gpufa.data.samples.data import Data
from gpufa.training.trainer import Trainer

NETS = (2000, 2000), (8000, 8000), (1500,) * 6
OPTIMIZERS = "momentum", "rmsprop", "adam"
WAYS = {"all at once": None, "4 MiB": 4 << 20, "16 MiB": 16 << 20, "64 MiB": 64 << 20}
INPUTS, CLASSES, BATCH, BATCHES = 784, 10, 64, 16


def run(threads: int, rounds: int, quick: bool, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """A row for each net and optimizer: milliseconds a step of each way, medians over rounds, and the median of what
    each round's are of the round's first."""
    draw, samples = np.random.default_rng(0), BATCH * BATCHES
    x, y = draw.random((samples, INPUTS), np.float32), np.arange(samples) % CLASSES
    rows = []
    for hidden in NETS[: 1 if quick else None]:
        for optimizer in OPTIMIZERS[: 1 if quick else None]:
            config = gpufa.Config(
                rule="dfa", hidden=hidden, optimizer=optimizer, lr=1e-4, batch_size=BATCH, seeds=(0,), backend="numpy"
            )
            trainers = {way: made(config, Data(x, y, x[:1], y[:1]), size) for way, size in WAYS.items()}
            with threadpool_limits(threads):
                times = [{way: timed(one) for way, one in trainers.items()} for _ in range(rounds + 1)][1:]
            row: dict[str, Any] = {"hidden": list(hidden), "optimizer": optimizer}
            row["ms"] = {way: 1e3 * statistics.median(one[way] for one in times) for way in WAYS}
            row["ratios"] = {way: statistics.median(one[way] / one["all at once"] for one in times) for way in WAYS}
            rows.append(row)
            say(line(row))
    return rows


def made(config: gpufa.Config, data: Data, size: int | None) -> Trainer:
    """A trainer whose gradient goes that way."""
    usual, NumpyBackend.gradient_bytes = NumpyBackend.gradient_bytes, size
    try:
        trainer = Trainer(replace(config, epochs=10**6), data)
    finally:
        NumpyBackend.gradient_bytes = usual
    trainer.begin_epoch()
    return trainer


def timed(trainer: Trainer, steps: int = 2) -> float:
    """Seconds of a step."""
    start = time.perf_counter()
    for _ in range(steps):
        if trainer.progress.batch == trainer.batches.per_epoch:
            trainer.progress.batch = 0
            trainer.begin_epoch()
        trainer.step()
    return (time.perf_counter() - start) / steps


def line(row: dict[str, Any]) -> str:
    """A row in words."""
    found = "; ".join(f"{way} {ms:.1f} ms ({row['ratios'][way]:.2f})" for way, ms in row["ms"].items())
    return f"  784-{'-'.join(map(str, row['hidden']))}-10, {row['optimizer']}: {found}"
