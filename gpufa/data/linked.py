"""Nodes of a graph that a net predicts of, or is judged on: labels and parts need not be there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..basics.errors import InvalidValue
from .arrays.arrayfiles import array_names, check_there, read_arrays
from .graphs import nodes
from .graphs.graph import Graph
from .samples.about import About, Wanted
from .samples.target import judged
from .streams.room import Way
from .streams.sources import size_of
from .userfiles import LINKED, has_edges

NO_EDGES = "has no edges, and the net goes along those of a graph; give one (docs/graphs.md)"


class Linked(NamedTuple):
    """x of all nodes, (nodes, features), and their edges; y, (nodes,), the classes' numbers of those that a net is
    judged on, -1 for all others: of the test part where an array says which these are, else of all that have a label;
    None where none is. `which` is these in words."""

    x: NDArray
    y: NDArray[np.int64] | None
    graph: Graph
    which: str


def read_linked(path: Path, about: About | None, wanted: Wanted, way: Way) -> Linked:
    """What a file holds for a net on a graph. Raises FileProblem where it can't be read, and InvalidValue, which names
    it, where it has no edges, or arrays that are none of a graph's."""
    if not has_edges(path):
        check_there(path)
        if path.name.lower().endswith(nodes.ENDINGS):
            array_names(path)  # which says what is wrong with a file that can't be read
        raise InvalidValue(f"{path} {NO_EDGES}")
    names = nodes.named(array_names(path))
    with way.unless(LINKED).into_memory(path, size_of(path)):
        try:
            arrays = dict(zip(names, read_arrays(path, (), names), strict=True))
            return of_arrays(arrays, about, wanted)
        except InvalidValue as error:
            raise InvalidValue(f"{path}: {error}") from None


def of_arrays(arrays: Mapping[str, Any], about: About | None, wanted: Wanted) -> Linked:
    """What such arrays hold. Raises InvalidValue where one is none, and for labels that the net does not tell."""
    nodes.refuse(wanted, None)
    x = nodes.features_of(arrays)
    graph = nodes.graph_in(arrays, len(x))
    if not any(name in arrays for name in nodes.LABELS):
        return Linked(x, None, graph, "")
    y = nodes.labels_of(arrays, len(x))
    known, test = nodes.labelled(y), nodes.mask_of(arrays, "test", y)
    asked = test if test.any() else known
    if not asked.any():
        return Linked(x, None, graph, "")
    labels = np.full(len(x), -1)
    labels[asked] = judged(y[asked], about, int(asked.sum()))
    return Linked(x, labels, graph, "the test nodes" if test.any() else f"all {int(asked.sum())} nodes with a label")
