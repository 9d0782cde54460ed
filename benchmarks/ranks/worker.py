"""One of the processes that train together: the first reads how many steps all take, and tells how long they took."""

import json
import sys
import time

import numpy as np
from mpi4py import MPI

from .ours import Ours
from .works import BATCH, CLASSES, HIDDEN, INPUTS, WAYS

SLEEP = 0.002  # seconds between two looks for an order: waiting must not slow others


def main(name: str, quick: bool) -> None:
    way, world = WAYS[name], MPI.COMM_WORLD
    hidden, batch = ((64,) * 3, 16) if quick else (HIDDEN, BATCH)
    draw = np.random.default_rng(0)
    x = draw.random((batch * Ours.BATCHES, INPUTS), dtype=np.float32)
    y = draw.integers(0, CLASSES, len(x))
    if way.parallel == "ddp":
        from .ddp import DDP as Made
    else:
        Made = Ours
    contender, order = Made(way, hidden, batch, x, y), np.zeros(1, np.int64)
    while True:
        if world.rank == 0:
            order[0] = int(sys.stdin.readline() or 0)
        request = world.Ibcast(order)
        while not request.Test():
            time.sleep(SLEEP)
        if not order[0]:
            break
        world.Barrier()
        start = time.perf_counter()
        for _ in range(order[0]):
            contender.step()
        contender.synchronize()
        world.Barrier()
        if world.rank == 0:
            print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:] == ["quick"])
