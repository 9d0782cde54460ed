"""What all rules share that send one signal straight to every hidden layer: B_k is n_k x n_L, fixed, random.

The matrices may have a structure: `density` < 1 makes them sparse (Crafton et al. 2019), law = "ternary" draws from
-1, 0, 1, `rank` = r takes B_k = U_k V, V common, r x n_L and normal-like, and `shared` takes for each layer the first
rows of one and the same matrix (LightOn's TinyDFA, 2020, which is another algorithm than DFA).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...basics.arrays import T
from ...net.feedback import Feedback
from ...net.layout import Layout
from ...net.options import boolean, whole
from ...net.passes import Pass
from ...net.rule import FeedbackRule


@dataclass(frozen=True)
class DirectFeedback(FeedbackRule):
    """delta_k = (B_k signal) * f'(a_k), one product and one pass for all hidden layers."""

    rank: int = 0
    shared: bool = False

    crosses = "e, n_L numbers a sample, the same to every layer"
    frees = "backward"
    needs = frozenset({"derivative"})

    def __post_init__(self) -> None:
        super().__post_init__()
        whole(self.rank, "feedback rank", "rank")
        boolean(self.shared, "shared")

    @property
    def injects_only(self) -> bool:  # type: ignore[override]
        return not self.rank

    def columns(self, sizes: Layout) -> int:
        """The width of the signal that the B_k are multiplied with."""
        return self.rank or sizes.outputs

    def fixed(self, sizes: Layout) -> dict[str, Feedback]:
        n = self.columns(sizes)
        found = {f"B{k}": self.feedback(sizes[k], n) for k in sizes.hidden}
        if self.shared and found:
            scale = self.size(max(sizes[k] for k in sizes.hidden))
            found = {
                name: Feedback(one.rows, n, self.law, scale, self.density, stream=1) for name, one in found.items()
            }
        if self.rank:
            found["V"] = Feedback(self.rank, sizes.outputs, "normal", 1 / math.sqrt(self.rank))
        return found

    def carried(self, net: Pass, signal: Any) -> Any:
        """What the B_k are multiplied with, (R, columns, m), of a signal (R, n_L, m): V signal, or itself without a
        rank."""
        if not self.rank:
            return signal
        through = net.array("V e", self.rank, net.m)
        net.backend.gemm(net.feedback["V"], signal, out=through)
        return through

    def weight_pairs(self, net: Pass) -> Iterator[tuple[int, Any, Any]]:
        """cos(W_{k+1}, B_{k+1} B_k^T), and cos(W_L, B_{L-1}^T) at the output (Refinetti et al. 2021)."""
        if self.rank:
            return
        for k in net.hidden[:-1]:
            if net.sizes.one_dense(k + 1):
                yield k, net.B[k + 1] @ T(net.B[k]), net.W[k + 1]
        for k in net.hidden[-1:]:
            yield k, T(net.B[k]), net.W[k + 1]
