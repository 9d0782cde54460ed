"""Which processes a run is done by, as its settings and mpiexec say."""

import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Literal, get_args

from ..basics.arguments import is_number, shown
from ..basics.errors import GpufaError, GpufaWarning, InvalidValue, warn
from .ranks import ALONE, BY_ITSELF, Together

Way = Literal["none", "data", "layers", "seeds"]
WAYS = get_args(Way)
Norms = Literal["share", "ranks"]
NORMS = get_args(Norms)
WAIT = 600.0  # seconds
SIZES = "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MPI_LOCALNRANKS"  # what MPI's launchers say
NUMBERS = "PMI_RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK"
BAD_INPUT, BROKEN = 2, 1


def refuse_many(parallel: str, environment: Mapping[str, str] = os.environ) -> None:
    """Raises InvalidValue where this process is one of several that would all do the same."""
    for name in SIZES:
        if parallel == "none" and (size := environment.get(name, "1")).isdigit() and int(size) > 1:
            raise InvalidValue(
                f"this is one of {size} processes that were started together, and each would do the same; start one"
                " alone, or gpufa train or resume with --parallel data, layers or seeds"
            )


def speaks(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this process is the first of those that were started together, or alone: it says what all of them would
    say alike."""
    return all(environment.get(name, "0") == "0" for name in NUMBERS)


@contextmanager
def ranks_of(parallel: str | Together, wait: float = WAIT, batch_norm: str = "share") -> Iterator[Together]:
    """The processes among which a run is divided in one of WAYS, and batch norm goes by one of NORMS; those that are
    handed in are given back.

    Where one of them fails alone it ends all, and says why. Raises InvalidValue for another way, and where mpi4py is
    missing.
    """
    if isinstance(parallel, Together):
        yield parallel
        return
    if parallel not in WAYS:
        raise InvalidValue(f"parallel can't be {shown(parallel)}; give one of {', '.join(WAYS)}")
    if not is_number(wait) or wait <= 0:
        raise InvalidValue(f"wait can't be {shown(wait)}; give seconds, a number above 0")
    if batch_norm not in NORMS:
        raise InvalidValue(f"batch_norm can't be {shown(batch_norm)}; give one of {', '.join(NORMS)}")
    if parallel == "none":
        yield BY_ITSELF
        return
    ranks = _connected(wait)
    try:
        with warnings.catch_warnings():
            if ranks.rank:
                warnings.simplefilter("ignore", GpufaWarning)
            norms = ranks if parallel == "data" and batch_norm == "ranks" else ALONE
            yield Together(ranks, norms=norms, **{parallel: ranks})
    except BaseException as error:
        if ranks.size > 1 and not ranks.all_failed():
            told = " ".join(str(error).split()) if isinstance(error, GpufaError) else repr(error)
            print(f"gpufa: rank {ranks.rank} of {ranks.size}: {told}", file=sys.stderr, flush=True)
            ranks.abort(BAD_INPUT if isinstance(error, GpufaError) else BROKEN)
        raise


def _connected(wait: float):  # type: ignore[no-untyped-def]
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        raise InvalidValue(
            f"several processes need mpi4py and an MPI ({error}); pip install 'gpufa[mpi]', or leave --parallel out"
        ) from error
    from .mpi import MPIRanks

    found = MPIRanks(MPI.COMM_WORLD, wait)
    if found.size == 1:
        warn("there is one process alone to train with; start several, as in mpiexec -n 2 gpufa train --parallel data")
    return found
