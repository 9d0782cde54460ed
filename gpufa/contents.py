"""What a checkpoint holds that is one of gpufa's: looked at before any of it is used."""

from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .checkpoint import foreign
from .progress import Progress, Status

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
AXES = {"epoch": 1, "step": 1, "seconds": 1, "loss": 2, "per_sample": 3}  # of a column, the rows' own among them


def check(arrays: Mapping[str, NDArray] | None, metadata: Mapping[str, Any], path: str | Path) -> None:
    """Raises FileProblem where a checkpoint's arrays, or the metadata alone, are not what gpufa writes."""
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
    if "config" in metadata and not (isinstance(metadata["config"], dict) and isinstance(metadata.get("data"), dict)):
        yield "its settings or the facts of its data are no table"


def _arrays(arrays: Mapping[str, NDArray], metadata: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the arrays beside good metadata."""
    sizes, replicas = metadata["network"]["sizes"], len(metadata["network"]["seeds"])
    for k, shape in enumerate(zip(sizes[1:], sizes, strict=False), start=1):
        if (W := arrays.get(f"parameters/W{k}")) is None or W.shape != (replicas, *shape):
            yield f"W{k} is not of the shape {(replicas, *shape)}"
    if "config" not in metadata:
        return
    for name, model in Progress(replicas).arrays().items():
        found = arrays.get(f"progress/{name}")
        if found is None or found.shape != model.shape or found.dtype.kind != model.dtype.kind:
            yield f"its progress has no {name} as it should be"
        elif found.dtype.kind == "i" and found.size and found.min() < 0:
            yield f"its progress has {name} below 0"
    if not np.isin(arrays["progress/status"], list(Status)).all():
        yield "a seed's status is none of gpufa's"
    for kind, required in COLUMNS.items():
        yield from _columns(kind, required, arrays, replicas)


def _columns(kind: str, required: tuple[str, ...], arrays: Mapping[str, NDArray], replicas: int) -> Iterator[str]:
    """What is wrong with a table of the history."""
    prefix = f"history/{kind}/"
    columns = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
    if columns and not columns.keys() >= set(required):
        yield f"its history of {kind} lacks one of {', '.join(required)}"
    rows = {array.shape[:1] for array in columns.values()}
    if len(rows) > 1 or () in rows:
        yield f"its history of {kind} has columns of {len(rows)} lengths"
    for name, array in columns.items():
        axes = AXES.get(name, array.ndim)
        if array.ndim != axes or axes > 3 or array.shape[1:2] not in ((), (replicas,)):
            yield f"its history has {kind}/{name} of the shape {array.shape}"
