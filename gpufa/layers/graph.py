"""What goes along the edges of a graph, whose nodes are the samples (Kipf & Welling 2017, arXiv:1609.02907)."""

from dataclasses import dataclass

from ..backends.operations.operands import Signal
from ..basics.arguments import one_of
from ..basics.arrays import Array
from ..basics.errors import InvalidValue
from ..data.graphs.graph import WAYS
from .protocol.carrying import carrier
from .protocol.layer import At, Layer
from .protocol.terms import Carriers, Option, Parameter, Shape, Sums
from .units.dense import Dense


@dataclass(frozen=True)
class Neighbours(Layer):
    """x A^T: of each node, the sum of its neighbours and itself, or with `noself` of its neighbours alone, divided as
    `by` says: "symmetric", each by the root of both nodes' numbers of them, "mean", by the node's own, or "sum", not
    at all. Of all nodes of a graph at once; an error goes down along the edges as well, by A."""

    by: str = "symmetric"
    selves: bool = True

    spent = known = joins = True
    word = "neighbours"
    example = "neighbours"
    options = (Option("by", "mean", WAYS), Option("noself", "", sets=("selves", False)))

    def __post_init__(self) -> None:
        one_of(self.by, WAYS, "way in which neighbours are summed")
        if not isinstance(self.selves, bool):
            raise InvalidValue(f"the selves of neighbours can't be {self.selves!r}; give True or False")

    def forward(self, at: At) -> None:
        at.backend.neighbours(at.x, at.batch.adjacency(self.by, self.selves).up, out=at.y)

    def pull(self, at: At, carriers: Carriers) -> Signal:
        self.back(at, at.delta, out=at.down)
        return Signal(None, at.down)

    def back(self, at: At, delta: Array, out: Array) -> None:
        """out = delta A, the signal at x of a signal at y."""
        at.backend.neighbours(delta, at.batch.adjacency(self.by, self.selves).down, out=out)


@dataclass(frozen=True)
class DenseBeforeEdges(Layer):
    """`neighbours` and `dense` above it in the other order, as W (x A^T) is (W x) A^T: what goes along the edges are
    the dense layer's units, where they are fewer. Its parameters are the dense layer's."""

    along: Neighbours
    dense: Dense

    spent = known = joins = either_way = True

    def __str__(self) -> str:
        return f"{self.along}, {self.dense}"

    def out(self, shape: Shape) -> Shape:
        return self.dense.out(shape)

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        return self.dense.parameters(shape)

    def forward(self, at: At) -> None:
        product = self._space(at, "product")
        at.backend.gemm(at.w["W"], at.x, out=product)
        at.backend.neighbours(product, at.batch.adjacency(self.along.by, self.along.selves).up, out=at.y, b=at.w["b"])

    def send(self, at: At, carriers: Carriers) -> None:
        self.along.back(at, at.delta, out=self._space(at, "signal"))

    def pull(self, at: At, carriers: Carriers) -> Signal:
        W = carrier(at.w["W"]) if carriers is None else carriers[at.names["W"]]
        return Signal(W, self._space(at, "signal"))

    def gradients(self, at: At, grads: Sums) -> None:
        grads.product(at.names["W"], self._space(at, "signal"), at.x)
        grads.sums(at.names["b"], at.delta)

    def _space(self, at: At, name: str) -> Array:
        """Of the dense layer's units before they go along the edges, (R, n, m)."""
        return at.array(f"{name} before edges", self.dense.n, at.batch.m)
