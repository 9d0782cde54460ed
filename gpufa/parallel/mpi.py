"""Ranks that MPI connects, by mpi4py: `mpiexec -n 4 gpufa train ... --parallel data`."""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..backends import Backend
from ..backends.operations.lines import Line
from ..basics.errors import RankLost
from .ranks import Array, Job, Ranks

PIECE = 1 << 28  # bytes of one message at most, whose count MPI holds in 31 bits
GRACE = 2.0  # seconds in which all ranks fail that do so for the same reason


class MPIRanks(Ranks):
    """Those of a communicator of mpi4py's. `wait` is how many seconds each wait may take; arrays go through the
    host."""

    records = False

    def __init__(self, communicator: Any, wait: float) -> None:
        from mpi4py import MPI

        self.mpi, self.wait = MPI, wait
        self.communicator, self.failures = communicator.Dup(), communicator.Dup()
        self.rank, self.size = communicator.Get_rank(), communicator.Get_size()
        self.local = communicator.Split_type(MPI.COMM_TYPE_SHARED).Get_rank()
        self._lines: list[Line] = []
        self._sending: dict[tuple[Any, ...], tuple[Any, NDArray]] = {}

    def split(self, group: int) -> "MPIRanks":
        return MPIRanks(self.communicator.Split(group, self.rank), self.wait)

    def add(self, backend: Backend, a: Array) -> None:
        host = np.ascontiguousarray(backend.to_host(a))
        self._pieces(host.reshape(-1), partial(self.communicator.Iallreduce, self.mpi.IN_PLACE))
        if host is not a:
            a[...] = backend.to_device(host)

    def total(self, a: NDArray) -> NDArray:
        found = np.array(a)
        self._wait(self.communicator.Iallreduce(self.mpi.IN_PLACE, found))
        return found

    def any(self, flag: bool) -> bool:
        return bool(self.total(np.array([flag], np.int32))[0])

    def gather(self, mine: Any) -> Sequence[Any]:
        sent = np.frombuffer(self.mpi.pickle.dumps(mine), np.uint8)
        lengths = np.zeros(self.size, np.int64)
        self._wait(self.communicator.Iallgather(np.array([len(sent)], np.int64), lengths))
        ends = np.cumsum(lengths)
        came = np.empty(ends[-1], np.uint8)
        self._wait(self.communicator.Iallgatherv(sent, [came, lengths]))
        return [self.mpi.pickle.loads(came[end - length : end].data) for end, length in zip(ends, lengths, strict=True)]

    def collect(self, mine: Any) -> Sequence[Any]:
        sent = np.frombuffer(self.mpi.pickle.dumps(mine), np.uint8)
        lengths = self.gather(len(sent))
        if self.rank:
            self._pieces(sent, partial(self.communicator.Isend, dest=0))
            return []
        found = [mine]
        for rank in range(1, self.size):
            came = np.empty(lengths[rank], np.uint8)
            self._pieces(came, partial(self.communicator.Irecv, source=rank))
            found.append(self.mpi.pickle.loads(came.data))
        return found

    def _pieces(self, flat: NDArray, begin: Callable[[NDArray], Any]) -> None:
        """Do what `begin` begins with each piece of an array that is no longer than a message may be."""
        step = PIECE // flat.itemsize
        for start in range(0, len(flat), step):
            self._wait(begin(flat[start : start + step]))

    def send(self, backend: Backend, a: Array, to: int) -> None:
        like = to, a.shape, a.dtype
        if before := self._sending.pop(like, None):
            self._wait(before[0])
        own = before[1] if before else np.empty(a.shape, a.dtype)
        own[...] = backend.to_host(a)
        self._sending[like] = self.communicator.Isend(own, to), own

    def receive(self, backend: Backend, out: Array, of: int) -> None:
        own = out if _lies_whole(out) else np.empty(out.shape, out.dtype)
        self._wait(self.communicator.Irecv(own, of))
        if own is not out:
            out[...] = backend.to_device(own)

    def spread(self, backend: Backend, a: Array, of: int) -> Job:
        own = a if _lies_whole(a) else np.empty(a.shape, a.dtype)
        if own is not a and self.rank == of:
            own[...] = backend.to_host(a)
        request = self.communicator.Ibcast(own, of)

        def arrive() -> None:
            self._wait(request)
            if own is not a and self.rank != of:
                a[...] = backend.to_device(own)

        return arrive

    def all_failed(self) -> bool:
        """Whether all ranks come here, and soon: they have failed for the same reason, and none waits."""
        request, end = self.failures.Ibarrier(), time.monotonic() + GRACE
        while not request.Test():
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
        return True

    def remember(self, lines: Iterable[Line]) -> None:
        self._lines += lines

    def cut(self) -> None:
        """Let no device wait for another any more."""
        for line in self._lines:
            line.cut()

    def abort(self, code: int) -> None:
        """End all ranks now, with that exit code."""
        self.communicator.Abort(code)

    def _wait(self, request: Any) -> None:
        self._until(request.Test)

    def _until(self, done: Callable[[], bool]) -> None:
        """Raises RankLost where that takes too long."""
        end = time.monotonic() + self.wait
        while not done():
            if time.monotonic() > end:
                raise RankLost(
                    f"waited {self.wait:g} s for the other processes, one of which is dead or hangs; go on from the"
                    " last checkpoint, with a longer --wait if one had so much to do"
                )
            os.sched_yield()


def _lies_whole(a: Array) -> bool:
    """Whether it is an array on the host without gaps, which MPI may write to itself."""
    return isinstance(a, np.ndarray) and a.flags.c_contiguous
