"""What all rules share that send one signal straight to every hidden layer: B_k is n_k x n_L, fixed, random.

The matrices may have a structure: `density` < 1 makes them sparse (Crafton et al. 2019), law = "ternary" draws from
-1, 0, 1, `rank` = r takes B_k = U_k V, V common, r x n_L and normal-like, and `shared` takes for each layer the first
rows of one and the same matrix (LightOn's TinyDFA, 2020, which is another algorithm than DFA). That is across layers.
Across the places of a block's maps, channels x height x width, `places` says whose the rows of B_k are:
    "each"        B_k is (C H W) x n_L, every unit has a row of its own (Nokland 2016; Frenkel et al. 2021)
    "shared"      B_k is C x n_L, a channel has one row at all places
    "repeated"    B_k is (C K K) x n_L: the error, tiled over space, goes down the transposed convolution of a kernel
                  shaped as that of the layer which reads the block (Sanfiz & Akrout 2021, "BioTorch")
    "own"         where the outputs have an error at each place, B_k is C x outputs of a place, and each place hears of
                  its own error alone: every token is a sample (Launay et al. 2020)
    "auto"        "own" where every hidden block has the places of the outputs, else "each"
A block that ends in a recurrent layer is n x time, whatever of that goes on: the error goes straight to the units of
every step, through rows of each step's own ("each") or the same at all ("shared"), and nothing goes back in time (Han
et al. 2020; Cossu et al. 2024).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ...basics.arrays import Product, T
from ...layers.protocol.terms import Carriers
from ...net.batch.passes import Pass
from ...net.learning.options import boolean, one_of, whole
from ...net.learning.rows import PLACES, Rows, own_places, rows_of
from ...net.learning.rule import FeedbackRule
from ...net.shape.layout import Layout
from ...net.state.feedback import Feedback


@dataclass(frozen=True)
class DirectFeedback(FeedbackRule):
    """delta_k = (B_k signal) * f'(a_k), one product and one pass for all hidden layers."""

    rank: int = 0
    shared: bool = False
    places: str = "auto"

    crosses = "e, n_L numbers a sample, the same to every layer"
    frees = "backward"
    needs = frozenset({"derivative"})
    later = MappingProxyType({**FeedbackRule.later, "places": "auto"})

    def __post_init__(self) -> None:
        super().__post_init__()
        whole(self.rank, "feedback rank", "rank")
        boolean(self.shared, "shared")
        one_of(self.places, PLACES, "share of rows by places", "places")

    @property
    def injects_only(self) -> bool:  # type: ignore[override]
        return not self.rank

    def columns(self, sizes: Layout) -> int:
        """The width of the signal that the B_k are multiplied with."""
        return self.rank or self.told(sizes)

    def told(self, sizes: Layout) -> int:
        """How many outputs a unit hears of: all, or those of its own place."""
        return sizes.outputs // own_places(sizes, self.places)

    def straight(self, sizes: Layout) -> dict[int, Rows]:
        return rows_of(sizes, self.columns(sizes), self.places)

    def every_rows(self, sizes: Layout) -> dict[str, Rows]:
        """By the name of their matrix, the rows of all places that the signal goes to."""
        return {f"B{k}": one for k, one in self.straight(sizes).items()}

    def fixed(self, sizes: Layout) -> dict[str, Feedback]:
        n, rows = self.columns(sizes), self.every_rows(sizes)
        found = {name: self.feedback(one.count, n, places=one.places) for name, one in rows.items()}
        if self.shared and found:
            scale = self.size(max(one.count for one in rows.values()), n)
            found = {
                name: Feedback(one.rows, n, self.law, scale, self.density, stream=1) for name, one in found.items()
            }
        if self.rank:
            found["V"] = Feedback(self.rank, self.told(sizes), "normal", 1 / math.sqrt(self.rank))
        return found

    def carried(self, net: Pass, signal: Any) -> Any:
        """What the B_k are multiplied with, (R, columns, m), of a signal (R, n_L, m): V signal, or itself without a
        rank."""
        return self.passed(net, "V e", net.feedback["V"], signal) if self.rank else signal

    def passed(self, net: Pass, name: str, matrix: Any, signal: Any) -> Any:
        """matrix @ signal, where places hear of themselves alone of each place, under that name."""
        several = own_places(net.sizes, self.places)
        out, heard = net.array(name, matrix.shape[-2] * several, net.m), Rows(0, 0, None, several).heard
        net.backend.gemm(matrix, heard(signal), out=heard(out))
        return out

    def broadcast(self, net: Pass, signal: Any) -> None:
        """A signal, (R, n_L, m), goes to all hidden blocks, in one product where each unit has a row of its own."""
        self.scatter(net, self.carried(net, signal))

    def carriers(self, net: Pass) -> Carriers:
        """By matrix, what stands in for it inside hidden blocks; None where nothing does."""
        return None

    def scatter(self, net: Pass, signal: Any) -> None:
        """The same of what the B_k are multiplied with, (R, columns, m)."""
        straight, carriers = net.kept("rows", lambda: self.straight(net.sizes)), self.carriers(net)
        one_product = carriers is None and not (net.sizes.timed or net.sizes.unheard)
        if one_product and all(rows.by_unit for rows in straight.values()):
            net.send(net.hidden, net.through(net.B.stacked, signal))
            return
        for k, rows in straight.items():
            net.reach(k, rows.signal(net, net.B[k], signal), carriers)

    def weight_pairs(self, net: Pass) -> Iterator[tuple[int, Any, Any]]:
        """cos(W_{k+1}, B_{k+1} B_k^T), and cos(W_L, B_{L-1}^T) at the output (Refinetti et al. 2021)."""
        straight = self.straight(net.sizes.whole)
        units = net.sizes.whole.units  # of outputs; an error may go to more
        own = {k for k, rows in straight.items() if rows.by_unit and rows.count == units[k] and not self.rank}
        for k in net.hidden:
            if {k, k + 1} <= own and net.sizes.one_dense(k + 1):
                yield k, Product(net.B[k + 1], T(net.B[k])), net.W[k + 1]
            elif k in own and k + 1 == net.L and net.sizes.one_dense(net.L):
                yield k, T(net.B[k]), net.W[k + 1]
