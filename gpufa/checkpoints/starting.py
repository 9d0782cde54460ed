"""Weights and feedback that another net, in a checkpoint or in memory, begins with."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..basics.errors import InvalidValue, warn
from ..data.samples.about import About, of_metadata, shortened
from ..network import Network
from .networks import contents, describe, fill, network_arrays
from .replicas import of_replicas

ALL = slice(None)


def start_from(path: str | Path, net: Network, seeds: Sequence[int] = (), part: slice = ALL) -> None:
    """Give the net the weights and feedback of a checkpoint; where it has a part of a run's seeds, theirs. Raises
    FileProblem as `load` does, InvalidValue where the checkpoint is of a net with other sizes, functions, rule options
    or seeds."""
    arrays, metadata = contents(path)
    remedy = "start from a run of the same net, rule and seeds"
    begin_with(of_replicas(arrays, part), metadata, net, repr(str(path)), remedy, seeds)


def begin_with(
    arrays: Mapping[str, NDArray],
    metadata: Mapping[str, Any],
    net: Network,
    name: str,
    remedy: str,
    seeds: Sequence[int] = (),
) -> None:
    """Give the net those of contents that errors call `name`. Raises InvalidValue and FileProblem as start_from."""
    here = json.loads(json.dumps(describe(net, seeds)["network"]))
    there = here | json.loads(json.dumps(metadata["network"]))
    here["rule"] = {**net.rule.later, **here["rule"]}
    there["rule"] = {**here["rule"], **net.rule.later, **there["rule"]}
    here.setdefault("layers", None)
    there["layers"] = metadata["network"].get("layers")
    del here["single"]  # an axis more or less: the arrays of a file have it anyway
    here.pop("nodes", None)  # its weights are good for any graph
    if net.about and (trained := of_metadata(metadata)):
        _tell_of_others(trained, net.about, name)
    for what in ("sizes", "layers", *here):  # of layers in words, activations are but a part
        if there[what] != here[what]:
            raise InvalidValue(f"{name} has {what} = {there[what]!r}, but this run {here[what]!r}; {remedy}")
    fill(network_arrays(net), arrays, net)


def _tell_of_others(trained: About, about: About, name: str) -> None:
    """Tell where the columns or classes of the data are not those that the net was trained on."""
    for what in "features", "classes":
        then, now = getattr(trained, what), getattr(about, what)
        if then and now and then != now:
            warn(
                f"{name} was trained on the {what} {shortened([*map(str, then)])}, and the data have"
                f" {shortened([*map(str, now)])}: they take each other's places"
            )
