"""Indirect feedback alignment (Nokland 2016, arXiv:1609.01596).

delta_L = e
delta_1 = (B_1 e) * f'(a_1)                  the error reaches the first layer alone, B_1 is n_1 x n_L, fixed,
delta_k = (W_k delta_{k-1}) * f'(a_k)        and goes up from there through the forward weights
"""

from dataclasses import dataclass
from typing import Any

from ...net.batch.passes import Pass
from ...net.learning.rule import FeedbackRule, Rule
from ...net.shape.layout import Layout
from ...net.state.feedback import Feedback


@dataclass(frozen=True)
class IFA(FeedbackRule):
    """delta_1 = (B_1 e) * f'(a_1), delta_k = (W_k delta_{k-1}) * f'(a_k), B_1 ~ U(+-1/sqrt(n_1)).

    Weights start from U(+-1/sqrt(fan_in)): from zero weights no error would reach the layers above the first.
    """

    name = "ifa"
    paper = "Nokland 2016"
    crosses = "e to the first layer, delta_{k-1} to the others"
    frees = ""
    needs = frozenset({"matrix", "derivative"})
    injects_only = True
    linear = True
    separable = True
    defaults = Rule.defaults

    def fixed(self, sizes: Layout) -> dict[str, Feedback]:
        return {f"B{k}": self.feedback(sizes[k], sizes.outputs) for k in sizes.hidden[:1]}

    def deltas(self, net: Pass, e: Any) -> None:
        for k in net.hidden[:1]:
            net.send(k, net.through(net.B[k], e))
        for k in net.hidden[1:]:
            net.send(k, net.through(net.W[k], net.delta[k - 1]))
