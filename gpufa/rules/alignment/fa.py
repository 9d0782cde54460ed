"""Feedback alignment (Lillicrap, Cownden, Tweed & Akerman 2014, arXiv:1411.0247; 2016, Nature Communications 7:13276).

delta_L = e
delta_k = (B_k delta_{k+1}) * f'(a_k)        B_k is n_k x n_{k+1}, fixed, in place of W_{k+1}^T

Of blocks of several layers `through` says what B stands in for:
    "matrices"    each matrix and kernel of all layers has a B of its shape in its place, those of attention too
    "borders"     s_k = B_k delta_{k+1} goes past all layers of block k+1 to the output of block k, delta_{k+1} being
                  the signal at the output of block k+1; inside a block the error goes down by its own weights. Where
                  both have the same places B_k is features x features, the same at each of them
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ...basics.arrays import T
from ...net.batch.passes import Pass
from ...net.learning.options import one_of
from ...net.learning.rows import Rows
from ...net.learning.rule import FeedbackRule
from ...net.shape.layout import Layout
from ...net.state.feedback import Feedback

THROUGH = "matrices", "borders"


@dataclass(frozen=True)
class FA(FeedbackRule):
    """delta_k = (B_k delta_{k+1}) * f'(a_k), B_k ~ U(+-1/sqrt(n_k))."""

    through: str = "matrices"

    name = "fa"
    paper = "Lillicrap et al. 2016"
    crosses = "delta_{k+1}"
    frees = ""
    needs = frozenset({"pull", "derivative"})
    injects_only = True
    linear = True
    separable = True

    later = MappingProxyType({**FeedbackRule.later, "through": "matrices"})

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of(self.through, THROUGH, "way through blocks", "through")

    def fixed(self, sizes: Layout) -> dict[str, Feedback]:
        if self.through == "borders":
            return {f"B{k}": self.feedback(one.count, one.columns) for k, one in borders(sizes).items()}
        pairs = (pair for k in sizes.every for pair in sizes.carriers[k].values())
        return {name: self.stand_in(shape) for name, shape in pairs}

    def deltas(self, net: Pass, e: Any) -> None:
        if self.through == "borders":
            net.send(net.L, e)
            rows = net.kept("borders", lambda: borders(net.sizes))
            for k in reversed(net.hidden):
                net.send(k, rows[k].signal(net, net.B[k], net.delta[k + 1]))
            return
        B = net.kept("carriers", net.carriers)
        net.send(net.L, e, B)
        for k in reversed(net.hidden):
            net.send(k, net.pull(k + 1, B), B)

    def weight_pairs(self, net: Pass) -> Iterator[tuple[int, Any, Any]]:
        for k in net.hidden:
            if net.sizes.one_dense(k + 1):
                yield k, net.B[k], T(net.W[k + 1])


def borders(sizes: Layout) -> dict[int, Rows]:
    """By hidden block, the rows of the B_k through which block k + 1 sends to it, past its layers."""
    found = {}
    for k in sizes.hidden:
        places = sizes.shapes[k][1:]
        several = math.prod(places) if places == sizes.shapes[k + 1][1:] else 1
        found[k] = Rows(sizes[k] // several, sizes[k + 1] // several, None, several)
    return found
