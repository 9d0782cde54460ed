"""How the time of an epoch grows with the epochs before it: a tiny net, its folder kept, in two versions of gpufa.

python benchmarks/long_runs.py FOLDER EPOCHS    one run, of the gpufa that is imported: its times in FOLDER.npy
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
WINDOW = 100  # epochs whose mean is one figure


def run(epochs: int, before: Path | None, old_epochs: int, say: Callable[[str], None]) -> None:
    """Say the processor's milliseconds of an epoch after ever more of them, of this gpufa and of that in `before`.

    The two are trained side by side, and the one before, which takes ever longer, for `old_epochs` alone.
    """
    works = {"this": (ROOT, epochs)} | ({"before": (before, old_epochs)} if before else {})
    with tempfile.TemporaryDirectory() as folder:
        started = {name: start(w[0].resolve(), Path(folder, name), w[1]) for name, w in works.items()}
        for name, (_, amount) in reversed(works.items()):
            if started[name].wait():
                raise SystemExit(f"benchmarks: the run of {name} failed")
            times = np.diff(np.load(Path(folder, f"{name}.npy")))
            for at in (e for e in (300, 1000, 3000, 6000, 10_000, 30_000, 100_000) if e <= amount):
                say(f"{name:6} epoch {at:7,}: {1e3 * times[at - WINDOW : at].mean():8.2f} ms")
            say(f"{name:6} {amount:7,} epochs: {times[:-1].sum():8.1f} s, and {times[-1]:.1f} s for the end of the run")


def start(checkout: Path, folder: Path, epochs: int) -> "subprocess.Popen[bytes]":
    """A process that trains by the gpufa in a checkout."""
    surroundings = {**os.environ, "PYTHONPATH": str(checkout), "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, __file__, str(folder), str(epochs)], env=surroundings)


def train(folder: Path, epochs: int) -> None:
    """A run whose epochs are four steps of 25 samples, three seeds at once; when each ended is written down."""
    import gpufa

    class Watch(gpufa.Callback):
        def __init__(self) -> None:
            self.moments: list[float] = []

        def on_start(self, trainer: object) -> None:
            self.on_epoch(trainer)

        def on_epoch(self, trainer: object) -> None:
            self.moments.append(time.process_time())

    rng = np.random.default_rng(0)
    x, y = rng.random((120, 4), np.float32), np.arange(120) % 3
    config = gpufa.Config(hidden=(4,), batch_size=25, lr=1e-5, epochs=epochs, backend="numpy", out=str(folder))
    watch = Watch()
    gpufa.train(config, (x[:100], y[:100], x[100:], y[100:]), callbacks=[watch])
    np.save(folder.with_suffix(".npy"), [*watch.moments, time.process_time()])


if __name__ == "__main__":
    train(Path(sys.argv[1]), int(sys.argv[2]))
