"""The baseline that any rule has to beat: hidden layers keep their random weights, the output layer learns.

dW_L = e h_{L-1}^T,  dW_k = 0 for k < L
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from ...net.batch.passes import Pass
from ...net.learning.gradients import Gradients
from ...net.learning.rule import Rule
from ...net.shape.layout import Layout


@dataclass(frozen=True)
class Shallow(Rule):
    """A linear classifier on random features, from U(+-1/sqrt(fan_in))."""

    name = "shallow"
    paper = "baseline; random features: Rahimi & Recht 2008"
    crosses = "nothing"
    frees = "update, backward"
    needs = frozenset()
    makes = frozenset({"signals", "gradients"})
    linear = True
    separable = True

    def trained(self, sizes: Layout) -> Collection[int]:
        return (sizes.L,)

    def deltas(self, net: Pass, e: Any) -> None:
        if net.hidden:
            net.delta.stacked.fill(0)

    def gradients(self, net: Pass, grads: Gradients) -> None:
        net.send(net.L, net.e)
        net.gradients_within(net.L, grads)
