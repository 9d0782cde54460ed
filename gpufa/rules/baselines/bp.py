"""Backpropagation (Rumelhart, Hinton & Williams 1986), the baseline.

delta_L = e
delta_k = (W_{k+1}^T delta_{k+1}) * f'(a_k)
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...net.passes import Pass
from ...net.rule import Rule


@dataclass(frozen=True)
class BP(Rule):
    """delta_k = (W_{k+1}^T delta_{k+1}) * f'(a_k): the true gradient. Weights start from U(+-1/sqrt(fan_in))."""

    name = "bp"
    paper = "Rumelhart, Hinton & Williams 1986"
    crosses = "W_{k+1}^T delta_{k+1}: the weights, transposed"
    frees = ""
    needs = frozenset({"pull", "derivative"})
    injects_only = True
    linear = True
    separable = True

    def deltas(self, net: Pass, e: Any) -> None:
        net.send(net.L, e)
        for k in reversed(net.hidden):
            net.send(k, net.pull(k + 1))
        net.hand_down()

    def weight_pairs(self, net: Pass) -> Iterator[tuple[int, Any, Any]]:
        for k in net.hidden:
            if net.sizes.one_dense(k + 1):
                yield k, net.W[k + 1], net.W[k + 1]
