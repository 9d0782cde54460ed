"""Sums over the edges of a graph, whose nodes are the samples of a batch: what goes from each to its neighbours."""

from typing import Any, NamedTuple

Array = Any


class Sparse(NamedTuple):
    """A matrix (nodes, nodes) by rows, as SciPy's CSR has it: `starts`, (nodes + 1,), says where the entries of each
    row begin, `places` in which column each entry is, both int64, and `values` what it is. No row is without entries,
    though one may be 0."""

    starts: Array
    places: Array
    values: Array


class Adjacency(NamedTuple):
    """A matrix of weights on edges, `up`, and its transpose, `down`, by which errors come back."""

    up: Sparse
    down: Sparse


class Edges:
    """What goes along edges. Arrays that are written lie row by row without gaps."""

    def neighbours(self, x: Array, weights: Sparse, out: Array, b: Array = None) -> None:
        """out[r, n, i] = the sum over node i's entries of value * x[r, n, place], in their order, with b[r, n] on top
        where that is given: (R, n, m), or of x (n, m) where the replicas share it."""
        raise NotImplementedError
