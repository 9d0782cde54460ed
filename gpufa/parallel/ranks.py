"""The processes of a run, one of which this is; it alone where nothing else is asked for."""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from numpy.typing import NDArray

from ..backends import Backend
from ..backends.operations.lines import Line

Array = Any
Job = Callable[[], None]


class Share(NamedTuple):
    """Of `whole` things in a row, such as a batch's samples, this process's `own`, from `first` on."""

    first: int
    own: int
    whole: int

    @property
    def part(self) -> slice:
        return slice(self.first, self.first + self.own)

    @property
    def all_of_it(self) -> bool:
        return self.own == self.whole


class Ranks:
    """Number `rank` of `size` processes; here one alone.

    Each method is called by all of them, in the same order. Where another one has not come as far in time, and is dead
    or hangs, all of them raise RankLost.
    """

    rank = 0
    size = 1
    local = 0  # as `rank`, among those on the same machine
    records = True  # whether what they exchange may be part of a recorded step, as it stays on the device

    def share(self, n: int) -> Share:
        """This one's of n things in a row; shares differ by one at most."""
        first, end = (n * rank // self.size for rank in (self.rank, self.rank + 1))
        return Share(first, end - first, n)

    def split(self, group: int) -> "Ranks":
        """Those of them that have named the same group, in the order of their ranks."""
        return self

    def add(self, backend: Backend, a: Array) -> None:
        """In place of its addend, each gets the sum over all: (R, n), on the host or the device."""

    def total(self, a: NDArray) -> NDArray:
        """The sum over all of a small array on the host, as another array."""
        return a

    def any(self, flag: bool) -> bool:
        """Whether it is so for one of them at least."""
        return flag

    def gather(self, mine: Any) -> Sequence[Any]:
        """What each has, of any type, by rank."""
        return [mine]

    def collect(self, mine: Any) -> Sequence[Any]:
        """The same for the first of them; the others get nothing."""
        return [mine]

    def send(self, backend: Backend, a: Array, to: int) -> None:
        """Let that rank have an array, which may be written anew at once."""

    def receive(self, backend: Backend, out: Array, of: int) -> None:
        """Wait for what that rank sends."""

    def spread(self, backend: Backend, a: Array, of: int) -> Job:
        """Let all have what one rank has in that array: they do once they have called what this gives."""
        return lambda: None

    def remember(self, lines: Iterable[Line]) -> None:
        """Cut these where the run fails."""

    def settle(self, backend: Backend) -> None:
        """Wait until its device has done what was issued, for which it may have to wait for other devices."""


ALONE = Ranks()


class Piece(NamedTuple):
    """A piece of a step, in which it exchanges something with these, if they are several."""

    do: Job
    ranks: Ranks = ALONE


def recorded(capture: Callable[..., Job], pieces: Sequence[Piece]) -> Job:
    """What does the pieces one after the other; such as stand side by side and stay on the device as fast as `capture`,
    a backend's, can make them together."""
    jobs = []
    for records, run in groupby(pieces, key=lambda piece: piece.ranks.records):
        parts = list(run)
        job = in_turn([piece.do for piece in parts])
        jobs.append(capture(job, for_any([piece.ranks for piece in parts])) if records else job)
    return in_turn(jobs)


def in_turn(jobs: Sequence[Job]) -> Job:
    """What does them one after the other."""
    if len(jobs) == 1:
        return jobs[0]

    def whole() -> None:
        for job in jobs:
            job()

    return whole


def for_any(groups: Sequence[Ranks]) -> Callable[[bool], bool]:
    """What makes of whether something is so here whether it is for any process of these groups, which all ask."""

    def found(flag: bool) -> bool:
        for ranks in groups:
            flag = ranks.any(flag)
        return flag

    return found


class Together(NamedTuple):
    """The processes of a run: everybody, and those among which something is divided, whom this one is with. Of a net
    whose `layers` are divided each has some blocks, of a run whose `seeds` are divided some replicas, and where `data`
    are divided a share of each batch, all of which batch norm goes by with those in `norms`; what is not divided is
    that of one alone."""

    everybody: Ranks = ALONE
    data: Ranks = ALONE
    layers: Ranks = ALONE
    seeds: Ranks = ALONE
    norms: Ranks = ALONE
    local: int = 0  # which of the processes on its machine this is
    exchange: str = "auto"  # how arrays on GPUs go from one to the other, see nccl.py

    @property
    def keeps(self) -> bool:
        """Whether what this process has is a part of the run's folder."""
        return self.data.rank == 0

    @property
    def parts(self) -> Ranks:
        """Those that have parts of what the folder holds."""
        return self.layers if self.layers.size > 1 else self.seeds

    @property
    def first(self) -> bool:
        """Whether this is the process that keeps the run's folder and speaks."""
        return self.everybody.rank == 0


BY_ITSELF = Together()
