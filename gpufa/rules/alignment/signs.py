"""What sign symmetry shares: feedback that knows the signs of the weights, but not how large they are.

delta_L = e
delta_k = (V_k delta_{k+1}) * f'(a_k)        V_k = |M_k| * sign(W_{k+1}^T), n_k x n_{k+1}; sign(0) = 0
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...functions.formulas import FORMULAS
from ...net.layout import Sizes
from ...net.options import above_zero
from ...net.passes import Pass
from ...net.rule import Rule


@dataclass(frozen=True)
class SignSymmetry(Rule):
    """V_k^T takes its signs from W_{k+1} and its magnitudes from `magnitudes`, (R, n_{k+1}, n_k) or 1 long."""

    scale: float = 1.0

    crosses = "delta_{k+1}, and the signs of the weights"
    needs = frozenset({"pull", "derivative"})

    def __post_init__(self) -> None:
        above_zero(self.scale, "feedback scale", "scale")

    def spread(self, sizes: Sizes, k: int) -> float:
        """scale * sqrt(2 / (n_k + n_{k+1})), the root mean square of V_k."""
        return self.scale * math.sqrt(2 / (sizes[k] + sizes[k + 1]))

    def magnitudes(self, net: Pass, k: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define magnitudes(net, k)")

    def feedback(self, net: Pass, k: int) -> Any:
        """V_k, (R, n_k, n_{k+1})."""
        V = net.array(f"V{k}^T", net.sizes[k + 1], net.sizes[k])
        net.backend.evaluate(FORMULAS["concordant"], V, self.magnitudes(net, k), net.W[k + 1])
        return V.swapaxes(-1, -2)

    def deltas(self, net: Pass, e: Any) -> None:
        for k in reversed(net.hidden):
            net.inject(k, self.feedback(net, k), net.delta[k + 1])

    def weight_pairs(self, net: Pass) -> Iterator[tuple[int, Any, Any]]:
        for k in net.hidden:
            yield k, self.feedback(net, k), net.W[k + 1].swapaxes(-1, -2)
