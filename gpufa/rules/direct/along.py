"""Direct feedback along the edges of a graph, by an option:

graph = true       delta_k = (B_k e A^(L-k)) * f'(a_k): in nets whose layers go along the edges of a graph, x A^T, the
                   error comes back along them through all blocks above; without, the nodes that are trained on alone
                   send one; the encoder's error comes down along those of the last block by itself
"""

from dataclasses import dataclass
from typing import Any

from ...basics.errors import InvalidValue
from ...net.batch.passes import Pass
from ...net.learning.options import boolean
from ...net.state.model import Model
from .sent import SentError


@dataclass(frozen=True)
class AlongEdges(SentError):
    """Direct feedback with this option."""

    graph: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        boolean(self.graph, "graph")

    def check(self, model: Model) -> None:
        super().check(model)
        if self.graph and not model.sizes.whole.joining:
            raise InvalidValue(
                "graph = true has the error go along the edges of a graph, and no layer of the net does; leave"
                " --set rule.graph out, or give layers such as 'neighbours, dense 16 relu'"
            )

    def scatter(self, net: Pass, signal: Any) -> None:
        if not self.graph:
            super().scatter(net, signal)
            return
        straight = net.kept("rows", lambda: self.straight(net.sizes))
        for k in reversed(net.hidden):
            if k + 1 < net.L or self.error == "outputs":
                signal = net.along_edges(k + 1, signal, "error")
            net.send(k, straight[k].signal(net, net.B[k], signal), self.carriers(net))
