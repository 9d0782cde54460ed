"""Direct Kolen-Pollack learning (Webster, Choi & Ahn 2020, arXiv:2012.00202).

delta_k = (B_k e) * f'(a_k)
dW_k    = delta_k h_{k-1}^T
dB_k    = h_k e^T                        every B_k learns from the activity of its layer and the error it carries

Where units share a row of B_k (`places`, see direct.py), it gets the sum of what each would get.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ...basics.arrays import T
from ...net.batch.passes import Pass
from ...net.learning.gradients import Gradients
from ...net.learning.options import above_zero, one_of
from ...net.learning.rows import PLACES, Rows, own_places, rows_of
from ...net.learning.rule import Rule
from ...net.shape.layout import Layout
from ...net.state.arena import Extra


@dataclass(frozen=True)
class DKP(Rule):
    """B_k, (n_k, n_L), starts from U(+-1/sqrt(n_L)); `rate` is its learning rate against that of the weights.

    At the last hidden layer this is Kolen-Pollack learning, and B_{L-1} goes to W_L^T.
    """

    rate: float = 1.0
    places: str = "auto"

    name = "dkp"
    paper = "Webster, Choi & Ahn 2020"
    crosses = "e, n_L numbers a sample, the same to every layer"
    memory = "B and its optimizer state"
    frees = "backward"
    needs = frozenset({"timeless", "derivative"})
    makes = frozenset({"signals", "gradients"})
    linear = True
    separable = True
    later = MappingProxyType({"places": "auto"})
    defaults = MappingProxyType({**Rule.defaults, "optimizer": "momentum", "lr": 0.02, "weight_decay": 1e-3})
    layered = MappingProxyType({})

    def __post_init__(self) -> None:
        above_zero(self.rate, "rate of the feedback", "rate")
        one_of(self.places, PLACES, "share of rows by places", "places")

    def straight(self, sizes: Layout) -> dict[int, Rows]:
        return rows_of(sizes, sizes.outputs // own_places(sizes, self.places), self.places)

    def parameters(self, sizes: Layout) -> dict[str, Extra]:
        top = {sizes.L - 1: sizes.L}  # whose feedback goes with W_L
        return {
            f"B{k}": Extra((rows.count, rows.columns), "uniform", self.rate, layer=top.get(k))
            for k, rows in self.straight(sizes).items()
        }

    def deltas(self, net: Pass, e: Any) -> None:
        net.send(net.L, e)
        for k, rows in net.kept("rows", lambda: self.straight(net.sizes)).items():
            net.send(k, rows.signal(net, net.parameters[f"B{k}"], e))

    def gradients(self, net: Pass, grads: Gradients) -> None:
        super().gradients(net, grads)
        for k, rows in net.kept("rows", lambda: self.straight(net.sizes)).items():
            grads.product(f"B{k}", rows.gathered(net, k, net.sent[k]), rows.heard(net.e))

    def weight_pairs(self, net: Pass) -> Iterator[tuple[int, Any, Any]]:
        for k in net.hidden[-1:]:
            if self.straight(net.sizes)[k].by_unit and net.sizes.one_dense(net.L):
                yield k, net.parameters[f"B{k}"], T(net.W[k + 1])
