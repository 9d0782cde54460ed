"""The processes of a run, one of which this is; it alone where nothing else is asked for."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from numpy.typing import NDArray

from ..backends import Backend

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

    def recorded(self, capture: Callable[..., Any], before: Job, exchange: Job, after: Job) -> Job:
        """What does one after the other, `exchange` being with other processes, and the rest as fast as `capture`, a
        backend's, can make it."""

        def whole() -> None:
            before()
            exchange()
            after()

        made: Job = capture(whole)
        return made


ALONE = Ranks()


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
