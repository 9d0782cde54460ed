"""python -m benchmarks.reliability.witness RUN EPOCHS WAY: a run, trained or gone on with, that writes down its steps.

RUN.steps, beside the folder, holds the number of the last step: what kill -9 can't take back. WAY is how processes that
mpiexec has started share the run, none where there is one.
"""

import math
import os
import sys
from pathlib import Path
from typing import Literal

import gpufa
from gpufa.runs import folder
from gpufa.training.trainer import Trainer

EVERY = 3  # epochs between two checkpoints
SAMPLES, BATCH = 200, 64
WAIT = 20.0  # seconds
INTERVAL = EVERY * -(-SAMPLES // BATCH)  # steps between two checkpoints


class Witness(gpufa.Callback):
    def __init__(self, path: Path) -> None:
        self.file = os.open(path, os.O_CREAT | os.O_WRONLY)

    def on_step(self, trainer: Trainer) -> None:
        os.pwrite(self.file, trainer.progress.step.to_bytes(8, "little"), 0)


def steps(run: Path) -> int:
    """The last step that was taken."""
    file = run.with_suffix(".steps")
    return int.from_bytes(file.read_bytes(), "little") if file.exists() else 0


def main(run: Path, epochs: int, way: Literal["none", "data", "layers", "seeds"]) -> None:
    folder.SHARE = math.inf  # no save is put off, so that the last one is no older than an interval
    witness, processes = Witness(run.with_suffix(".steps")), gpufa.Processes(way, wait=WAIT)
    if (run / "checkpoint.h5").exists():
        gpufa.resume(run, callbacks=[witness], parallel=processes)
        return
    config = gpufa.Config(
        hidden=(16, 16),
        samples=SAMPLES,
        batch_size=BATCH,
        backend="numpy",
        seeds=(0, 1),
        epochs=epochs,
        checkpoint_every=EVERY,
        out=str(run),
    )
    gpufa.train(config, callbacks=[witness], parallel=processes)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
