"""What sign symmetry shares: feedback that knows the signs of the weights, but not how large they are.

delta_L = e
delta_k = (V_k delta_{k+1}) * f'(a_k)        V_k = |M_k| * sign(W_{k+1}^T), n_k x n_{k+1}; sign(0) = 0
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...basics.arrays import T, as_matrix
from ...functions.formulas import FORMULAS
from ...functions.initialisers import fans
from ...layers.protocol.carrying import carrier
from ...layers.protocol.terms import Shape
from ...net.batch.passes import Pass
from ...net.learning.options import above_zero
from ...net.learning.rule import Rule

INNER = 1 << 10  # between the streams of matrices of one block


@dataclass(frozen=True)
class SignSymmetry(Rule):
    """V_k^T takes its signs from W_{k+1} and its magnitudes from `magnitudes`, (R, n_{k+1}, n_k) or 1 long."""

    scale: float = 1.0

    crosses = "delta_{k+1}, and the signs of the weights"
    needs = frozenset({"pull", "derivative"})
    linear = True
    separable = True

    def __post_init__(self) -> None:
        above_zero(self.scale, "feedback scale", "scale")

    def spread(self, shape: Shape) -> float:
        """scale * sqrt(2 / (n_k + n_{k+1})), the root mean square of V_k; of a kernel sqrt(2 / (fan_in + fan_out))."""
        return self.scale * math.sqrt(2 / sum(fans(shape)))

    def magnitudes(self, net: Pass, name: str, shape: Shape, stream: int) -> Any:
        """Of the V that stands in for the matrix of that name and shape; `stream` is its own, for random numbers."""
        raise NotImplementedError(f"{type(self).__name__} must define magnitudes(net, name, shape, stream)")

    def feedback(self, net: Pass) -> dict[str, Any]:
        """By matrix W_{k+1}, what stands in for its transpose: V_k, (R, n_k, n_{k+1}); a kernel's is as it."""
        found = {}
        for k in net.sizes.every:
            for i, name in enumerate(net.sizes.carriers[k]):
                shape = net.sizes.parameters[k][name]
                V = net.array(f"V of {name}", *shape)
                magnitudes = self.magnitudes(net, name, shape, k - 1 + INNER * i)
                net.backend.evaluate(FORMULAS["concordant"], *map(as_matrix, (V, magnitudes, net.parameters[name])))
                found[name] = carrier(V)
        return found

    def deltas(self, net: Pass, e: Any) -> None:
        V = self.feedback(net)
        net.send(net.L, e, V)
        for k in reversed(net.hidden):
            net.send(k, net.pull(k + 1, V), V)

    def weight_pairs(self, net: Pass) -> Iterator[tuple[int, Any, Any]]:
        V = self.feedback(net)
        for k in net.hidden:
            if net.sizes.one_dense(k + 1):
                yield k, V[f"W{k + 1}"], T(net.W[k + 1])
