"""What processes exchange of arrays on GPUs: from GPU to GPU by NCCL where that can be, else through the host."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Thread
from typing import Any

import numpy as np

from ..backends import Backend
from ..backends.operations.lines import Line, Number
from ..basics.errors import DeviceError, GpufaError, InvalidValue
from .mpi import MPIRanks
from .ranks import Array, Job, Ranks, Together

SOON, LOOK = 60.0, 0.01  # seconds in which GPUs are connected, or never; and between two looks
CROSSING = "data", "layers"  # whose processes exchange arrays
_lines: dict[tuple[Any, ...], Line] = {}  # by the numbers of the processes that they connect, with their GPUs


class LinedRanks(MPIRanks):
    """Those whose devices are connected by a line, for arrays; all else goes by MPI."""

    records = True

    def __init__(self, ranks: MPIRanks, line: Line) -> None:
        super().__init__(ranks.communicator, ranks.wait)
        self.line = line

    def add(self, backend: Backend, a: Array) -> None:
        self.line.add(a)

    def send(self, backend: Backend, a: Array, to: int) -> None:
        self.line.send(a, to)

    def receive(self, backend: Backend, out: Array, of: int) -> None:
        self.line.receive(out, of)

    def spread(self, backend: Backend, a: Array, of: int) -> Job:
        self.line.spread(a, of)
        return lambda: None

    def settle(self, backend: Backend) -> None:
        def done() -> bool:
            self.line.check()
            return backend.idle

        self._until(done)


class NoLine(Exception):
    """Why GPUs can't be connected."""


def connected(ranks: Together, backend: Backend, against: str = "") -> tuple[Together, list[str]]:
    """The processes of a run, of which this one has that backend, with their GPUs connected where they can be, are to
    be, and nothing is said against it; and how arrays go from one to the other, in a line, where there are GPUs.
    Raises InvalidValue where NCCL is asked for and can't be had, RankLost where others don't come."""
    crossing = {name: getattr(ranks, name) for name in CROSSING if getattr(ranks, name).size > 1}
    if not crossing:
        return ranks, []
    ends = ranks.everybody.gather((backend.gpu, backend.no_line))
    try:
        if ranks.exchange == "host" or against:
            raise NoLine(against or "exchange is 'host'")
        _check(ends)
        lines = {name: _line(ranks.everybody, group, backend) for name, group in crossing.items()}
    except NoLine as why:
        if ranks.exchange == "nccl":
            refused = f"exchange can't be 'nccl': {why}; leave --exchange out to go through the host"
            raise InvalidValue(refused) from None
        told = f"what processes exchange of arrays on GPUs goes through the host: {why}"
        return ranks, [told] if any(gpu for gpu, _ in ends) else []
    ranks.everybody.remember(lines.values())
    found: dict[str, Any] = {name: LinedRanks(crossing[name], line) for name, line in lines.items()}
    if ranks.norms.size > 1:
        found["norms"] = found["data"]
    name = next(iter(lines.values())).name
    return ranks._replace(**found), [f"what processes exchange of arrays goes from GPU to GPU, by {name}"]


def _check(ends: Sequence[tuple[str, str]]) -> None:
    """Raises NoLine where NCCL can't connect processes on these GPUs, each with what it has against it."""
    gpus = [gpu for gpu, _ in ends]
    for rank, (gpu, reason) in enumerate(ends):
        if reason:
            raise NoLine(f"for rank {rank} {reason}")
        if (first := gpus.index(gpu)) < rank:
            raise NoLine(f"ranks {first} and {rank} share a GPU, which NCCL refuses")


def _line(everybody: Ranks, ranks: Ranks, backend: Backend) -> Line:
    """What connects the devices of these, one of the groups of everybody, which all open theirs. Raises NoLine."""
    ends = tuple(ranks.gather((everybody.rank, backend.gpu)))
    if (known := _lines.get(ends)) and known.open:
        return known
    number: Number = ()
    why = ""
    if ranks.rank == 0:
        try:
            number = backend.new_line()
        except GpufaError as error:
            why = str(error)
    _agree(everybody, why)
    number, opened = ranks.gather(number)[0], Future[Line]()

    def end() -> None:
        try:
            opened.set_result(backend.line(number, ranks.size, ranks.rank))
        except BaseException as error:
            opened.set_exception(error)

    Thread(target=end, daemon=True).start()  # it may wait for ever
    _once_all(everybody, lambda: opened.done() and opened.result().open)
    line = _lines[ends] = opened.result()
    first = backend.to_device(np.array([ranks.rank + 1.0]))
    line.add(first)

    def summed() -> bool:
        line.check()
        done = backend.idle
        if done and backend.to_host(first)[0] != ranks.size * (ranks.size + 1) / 2:
            raise DeviceError(f"{line.name} adds up wrong")
        return done

    _once_all(everybody, summed)
    return line


def _once_all(everybody: Ranks, done: Callable[[], bool]) -> None:
    """Wait until it is done by all. Raises NoLine where one can't, or all have waited long."""
    end = time.monotonic() + SOON
    while True:
        ready, why = False, ""
        try:
            ready = done()
        except GpufaError as error:
            why = str(error)
        _agree(everybody, why)
        if not everybody.any(not ready):
            return
        _agree(everybody, "" if time.monotonic() < end else f"NCCL has not connected GPUs in {SOON:g} s")
        time.sleep(LOOK)


def _agree(everybody: Ranks, why: str) -> None:
    """Raises NoLine where one of them has a reason."""
    if everybody.any(bool(why)):
        raise NoLine(next(filter(None, everybody.gather(why))))
