"""Which processes a run is done by, as its settings and mpiexec say."""

import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, get_args

from ..basics.arguments import is_number, is_whole, shown
from ..basics.errors import GpufaError, GpufaWarning, InvalidValue, warn
from .ranks import ALONE, BY_ITSELF, Ranks, Together

Way = Literal["none", "data", "layers", "seeds"]
WAYS = get_args(Way)
Norms = Literal["share", "ranks"]
NORMS = get_args(Norms)
Exchange = Literal["auto", "nccl", "host"]
EXCHANGES = get_args(Exchange)
SIZES = "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MPI_LOCALNRANKS"  # what MPI's launchers say
NUMBERS = "PMI_RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK"
BAD_INPUT, BROKEN = 2, 1


def refuse_many(parallel: str, environment: Mapping[str, str] = os.environ) -> None:
    """Raises InvalidValue where this process is one of several that would all do the same."""
    if parallel == "none" and (size := _started(environment)) > 1:
        raise InvalidValue(
            f"this is one of {size} processes that were started together, and each would do the same; start one"
            " alone, or gpufa train or resume with --parallel data, layers or seeds"
        )


def _started(environment: Mapping[str, str]) -> int:
    """How many processes were started together, by what the launcher says."""
    said = (environment.get(name, "") for name in SIZES)
    return max([1, *(int(size) for size in said if size.isdigit())])


def speaks(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this process is the first of those that were started together, or alone: it says what all of them would
    say alike."""
    return all(environment.get(name, "0") == "0" for name in NUMBERS)


@dataclass(frozen=True)
class Processes:
    """How the processes that mpiexec has started train together, see docs/scale.md. Raises InvalidValue for what can't
    be."""

    parallel: Way = "none"
    """what mpiexec's processes divide"""
    copies: int = 1
    """with layers: copies of the net, which share each batch"""
    batch_norm: Norms = "share"
    """by each rank's share, or by all"""
    wait: float = 600.0
    """seconds in which the other processes have to come as far"""
    exchange: Exchange = "auto"
    """GPU to GPU, or by the host"""

    def __post_init__(self) -> None:
        choices = {"parallel": WAYS, "batch_norm": NORMS, "exchange": EXCHANGES}
        for name, known in choices.items():
            if (given := getattr(self, name)) not in known:
                raise InvalidValue(f"{name} can't be {shown(given)}; give one of {', '.join(known)}")
        if self.exchange != "auto" and self.parallel not in ("data", "layers"):
            raise InvalidValue(
                f"exchange can't be {shown(self.exchange)} with parallel {self.parallel!r}, by which no arrays go from"
                " GPU to GPU; leave --exchange out, or give --parallel data or layers"
            )
        if not is_number(self.wait) or self.wait <= 0:
            raise InvalidValue(f"wait can't be {shown(self.wait)}; give seconds, a number above 0")
        if not is_whole(self.copies, 1) or (self.copies > 1 and self.parallel != "layers"):
            raise InvalidValue(
                f"copies can't be {shown(self.copies)} with parallel {self.parallel!r}; give a whole number of at least"
                " 1, and more than that with --parallel layers alone"
            )

    def among(self, everybody: Ranks) -> Together:
        """Who divides what."""
        if everybody.size % self.copies:
            raise InvalidValue(
                f"{everybody.size} processes can't hold {self.copies} copies of a net, each as many; start a multiple"
                " of --copies"
            )
        groups = {self.parallel: everybody}
        if self.copies > 1:
            each = everybody.size // self.copies
            groups = {"layers": everybody.split(everybody.rank // each), "data": everybody.split(everybody.rank % each)}
        norms = groups.get("data", ALONE) if self.batch_norm == "ranks" else ALONE
        return Together(everybody, norms=norms, local=everybody.local, exchange=self.exchange, **groups)


BY_ONE = Processes()


@contextmanager
def ranks_of(parallel: str | Processes | Together) -> Iterator[Together]:
    """The processes of a run, whose way of Processes may be given alone; those that are handed in are given back.

    Where one of them fails alone it ends all, and says why. Raises InvalidValue where mpi4py is missing.
    """
    if isinstance(parallel, Together):
        yield parallel
        return
    how = parallel if isinstance(parallel, Processes) else Processes(parallel)  # type: ignore[arg-type]
    if how.parallel == "none":
        yield BY_ITSELF
        return
    ranks = _connected(how.wait)
    try:
        with warnings.catch_warnings():
            if ranks.rank:
                warnings.simplefilter("ignore", GpufaWarning)
            yield how.among(ranks)
    except BaseException as error:
        alone = ranks.size > 1 and not ranks.all_failed()
        ranks.cut()
        if alone:
            told = " ".join(str(error).split()) if isinstance(error, GpufaError) else repr(error)
            print(f"gpufa: rank {ranks.rank} of {ranks.size}: {told}", file=sys.stderr, flush=True)
            ranks.abort(BAD_INPUT if isinstance(error, GpufaError) else BROKEN)
        raise


def _connected(wait: float):  # type: ignore[no-untyped-def]
    try:
        from mpi4py import MPI
    except ImportError as error:
        raise InvalidValue(
            f"several processes need mpi4py and an MPI ({error}); pip install 'gpufa[mpi]', or leave --parallel out"
        ) from error
    except RuntimeError as error:  # the other lines of which are all the places where it has looked
        raise InvalidValue(
            f"mpi4py finds no MPI here ({str(error).partition(chr(10))[0]}); pip install mpich, or leave --parallel out"
        ) from error
    from .mpi import MPIRanks

    found = MPIRanks(MPI.COMM_WORLD, wait)
    if found.size == 1 and (size := _started(os.environ)) > 1:
        raise InvalidValue(
            f"{size} processes were started together, and {MPI.get_vendor()[0]}, which mpi4py uses, knows of this one"
            " alone; start them with its own mpiexec"
        )
    if found.size == 1:
        warn("there is one process alone to train with; start several, as in mpiexec -n 2 gpufa train --parallel data")
    return found
