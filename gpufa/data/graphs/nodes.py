"""A graph with its nodes in named arrays, of an .npz, an HDF5 file or a program: features, labels, edges, and which
nodes are trained on, validate and test, as Planetoid has them (Yang, Cohen & Salakhutdinov 2016, arXiv:1603.08861).

edges          edges, (E, 2); edge_index, (2, E); or adj_indptr, adj_indices, adj_shape and maybe adj_data, by rows
features       x, features or attr_matrix, (nodes, features); or x_ or attr_ with indptr, indices, shape and maybe data
labels         y, labels or label: whole numbers, -1 for a node without one, strings, or one-hot rows
which nodes    train, val and test, or names with _mask or _idx behind or idx_ before: bools, or the nodes' numbers
"""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...basics.errors import InvalidValue
from ..arrays.arraynames import listed, shape_in_words
from ..samples.about import CLASSIFICATION, About, Wanted
from ..samples.data import Data, floats, host_array, numbers
from ..samples.target import decide
from .graph import Graph

ENDINGS = ".npz", ".h5", ".hdf5"
EDGES = "edges", "edge_index", "adj_indptr"
WEIGHTS = "edge_weight", "edge_weights", "edge_attr"
FEATURES = "x", "features", "attr_matrix"
LABELS = "y", "labels", "label"
SPARSE = "x", "attr"  # before indptr, indices, shape and data
CSR = "indptr", "indices", "shape"
PARTS = {"train": ("train",), "validation": ("val", "valid", "validation"), "test": ("test",)}
FORMS = "{}", "{}_mask", "{}_idx", "{}_index", "idx_{}"
OF_A_TABLE = "target", "features", "drop", "sample_weights", "missing"
ONE_FORM = (
    "a graph has edges, (E, 2), or edge_index, (2, E); x, (nodes, features), or x_indptr, x_indices and x_shape; y; and"
    " train, val and test, bools or the numbers of nodes"
)


def holds(names: Collection[str]) -> bool:
    """Whether arrays of those names are a graph with its nodes."""
    return any(name in names for name in EDGES)


def named(names: Collection[str]) -> list[str]:
    """Those of the names that are of a graph."""
    of_csr = {f"{name}_{part}" for name in (*SPARSE, "adj") for part in (*CSR, "data")}
    return [name for name in names if name in {*EDGES, *WEIGHTS, *FEATURES, *LABELS, *_of_parts(), *of_csr}]


def refuse_unlinked(names: Collection[str]) -> None:
    """Raises InvalidValue where arrays without edges are parted, or linked, as a graph is alone."""
    if found := [name for name in names if name == "adj" or name in _of_parts()]:
        raise InvalidValue(
            f"the array {found[0]!r} is for a graph's nodes, and there are no edges; give edges, (E, 2), or x_train,"
            " y_train, x_test and y_test, or leave it out"
        )


def refuse(wanted: Wanted, fraction: float | None) -> None:
    """Raises InvalidValue for settings that are of other data than a graph's nodes."""
    for name in OF_A_TABLE:
        if getattr(wanted, name) is not None:
            raise InvalidValue(f"the data are a graph's nodes, with a target of their own; leave --{_flag(name)} out")
    if fraction is not None:
        raise InvalidValue(
            f"a graph says which of its nodes train and test; leave out test_fraction={fraction:g} (--test-fraction)"
        )
    if wanted.task not in (None, CLASSIFICATION):
        raise InvalidValue(f"the nodes of a graph have classes, and not amounts; leave --task {wanted.task} out")


def of_arrays(arrays: Mapping[str, Any], wanted: Wanted, fraction: float | None) -> Data:
    """What such arrays hold to train on. Raises InvalidValue where one is missing or is none, and as `refuse`."""
    refuse(wanted, fraction)
    x = features_of(arrays)
    y = labels_of(arrays, len(x))
    masks = {part: mask_of(arrays, part, y) for part in PARTS}
    if not masks["train"].any():
        raise InvalidValue(f"no node is trained on: there is no array train among {_every(arrays)}; {ONE_FORM}")
    _check_apart(masks)
    known = labelled(y)
    made = decide(y[masks["train"]], y[known], CLASSIFICATION, "y", parted=True)
    assert made.test is not None
    labels = np.full(len(x), -1)
    labels[known] = made.test
    taught = {part: np.where(mask, labels, -1) for part, mask in masks.items()}
    data = Data(x, taught["train"], x, taught["test"]).told(About(CLASSIFICATION, classes=made.classes))
    return data.linked(graph_in(arrays, len(x)), taught["validation"])


def sentence(data: Data) -> str:
    """How large the graph is, and how many of its nodes are for what."""
    train, validation, test = (
        0 if y is None else int((y >= 0).sum()) for y in (data.y_train, data.y_validation, data.y_test)
    )
    graph = f"a graph of {data.graph.nodes} nodes and {len(data.graph.edges)} undirected edges"
    return f"{graph}: {train} nodes train, {validation} validate, {test} test"


def features_of(arrays: Mapping[str, Any]) -> NDArray:
    """(nodes, features) floats, dense."""
    sparse = next((name for name in SPARSE if f"{name}_indptr" in arrays), None)
    x = numbers(_sparse(arrays, sparse).toarray() if sparse else _one(arrays, FEATURES, "of features"), "x")
    if x.ndim != 2:
        raise InvalidValue(f"x has the shape {x.shape}; give (nodes, features)")
    return floats(x, "x")


