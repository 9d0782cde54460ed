"""A graph, whose nodes are the samples: its edges, and the weights by which neighbours are summed."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...basics.arguments import one_of, shown, whole
from ...basics.errors import InvalidValue, warn
from ..samples.data import host_array

WAYS = "symmetric", "mean", "sum"
SUCH = "(edges, 2) whole numbers of nodes, from 0, or a SciPy sparse matrix"


class Graph:
    """Undirected edges among the nodes 0 .. nodes - 1.

    edges   (edges, 2) int64, each once, the smaller node first, in sorted order
    nodes   how many there are, those without an edge among them

    It is made of (edges, 2) whole numbers, in whatever order and one way or both, or of a SciPy sparse matrix (nodes,
    nodes) of 0 and 1; where `nodes` is not given it is the matrix's, or the largest number and 1. Edges from a node to
    itself are left out with a warning, as a layer says whether a node counts itself. Raises InvalidValue for what is no
    such thing.
    """

    def __init__(self, edges: Any, nodes: int | None = None) -> None:
        found, least = _edges_of(edges)
        if found.size and found.min() < 0:
            raise InvalidValue(f"an edge leads to node {found.min()}; nodes are counted from 0")
        most = int(found.max()) + 1 if found.size else 0
        self.nodes = whole(max(most, least) if nodes is None else nodes, "the nodes of a graph")
        if self.nodes < most:
            raise InvalidValue(
                f"an edge leads to node {most - 1}, but the graph has {self.nodes} nodes, counted from 0; give the"
                " edges of these alone, or more nodes"
            )
        loops = found[:, 0] == found[:, 1]
        if loops.any():
            warn(
                f"{int(loops.sum())} edges lead from a node to itself, the first at node {found[loops][0, 0]}, and are"
                " left out: whether a node counts itself is the layer's to say"
            )
        once = np.unique(np.sort(found[~loops], axis=1), axis=0)
        self.edges: NDArray[np.int64] = once.reshape(-1, 2)

    def __repr__(self) -> str:
        return f"Graph({self.nodes} nodes, {len(self.edges)} edges)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Graph) and self.nodes == other.nodes and np.array_equal(self.edges, other.edges)

    __hash__ = None  # type: ignore[assignment]

    def weights(self, by: str = "symmetric", loops: bool = True) -> Any:
        """The SciPy CSR matrix A, (nodes, nodes) float64, by which x A^T sums neighbours: 1 at each edge both ways, and
        with `loops` at each node, D being its row sums; "symmetric" D^-1/2 A D^-1/2, "mean" D^-1 A, "sum" A itself. A
        row without entries has one that is 0."""
        from scipy import sparse

        one_of(by, WAYS, "way in which neighbours are summed")
        every, (first, second) = np.arange(self.nodes), self.edges.T
        rows, columns = np.concatenate([first, second, every]), np.concatenate([second, first, every])
        degree = np.bincount(rows[: -self.nodes], minlength=self.nodes) + float(loops)
        inverse = 1 / np.where(degree > 0, degree, 1)
        values = np.concatenate([np.ones(2 * len(first)), np.full(self.nodes, float(loops))])
        if by == "symmetric":
            values *= np.sqrt(inverse[rows]) * np.sqrt(inverse[columns])
        elif by == "mean":
            values *= inverse[rows]
        used = np.ones(len(rows), bool)
        if not loops:
            used[-self.nodes :] = degree == 0
        made = sparse.coo_matrix((values[used], (rows[used], columns[used])), shape=(self.nodes, self.nodes)).tocsr()
        made.sort_indices()
        return made


def graph_of(given: Any) -> Graph:
    """A Graph, as it is or of what Graph takes."""
    return given if isinstance(given, Graph) else Graph(given)


def _edges_of(given: Any) -> tuple[NDArray[np.int64], int]:
    """(edges, 2), and how many nodes there are at least."""
    from scipy import sparse

    if sparse.issparse(given):
        return _of_matrix(given.tocoo())
    array = host_array(given, "the edges of a graph")
    if array.ndim != 2 or array.shape[1] != 2 or array.dtype.kind not in "iu":
        turned = array.ndim == 2 and array.shape[0] == 2
        way = "edges.T, as each is a row" if turned else SUCH
        raise InvalidValue(f"the edges of a graph can't be {array.dtype} of the shape {shown(array.shape)}; give {way}")
    return array.astype(np.int64), 0


def _of_matrix(matrix: Any) -> tuple[NDArray[np.int64], int]:
    """Of a SciPy COO matrix."""
    if matrix.shape[0] != matrix.shape[1]:
        raise InvalidValue(f"the matrix of a graph's edges has the shape {matrix.shape}; give (nodes, nodes)")
    there = matrix.data != 0
    if (other := matrix.data[there][matrix.data[there] != 1]).size:
        raise InvalidValue(
            f"an edge has the weight {other[0]:g}, and layers weigh edges themselves; give a matrix of 0 and 1"
        )
    edges = np.stack([matrix.row[there], matrix.col[there]], axis=1).astype(np.int64)
    one_way = len(np.unique(edges, axis=0)) - len(np.unique(np.concatenate([edges, edges[:, ::-1]]), axis=0))
    if one_way:
        warn(f"{-one_way} edges of the matrix lead one way alone, and are taken both ways")
    return edges, matrix.shape[0]
