"""One of two processes, each on a GPU of its own: `mpiexec -n 2 python -m benchmarks.first_gpu.pair FILE EXCHANGE`."""

import json
import sys
import time

import numpy as np

from gpufa import Config, Data, Processes
from gpufa.parallel.launch import ranks_of
from gpufa.parallel.ranks import Together
from gpufa.training.trainer import Trainer

from .agreement import trained

HIDDEN, BATCH, STEPS, FIRST = (1024,) * 8, 1024, 100, 5  # the first compile and are recorded


def main(file: str, exchange: str, quick: bool) -> None:
    how = Processes("data", exchange=exchange, wait=60)  # type: ignore[arg-type]
    with ranks_of(how) as ranks:
        found, _ = trained("dfa", "cupy", ranks)
        about = timed(ranks, quick)
        if ranks.first:
            arrays = {f"p{i}": array for i, array in enumerate(found)}
            np.savez(file, about=json.dumps(about), **arrays)  # type: ignore[arg-type]


def timed(ranks: Together, quick: bool) -> dict[str, object]:
    """Milliseconds a step, and what is said of how arrays cross."""
    hidden, batch = ((32,) * 2, 16) if quick else (HIDDEN, BATCH)
    draw = np.random.default_rng(0)
    x, y = draw.random((batch * 8, 784), dtype=np.float32), np.arange(batch * 8) % 10
    config = Config(hidden=hidden, batch_size=batch, optimizer="sgd", lr=0.01, backend="cupy", scaling="none")
    trainer = Trainer(config, Data(x, y, x[:16], y[:16]), ranks=ranks)
    trainer.rule.prepare(trainer.net, trainer.train[0], trainer.batches.taught)
    trainer.begin_epoch()
    steps, begun = (FIRST + 2 if quick else FIRST + STEPS), 0.0
    for step in range(steps):
        if step == FIRST:
            trainer.settle()
            trainer.backend.synchronize()
            begun = time.perf_counter()
        if trainer.progress.batch == trainer.batches.per_epoch:
            trainer.progress.batch = 0
        trainer.step()
    trainer.settle()
    trainer.backend.synchronize()
    return {"ms": (time.perf_counter() - begun) / (steps - FIRST) * 1e3, "told": trainer.told[-1]}


if __name__ == "__main__":
    main(*sys.argv[1:3], quick=sys.argv[3:] == ["quick"])
