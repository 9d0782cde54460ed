"""Under mpiexec -n 2: how long messages take between two processes, and adding up; a line of JSON."""

import json
import time

import numpy as np
from mpi4py import MPI

SIZES = 64, 4096, 65_536, 1 << 20, 1 << 22
ROUNDS = 15


def one_way(world: MPI.Comm, size: int) -> float:
    """Seconds, half of there and back."""
    buffer, found = np.zeros(size, np.uint8), []
    for _ in range(ROUNDS):
        world.Barrier()
        start = time.perf_counter()
        if world.rank == 0:
            world.Send(buffer, 1)
            world.Recv(buffer, 1)
        else:
            world.Recv(buffer, 0)
            world.Send(buffer, 0)
        found.append((time.perf_counter() - start) / 2)
    return float(np.median(found))


def adding(size: int = 1 << 22) -> float:
    """Seconds a byte."""
    a, b, found = np.zeros(size // 4, np.float32), np.ones(size // 4, np.float32), []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        np.add(a, b, out=a)
        found.append(time.perf_counter() - start)
    return float(np.median(found)) / size


def main() -> None:
    world = MPI.COMM_WORLD
    times = {size: one_way(world, size) for size in SIZES}
    if world.rank == 0:
        large, largest = SIZES[-2:]
        byte = (times[largest] - times[large]) / (largest - large)
        print(json.dumps({"start": times[SIZES[0]], "byte": byte, "added": adding(), "times": times}))


if __name__ == "__main__":
    main()
