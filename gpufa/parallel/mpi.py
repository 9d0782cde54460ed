"""Ranks that MPI connects, by mpi4py: `mpiexec -n 4 gpufa train ... --parallel data`."""

import os
import pickle
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..backends import Backend
from ..basics.errors import RankLost
from .ranks import Array, Job, Ranks

PIECE = 1 << 28  # bytes of one message at most, whose count MPI holds in 31 bits
GRACE = 2.0  # seconds in which all ranks fail that do so for the same reason


class MPIRanks(Ranks):
    """Those of a communicator of mpi4py's. `wait` is how many seconds each wait may take."""

    def __init__(self, communicator: Any, wait: float) -> None:
        from mpi4py import MPI

        self.mpi, self.wait = MPI, wait
        self.communicator, self.failures = communicator.Dup(), communicator.Dup()
        self.rank, self.size = communicator.Get_rank(), communicator.Get_size()

    def add(self, backend: Backend, a: Array) -> None:
        host = np.ascontiguousarray(backend.to_host(a))
        flat = host.reshape(-1)
        step = PIECE // flat.itemsize
        for start in range(0, len(flat), step):
            piece = flat[start : start + step]
            self._wait(self.communicator.Iallreduce(self.mpi.IN_PLACE, piece))
        if host is not a:
            a[...] = backend.to_device(host)

    def total(self, a: NDArray) -> NDArray:
        found = np.array(a)
        self._wait(self.communicator.Iallreduce(self.mpi.IN_PLACE, found))
        return found

    def any(self, flag: bool) -> bool:
        return bool(self.total(np.array([flag], np.int32))[0])

    def gather(self, mine: Any) -> Sequence[Any]:
        sent = np.frombuffer(pickle.dumps(mine), np.uint8)
        lengths = np.zeros(self.size, np.int64)
        self._wait(self.communicator.Iallgather(np.array([len(sent)], np.int64), lengths))
        ends = np.cumsum(lengths)
        came = np.empty(ends[-1], np.uint8)
        self._wait(self.communicator.Iallgatherv(sent, [came, lengths]))
        return [pickle.loads(came[end - length : end]) for end, length in zip(ends, lengths, strict=True)]

    def recorded(self, capture: Callable[..., Any], before: Job, exchange: Job, after: Job) -> Job:
        first, last = capture(before), capture(after)

        def whole() -> None:
            first()
            exchange()
            last()

        return whole

    def all_failed(self) -> bool:
        """Whether all ranks come here, and soon: they have failed for the same reason, and none waits."""
        request, end = self.failures.Ibarrier(), time.monotonic() + GRACE
        while not request.Test():
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
        return True

    def abort(self, code: int) -> None:
        """End all ranks now, with that exit code."""
        self.communicator.Abort(code)

    def _wait(self, request: Any) -> None:
        end = time.monotonic() + self.wait
        while not request.Test():
            if time.monotonic() > end:
                raise RankLost(
                    f"rank {self.rank} of {self.size} has waited {self.wait:g} s for the others, one of which is dead"
                    " or hangs; go on from the last checkpoint, with a longer --wait if one had so much to do"
                )
            os.sched_yield()
