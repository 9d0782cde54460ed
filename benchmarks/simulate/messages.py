"""Under mpiexec -n 2: how long messages take between two processes, adding up, and products while both compute, against
one that does alone; a line of JSON."""

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


def adding(world: MPI.Comm, start: float, byte: float, size: int = 1 << 25) -> float:
    """Seconds for a byte that a sum over both adds up, beyond what its message takes."""
    buffer, found = np.zeros(size // 4, np.float32), []
    for _ in range(ROUNDS):
        world.Barrier()
        begun = time.perf_counter()
        world.Allreduce(MPI.IN_PLACE, buffer)
        found.append(time.perf_counter() - begun)
    return max(0.0, (float(np.median(found)) - 2 * start - size * byte) / (size / 2))


def crowding(world: MPI.Comm) -> float:
    """How much longer a product takes while the other process computes too."""
    a, b = np.ones((1024, 1024), np.float32), np.ones((1024, 256), np.float32)
    both: list[float] = []
    alone: list[float] = []
    for _ in range(ROUNDS):
        for found, own in ((both, True), (alone, world.rank == 0)):
            world.Barrier()
            start = time.perf_counter()
            for _ in range(20 if own else 0):
                a @ b
            found.append(time.perf_counter() - start)
            request = world.Ibarrier()
            while not request.Test():
                time.sleep(0.001)
    return float(np.median(both) / np.median(alone)) if world.rank == 0 else 1.0


def main() -> None:
    world = MPI.COMM_WORLD
    times, crowded = {size: one_way(world, size) for size in SIZES}, crowding(world)
    large, largest = SIZES[-2:]
    start, byte = times[SIZES[0]], (times[largest] - times[large]) / (largest - large)
    added = adding(world, start, byte)
    if world.rank == 0:
        print(json.dumps({"start": start, "byte": byte, "added": added, "crowding": crowded, "times": times}))


if __name__ == "__main__":
    main()
