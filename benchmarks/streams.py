"""Training on samples that stay in their file, beside the same in memory: the epoch's steps of both, in turn."""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from threadpoolctl import threadpool_limits

from gpufa import Config
from gpufa.checkpoints.provenance import data_of
from gpufa.training.trainer import Trainer

INPUTS, OUTPUTS, SAMPLES = 784, 10, 75_000  # of which a fifth is for testing
HIDDEN, BATCH = (800, 800), 128
MEMORY = "memory"
FORMS = "npy", "npy of bytes", "HDF5, chunks of 64 rows", "HDF5, gzipped"


def written(folder: Path, form: str, x: np.ndarray, y: np.ndarray) -> str:
    """The path of a file of that form."""
    if form.startswith("npy"):
        folder.mkdir()
        np.save(folder / "x.npy", (x * 255).astype(np.uint8) if "bytes" in form else x)
        np.save(folder / "y.npy", y)
        return str(folder)
    with h5py.File(path := folder.with_suffix(".h5"), "w") as file:
        packing = {"compression": "gzip", "compression_opts": 1} if "gzipped" in form else {}
        file.create_dataset("x", data=x, chunks=(64, x.shape[1]), **packing)
        file["y"] = y
    return str(path)


def run(threads: int, rounds: int, backend: str = "numpy", quick: bool = False) -> list[dict[str, Any]]:
    """Seconds of an epoch's steps from each form, with the file in the page cache, and of the same in memory: medians
    of `rounds` turns behind a first one."""
    hidden, samples = ((20, 20), 2000) if quick else (HIDDEN, SAMPLES)
    rng = np.random.default_rng(0)
    x, y = rng.random((samples, INPUTS), np.float32), np.arange(samples) % OUTPUTS
    rows = []
    for form in FORMS:
        with tempfile.TemporaryDirectory() as folder, threadpool_limits(threads):
            trainers = [made(written(Path(folder, "data"), form, x, y), hidden, backend, form)]
            trainers.append(made(trainers[0].config.data, hidden, backend, MEMORY))
            times: list[list[float]] = [[], []]
            for turn in range(rounds + 1):
                for trainer, own in zip(trainers[:: 1 - 2 * (turn % 2)], times[:: 1 - 2 * (turn % 2)], strict=True):
                    own.append(epoch(trainer))
        streamed, held = (statistics.median(own[1:]) for own in times)
        rows.append({"form": form, "streamed_s": streamed, "memory_s": held, "steps": trainers[0].batches.per_epoch})
    return rows


def made(path: str, hidden: tuple[int, ...], backend: str, form: str) -> Trainer:
    config = Config(
        **{"rule": "dfa", "hidden": hidden, "optimizer": "sgd", "lr": 0.01, "batch_size": BATCH, "seeds": (0,)},
        **{"epochs": 10**6, "scaling": "standard", "backend": backend, "data": path},
        stream="never" if form == MEMORY else "always",
    )
    return Trainer(config, data_of(config, None)[0])


def epoch(trainer: Trainer) -> float:
    """Seconds of an epoch's steps."""
    with trainer.backend.working():
        start = time.perf_counter()
        trainer.begin_epoch()
        for _ in range(trainer.batches.per_epoch):
            trainer.step()
        trainer.backend.synchronize()
        spent = time.perf_counter() - start
    trainer.progress.epoch += 1
    trainer.progress.start_epoch()
    return spent
