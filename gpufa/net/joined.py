"""A net whose samples are the nodes of a graph, where a layer goes along its edges."""

from typing import Any

import numpy as np

from ..basics.errors import InvalidValue
from ..data.graphs.graph import Graph, graph_of
from .state.model import Model


class Joined(Model):
    """A Model that may have a graph."""

    _passes: dict[int, Any]  # by size, which hold on to edges

    @property
    def graph(self) -> Graph | None:
        """Whose nodes all samples are, where layers go along its edges; another may be set in its place, or its edges
        as Graph takes them. Raises InvalidValue where there is none and such a layer, or one and no such layer."""
        return self._graph

    @graph.setter
    def graph(self, graph: Any) -> None:
        sizes = self.sizes.whole
        if graph is None and sizes.joining:
            k = sizes.joining[0]
            raise InvalidValue(
                f"block {k}, '{sizes.blocks[k - 1]}', goes along the edges of a graph, and there is none; train on data"
                " with edges, such as --data cora, or hand gpufa.Network a graph (docs/graphs.md); estimators of"
                " scikit-learn take none"
            )
        if graph is not None and not sizes.joining:
            raise InvalidValue(
                "the samples are the nodes of a graph, and no layer of the net goes along its edges; give layers such"
                ' as "neighbours, dense 16 relu" and "neighbours, dense 7", or --layers "neighbours, dense 16 relu"'
                " neighbours"
            )
        self._graph = None if graph is None else graph_of(graph)
        self._adjacencies.clear()
        self._passes.clear()

    def counted(self, y: Any) -> tuple[Any, int]:
        """Of the nodes of a graph, what their errors are multiplied by, (R, m), 0 for those whose label is -1; and how
        many have another."""
        known = self.backend.to_host(y) >= 0
        weight = np.broadcast_to(known, (len(self.seeds), len(known))).astype(self.dtype)
        return self.backend.to_device(weight), max(1, int(known.sum()))

    def check_nodes(self, samples: int, name: str) -> None:
        """Raises InvalidValue where these are not all nodes of the graph."""
        if self.graph is not None and samples != self.graph.nodes:
            raise InvalidValue(
                f"{name} has {samples} samples, and the graph {self.graph.nodes} nodes; give all of them, or set"
                " net.graph to theirs"
            )
