"""Feedback alignment (Lillicrap, Cownden, Tweed & Akerman 2014, arXiv:1411.0247; 2016, Nature Communications 7:13276).

delta_L = e
delta_k = (B_k delta_{k+1}) * f'(a_k)        B_k is n_k x n_{k+1}, fixed, in place of W_{k+1}^T
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...basics.arrays import T
from ...net.feedback import Feedback
from ...net.layout import Layout
from ...net.passes import Pass
from ...net.rule import FeedbackRule


@dataclass(frozen=True)
class FA(FeedbackRule):
    """delta_k = (B_k delta_{k+1}) * f'(a_k), B_k ~ U(+-1/sqrt(n_k))."""

    name = "fa"
    paper = "Lillicrap et al. 2016"
    crosses = "delta_{k+1}"
    frees = ""
    needs = frozenset({"pull", "derivative"})
    injects_only = True
    linear = True
    separable = True

    def fixed(self, sizes: Layout) -> dict[str, Feedback]:
        pairs = (pair for k in sizes.every for pair in sizes.carriers[k].values())
        return {name: self.stand_in(shape) for name, shape in pairs}

    def deltas(self, net: Pass, e: Any) -> None:
        B = net.kept("carriers", net.carriers)
        net.send(net.L, e, B)
        for k in reversed(net.hidden):
            net.send(k, net.pull(k + 1, B), B)

    def weight_pairs(self, net: Pass) -> Iterator[tuple[int, Any, Any]]:
        for k in net.hidden:
            if net.sizes.one_dense(k + 1):
                yield k, net.B[k], T(net.W[k + 1])
