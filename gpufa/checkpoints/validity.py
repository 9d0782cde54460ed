"""What a checkpoint holds that is one of gpufa's: looked at before any of it is used."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..basics.errors import FileProblem, InvalidValue
from ..basics.ownfiles import is_own
from ..basics.version import __version__, is_newer
from ..data.samples.about import damage
from ..layers.protocol.terms import Shape
from ..layers.words import block, inputs, stand_ins
from ..net.shape.layout import Layout
from ..training.course.progress import Progress
from ..training.course.stopping import Status
from ..training.settings.config import PARTS
from .hdf5 import foreign

NETWORK = {
    "sizes": list,
    "activation": list,
    "loss": str,
    "rule": dict,
    "seeds": list,
    "single": bool,
    "dtype": str,
}
COLUMNS = {"epochs": ("epoch", "step", "loss", "seconds"), "probes": ("step", "per_sample")}
SCALED = "scaling", "target_scaling"  # groups of what the inputs and the targets go through
EDGES = "graph/edges"
FILLED = "filling"  # the group of what the inputs' missing values become
# Axes of a column, the rows' own among them; of others 2, in probes 3.
AXES = {"epoch": 1, "step": 1, "seconds": 1, "backprop_steps": 1, "validation_recall": 3, "test_recall": 3}
WHOLE = "epoch", "step"
COUNTS = ("backprop_steps",)
LARGEST = 2**53  # what counts steps and samples stays below it


def check(arrays: Mapping[str, NDArray] | None, metadata: Mapping[str, Any], path: str | Path) -> None:
    """Raises FileProblem where a checkpoint's arrays, or the metadata alone, are not what gpufa writes, or are a newer
    gpufa's."""
    if isinstance(writer := metadata.get("gpufa"), str) and is_newer(writer):
        raise FileProblem(
            f"checkpoint {str(path)!r} was written by gpufa {writer}, and this is {__version__}: upgrade gpufa"
        )
    for fault in chain(_facts(metadata), _arrays(arrays, metadata) if arrays is not None else ()):
        raise foreign(path, fault)


