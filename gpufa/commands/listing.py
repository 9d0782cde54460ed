"""The commands that say what there is: list, data, rules, layers, info."""

from pathlib import Path
from typing import Literal

from ..backends import describe_all
from ..basics.console import console, say
from ..basics.errors import InvalidValue
from ..basics.sheet import Sheet
from ..basics.version import __version__
from ..data.sets import namedsets
from ..rules import RULES
from ..runs import overview
from ..training.settings.config import Config
from . import display

OK = 0


def list_runs(folder: Path = Path("runs"), /) -> int:
    """The runs in a folder: rule, data, epochs, test score, and whether they are done.

    Args:
        folder: where to look, in the folders within it too
    """
    found = overview.entries(folder)
    if not found:
        say(f"no runs in {folder}")
        return OK
    head = "run", "rule", "data", "epochs", "test score, mean ± deviation", "status"
    display.sheet(
        Sheet(f"{len(found)} run{'s' * (len(found) != 1)} in {folder}", head, tuple(found), texts=head[1:]), console()
    )
    return OK


def data(action: Literal["list", "fetch"], name: str | None = None, /) -> int:
    """List the data sets that gpufa knows by name, or download one into the cache.

    Args:
        action: list, or fetch NAME
        name: the data set to fetch
    """
    if action == "list":
        display.facts(namedsets.listed(), console())
    elif name is None:
        raise InvalidValue(f"gpufa data fetch needs a name; choose one of {', '.join(namedsets.DESCRIPTIONS)}")
    else:
        say(f"{name} is in {namedsets.fetch(name)}")
    return OK


def rules() -> int:
    """Every learning rule: its paper, what crosses between layers, what it keeps, which of backprop's locks it frees.

    A layer is locked "forward" where it waits for the layers below to run, "backward" where for the layer above
    to send its error back, and "update" where it waits for the output at all.
    """
    display.rules(RULES, console())
    return OK


def layers() -> int:
    """The words that nets are made of: --layers "dense 64 tanh, dropout 0.5" "residual(dense 64 tanh)"."""
    display.layers(console())
    return OK


def info() -> int:
    """The backend that would be used and why, and facts about CuPy, CUDA, BLAS and threads."""
    precision = f"{Config().dtype}; --dtype float64 for double precision"
    display.facts({"gpufa": __version__, **describe_all(), "dtype": precision}, console())
    return OK
