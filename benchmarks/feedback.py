"""What direct feedback takes of memory and of a step where maps are large, stored or not: each in its own process."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import gpufa
from gpufa.data.samples.data import Data
from gpufa.training.trainer import Trainer

from .worker import PROCESS, memory

LAYERS = "conv 64 3x3 relu", "pool 4, conv 16 3x3 stride 2 relu, global mean"
SIZE, CLASSES, BATCH = 112, 100, 16
QUICK = {"size": 16, "classes": 4}
WAYS: dict[str, dict[str, Any]] = {
    "stored": {},
    "procedural": {"feedback": "procedural"},
    "stored, places = shared": {"rule_options": {"places": "shared"}},
    "backprop": {"rule": "bp"},
}


def run(threads: int, steps: int, quick: bool, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """A row for each way: bytes of feedback, of the peak beyond the imports and the data, and milliseconds a step."""
    rows = []
    for way in WAYS:
        order = {"way": way, "steps": steps, **({"size": SIZE, "classes": CLASSES} if not quick else QUICK)}
        environment = {f"{lib}_NUM_THREADS": str(threads) for lib in ("OPENBLAS", "OMP", "MKL")}
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.feedback", json.dumps(order)],
            env={**os.environ, **environment},
            check=True,
            capture_output=True,
            text=True,
        )
        rows.append({"way": way, **json.loads(done.stdout)})
        say(described(rows[-1]))
    return rows


def described(row: dict[str, Any]) -> str:
    return (
        f"  {row['way']:24s} feedback {row['stored_bytes'] / 1e6:8.1f} MB, peak {row['grown_bytes'] / 1e6:8.1f} MB,"
        f" {row['ms']:8.0f} ms a step"
    )


def measured(way: str, steps: int, size: int, classes: int) -> dict[str, Any]:
    """One way, here."""
    draw = np.random.default_rng(0)
    x, y = draw.random((2 * BATCH, 3 * size * size), np.float32), np.arange(2 * BATCH) % classes
    y[0] = classes - 1
    data = Data(x, y, x[:2], y[:2])
    layers = (f"input 3x{size}x{size}", *LAYERS)
    config = gpufa.Config(
        **{"rule": "dfa", "layers": layers, "batch_size": BATCH, "seeds": (0,), "backend": "numpy", "epochs": steps}
        | WAYS[way]
    )
    PROCESS.joinpath("clear_refs").write_text("5")  # the peak begins anew, here
    before = memory("VmRSS")
    trainer, times = Trainer(config, data), []
    for _ in range(steps):
        trainer.begin_epoch()
        start = time.perf_counter()
        trainer.step()
        times.append(time.perf_counter() - start)
        trainer.progress.start_epoch()
    stored = sum(matrix.nbytes for matrix in trainer.net.fixed.stored.values())
    return {"stored_bytes": stored, "grown_bytes": memory("VmHWM") - before, "ms": 1e3 * float(np.median(times[1:]))}


if __name__ == "__main__":
    print(json.dumps(measured(**json.loads(sys.argv[1]))))