def _facts(metadata: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the metadata; the first is reason enough."""
    network = metadata.get("network")
    if not isinstance(metadata.get("gpufa"), str) or not isinstance(network, dict):
        yield "its metadata name no version or no network"
        return
    for name, kind in NETWORK.items():
        if not isinstance(network.get(name), kind):
            yield f"its network has {name} = {network.get(name)!r}"
    if not isinstance(network.get("rule", {}).get("name"), str):
        yield "its rule has no name"
    if not network["seeds"] or not all(type(n) is int for n in (*network["sizes"], *network["seeds"])):
        yield f"its network has sizes {network['sizes']!r} and seeds {network['seeds']!r}"
    words = network.get("layers", ["input 1", "dense 1"])
    if not (isinstance(words, list) and len(words) > 1 and all(isinstance(word, str) for word in words)):
        yield f"its network has layers = {words!r}"
    if named := [name for name in _named(network, metadata.get("config", {})) if is_own(name)]:
        yield f"it names a file with code, {named[0]!r}"
    if "config" in metadata and not (isinstance(metadata["config"], dict) and isinstance(metadata.get("data"), dict)):
        yield "its settings or the facts of its data are no table"
    if "about" in metadata and (found := damage(metadata["about"])):
        yield found


def _named(network: Mapping[str, Any], config: Any) -> Iterator[Any]:
    """The activations, losses and so on that it names."""
    tables = [network, config] if isinstance(config, dict) else [network]
    for given in (table.get(name) for table in tables for name in PARTS):
        yield from given if isinstance(given, list) else [given]


def _arrays(arrays: Mapping[str, NDArray], metadata: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the arrays beside good metadata."""
    sizes, replicas = metadata["network"]["sizes"], len(metadata["network"]["seeds"])
    try:
        shapes = _matrices(metadata["network"])
    except InvalidValue as error:
        yield f"its layers are none ({error})"
        return
    for name, shape in shapes.items():
        if (W := arrays.get(f"parameters/{name}")) is None or W.shape != (replicas, *shape):
            yield f"{name} is not of the shape {(replicas, *shape)}"
    for group, units, what in zip(SCALED, (sizes[0], sizes[-1]), ("features", "outputs"), strict=True):
        scaling = {name: array.shape for name, array in arrays.items() if name.startswith(f"{group}/")}
        matrix = scaling.pop("scaling/matrix", None) if group == "scaling" else None
        rows = scaling.pop("scaling/rows", (1,)) if group == "scaling" else (1,)
        good = scaling == dict.fromkeys((f"{group}/shift", f"{group}/factor"), (units,))
        if (scaling and not good) or (matrix and not (good and matrix == (units, units))) or rows != (1,):
            yield f"its {group} is not of so many {what} as its network has"
    filling = {name: array.shape for name, array in arrays.items() if name.startswith(f"{FILLED}/")}
    if filling and filling != {f"{FILLED}/value": (sizes[0],)}:
        yield f"its {FILLED} is not of so many features as its network has"
    yield from _edges(arrays, metadata["network"])
    if "config" not in metadata:
        return
    if (rate := arrays.get("learning_rate", np.ones(1))).shape != (1,) or not 0 < rate[0] < np.inf:
        yield "its learning rate is no number above 0"
    for name, model in Progress(replicas).arrays().items():
        found = arrays.get(f"progress/{name}")
        if found is None or found.shape != model.shape or found.dtype.kind != model.dtype.kind:
            yield f"its progress has no {name} as it should be"
        elif found.dtype.kind == "i" and not (found.min() >= 0 and found.max() < LARGEST):
            yield f"its progress has {name} out of range"
    if not np.isin(arrays["progress/status"], list(Status)).all():
        yield "a seed's status is none of gpufa's"
    kept = arrays.get("kept/epoch", np.full(0 if metadata["config"].get("keep") == "best" else replicas, 0))
    if kept.shape != (replicas,) or kept.dtype.kind != "i" or kept.min() < 0 or kept.max() > arrays["progress/epoch"]:
        yield "it does not say of which epochs its weights are"
        return
    for name in arrays:
        if name.startswith("history/") and name.split("/")[1:-1] not in [[kind] for kind in COLUMNS]:
            yield f"its history has {name!r}"
    for kind, required in COLUMNS.items():
        # A cell of probes has a figure of each hidden layer, one of epochs, where it has that axis, of each class.
        depth = len(sizes) - 2 if kind == "probes" else max(sizes[-1], 2)
        yield from _columns(kind, required, arrays, (replicas, depth))


def _edges(arrays: Mapping[str, NDArray], network: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the edges of its graph, where it has one."""
    edges, nodes = arrays.get(EDGES), network.get("nodes")
    if edges is None and not ("layers" in network and _layout(network["layers"]).joining):
        return
    if edges is None or edges.ndim != 2 or edges.shape[1] != 2 or edges.dtype.kind != "i" or type(nodes) is not int:
        yield "its layers go along the edges of a graph, and it has none"
    elif edges.size and not 0 <= edges.min() <= edges.max() < nodes:
        yield f"an edge of its graph leads to none of {nodes} nodes"


def _matrices(network: Mapping[str, Any]) -> dict[str, Shape]:
    """The names and shapes of its weights. Raises InvalidValue for layers that are none."""
    sizes, words = network["sizes"], network.get("layers")
    if words is None:
        return {f"W{k}": shape for k, shape in enumerate(zip(sizes[1:], sizes, strict=False), start=1)}
    layout = _layout(words)
    if list(layout.units) != sizes:
        raise InvalidValue(f"layers of {list(layout.units)} units in a net of {sizes}")
    return {name: shape for k in range(1, layout.L + 1) for name, shape in layout.matrices(k).items()}


def _layout(words: Sequence[str]) -> Layout:
    parts = stand_ins(words)
    return Layout.of(inputs(words[0]) or (0,), [block(word, parts) for word in words[1:]])


def _columns(
    kind: str, required: tuple[str, ...], arrays: Mapping[str, NDArray], cell: tuple[int, int]
) -> Iterator[str]:
    """What is wrong with a table of the history, of which a cell is a number, (R,), or (R, L - 1) or (R, C)."""
    prefix = f"history/{kind}/"
    columns = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
    if columns and not columns.keys() >= set(required):
        yield f"its history of {kind} lacks one of {', '.join(required)}"
    for name, array in columns.items():
        axes = AXES.get(name, 3 if kind == "probes" else 2)
        if array.ndim != axes or not len(array) or array.shape[1:] != cell[: axes - 1]:
            yield f"its history has {kind}/{name} of the shape {array.shape}"
        if name in WHOLE and not (
            array.dtype.kind == "i" and (np.diff(array, prepend=0) > 0).all() and array[-1] < LARGEST
        ):
            yield f"its history has {kind}/{name} that do not rise"
        if name in COUNTS and not (array.dtype.kind == "i" and array.min() >= 0 and array.max() < LARGEST):
            yield f"its history has {kind}/{name} that count nothing"
    rows = {len(columns[name]) for name in required if name in columns}
    if len(rows) > 1 or any(len(array) > max(rows) for array in columns.values()):
        yield f"its history of {kind} has columns of other lengths"
