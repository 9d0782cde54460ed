"""GRAPHS: the graphs known by name, a row each; their files are looked for, and never downloaded."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ...basics.errors import FileProblem


class NamedGraph(NamedTuple):
    """A citation network with Planetoid's parts."""

    description: str
    licence: str
    nodes: int
    edges: int
    features: int
    classes: int
    parts: tuple[int, int, int]


GRAPHS = {
    "cora": NamedGraph(
        "2,708 papers on machine learning and who cites whom, of 7 fields, from your own cora.npz",
        *("none stated by its authors; cite Sen et al. 2008", 2708, 5278, 1433, 7, (140, 500, 1000)),
    ),
    "citeseer": NamedGraph(
        "3,327 papers and who cites whom, of 6 fields, from your own citeseer.npz",
        *("none stated by its authors; cite Sen et al. 2008", 3327, 4552, 3703, 6, (120, 500, 1000)),
    ),
}


def said(row: NamedGraph) -> str:
    """Its size and licence in words."""
    train, validation, test = row.parts
    return f"{train} + {validation} + {test} of {row.nodes} nodes of {row.features} features; licence: {row.licence}"


def file_of(name: str) -> Path:
    """The file of the graph of that name, in $GPUFA_DATA, in its folder of that name, or in `graphs`. Raises
    FileProblem where it is in none of them."""
    root = os.environ.get("GPUFA_DATA")
    for path in _places(Path(root).expanduser(), name) if root else ():
        if path.is_file():
            return path
    where = f"{root}/graphs" if root else "a folder, and set GPUFA_DATA to its path"
    raise FileProblem(
        f"there is no {name}.npz in $GPUFA_DATA, and graphs are not downloaded; put one into {where} (docs/graphs.md"
        " says what is in it)"
    )


def _places(root: Path, name: str) -> Iterator[Path]:
    for folder in (root, root / "graphs", root / name):
        yield folder / f"{name}.npz"