def _sparse(arrays: Mapping[str, Any], name: str) -> Any:
    """The SciPy CSR matrix whose parts have that name in front."""
    from scipy import sparse

    starts, places, shape = (host_array(_one(arrays, (f"{name}_{part}",), ""), f"{name}_{part}") for part in CSR)
    values = arrays[f"{name}_data"] if f"{name}_data" in arrays else np.ones(len(places), np.float32)
    try:
        made = sparse.csr_matrix((values, places, starts), shape=tuple(int(n) for n in shape))
        made.check_format()
    except (ValueError, TypeError) as error:
        raise InvalidValue(
            f"{name}_indptr, {name}_indices and {name}_shape are no sparse matrix ({error}); write them anew"
        ) from None
    return made


def graph_in(arrays: Mapping[str, Any], nodes: int) -> Graph:
    """Its edges, among so many nodes."""
    if "adj_indptr" in arrays:
        matrix = _sparse(arrays, "adj")
        if matrix.shape[0] != nodes:
            raise InvalidValue(f"adj_shape says {matrix.shape[0]} nodes, but x has {nodes}; give one row for each node")
        return Graph(matrix)
    name = next(name for name in EDGES if name in arrays)
    edges = host_array(arrays[name], name)
    for weights in WEIGHTS:
        if weights in arrays and (np.asarray(arrays[weights]) != 1).any():
            raise InvalidValue(f"{weights} is not 1 at each edge, and layers weigh edges themselves; leave it out")
    return Graph(edges.T if name == "edge_index" else edges, nodes)


def labelled(y: NDArray) -> NDArray[np.bool_]:
    """Which nodes have a label."""
    return np.asarray(y >= 0 if y.dtype.kind == "i" else y != "")


def labels_of(arrays: Mapping[str, Any], nodes: int) -> NDArray:
    """One of each node: a whole number, -1 where there is none, or a string, empty where there is none."""
    y = host_array(_one(arrays, LABELS, "of labels"), "y")
    if y.ndim == 2 and y.shape[1] > 1 and y.dtype.kind in "biuf":
        if not (((y == 0) | (y == 1)).all() and (y.sum(axis=1) <= 1).all()):
            raise InvalidValue(f"y is {y.dtype} of the shape {y.shape}; give a class for each node, or one-hot rows")
        y = np.where(y.any(axis=1), y.argmax(axis=1), -1)
    y = y.reshape(-1) if y.size == len(np.atleast_1d(y)) else y
    if y.dtype.kind == "O" and all(isinstance(one, str) for one in y.flat):
        y = y.astype(str)
    if y.dtype.kind == "f" and bool((y == y.round()).all()):
        y = y.astype(np.int64)
    if y.shape != (nodes,) or y.dtype.kind not in "iuU":
        raise InvalidValue(
            f"y is {y.dtype} of the shape {y.shape}; give a class for each of {nodes} nodes, -1 for none"
        )
    y = y.astype(np.int64) if y.dtype.kind in "iu" else y
    if y.dtype.kind == "i" and y.min() < -1:
        raise InvalidValue(f"node {int(y.argmin())} has the label {y.min()}; give classes from 0, and -1 for none")
    return y


def mask_of(arrays: Mapping[str, Any], part: str, y: NDArray) -> NDArray[np.bool_]:
    """Which nodes are for that part, all of which have a label; none where no array says so."""
    names = [form.format(name) for name in PARTS[part] for form in FORMS]
    found = [name for name in names if name in arrays]
    if len(found) > 1:
        raise InvalidValue(f"arrays {found[0]!r} and {found[1]!r} could both say which nodes are for it; leave one out")
    mask = np.zeros(len(y), bool)
    if not found:
        return mask
    given = host_array(arrays[found[0]], found[0])
    if given.dtype.kind in "iu" and given.shape == y.shape and set(np.unique(given)) <= {0, 1} and len(y) > 2:
        given = given.astype(bool)  # numbers of nodes would each be there once
    if given.dtype.kind == "b" and given.shape == y.shape:
        mask = given
    elif given.dtype.kind in "iu" and given.ndim == 1 and len(np.unique(given)) == len(given):
        if (none := given[(given < 0) | (given >= len(y))]).size:
            raise InvalidValue(f"{found[0]} names node {none[0]}, and there are {len(y)}, counted from 0; mend it")
        mask[given] = True
    else:
        raise InvalidValue(
            f"{found[0]} is {given.dtype} of the shape {given.shape}; give a bool for each of {len(y)} nodes, or the"
            " numbers of some, each once"
        )
    unknown = mask & ~labelled(y)
    if unknown.any():
        raise InvalidValue(f"{found[0]} has node {int(unknown.argmax())}, which has no label; leave it out")
    return mask


def _check_apart(masks: Mapping[str, NDArray]) -> None:
    """Raises InvalidValue where a node is for two parts."""
    names = list(masks)
    for i, name in enumerate(names):
        for other in names[i + 1 :]:
            if (both := masks[name] & masks[other]).any():
                raise InvalidValue(
                    f"node {int(both.argmax())} is for {name} and for {other}; give each node to one of them"
                )


def _one(arrays: Mapping[str, Any], names: Collection[str], what: str) -> Any:
    """The array of one of those names."""
    found = [name for name in names if name in arrays]
    if len(found) == 1:
        return arrays[found[0]]
    if found:
        raise InvalidValue(f"arrays {found[0]!r} and {found[1]!r} could both be the one {what}; leave one out")
    raise InvalidValue(f"there is no array {' or '.join(names)} {what} among {_every(arrays)}; {ONE_FORM}")


def _every(arrays: Mapping[str, Any]) -> str:
    return listed({name: shape_in_words(np.shape(a), getattr(a, "dtype", "")) for name, a in arrays.items()})


def _of_parts() -> set[str]:
    """All names that arrays may have which say what nodes are for."""
    return {form.format(name) for called in PARTS.values() for name in called for form in FORMS}


def _flag(name: str) -> str:
    return name.replace("_", "-")
