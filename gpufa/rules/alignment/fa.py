"""Feedback alignment (Lillicrap, Cownden, Tweed & Akerman 2014, arXiv:1411.0247; 2016, Nature Communications 7:13276).

delta_L = e
delta_k = (B_k delta_{k+1}) * f'(a_k)        B_k is n_k x n_{k+1}, fixed, in place of W_{k+1}^T
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...net.feedback import Feedback
from ...net.layout import Sizes
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

    def fixed(self, sizes: Sizes) -> dict[str, Feedback]:
        return {f"B{k}": self.feedback(sizes[k], sizes[k + 1]) for k in sizes.hidden}

    def deltas(self, net: Pass, e: Any) -> None:
        for k in reversed(net.hidden):
            net.inject(k, net.B[k], net.delta[k + 1])

    def weight_pairs(self, net: Pass) -> Iterator[tuple[int, Any, Any]]:
        for k in net.hidden:
            yield k, net.B[k], net.W[k + 1].swapaxes(-1, -2)
