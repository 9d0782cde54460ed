"""Kolen-Pollack learning (Kolen & Pollack 1994; Akrout et al. 2019, arXiv:1904.05391).

delta_k = (B_k delta_{k+1}) * f'(a_k)
dW_{k+1} = delta_{k+1} h_k^T
dB_k     = h_k delta_{k+1}^T             the transposed update, the same decay: W_{k+1} - B_k^T goes to 0
"""

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ...net.arena import Extra
from ...net.gradients import Gradients
from ...net.layout import Sizes
from ...net.passes import Pass
from ...net.rule import Rule


@dataclass(frozen=True)
class KP(Rule):
    """B_k starts from U(+-1/sqrt(n_{k+1})) and is trained as the weights are: net.parameters["B1"], ...

    Without weight decay B_k and W_{k+1}^T take the same steps but never come closer.
    """

    name = "kp"
    paper = "Kolen & Pollack 1994; Akrout et al. 2019"
    crosses = "delta_{k+1}"
    memory = "B and its optimizer state"
    needs = frozenset({"pull", "derivative"})
    makes = frozenset({"signals", "gradients"})
    defaults = MappingProxyType({**Rule.defaults, "optimizer": "momentum", "lr": 0.02, "weight_decay": 1e-3})

    def parameters(self, sizes: Sizes) -> dict[str, Extra]:
        return {f"B{k}": Extra((sizes[k], sizes[k + 1]), "uniform", layer=k + 1) for k in sizes.hidden}

    def deltas(self, net: Pass, e: Any) -> None:
        for k in reversed(net.hidden):
            net.inject(k, net.parameters[f"B{k}"], net.delta[k + 1])

    def gradients(self, net: Pass, grads: Gradients) -> None:
        super().gradients(net, grads)
        for k in net.hidden:
            grads.product(f"B{k}", net.sent[k], net.delta[k + 1])

    def weight_pairs(self, net: Pass) -> Iterator[tuple[int, Any, Any]]:
        for k in net.hidden:
            yield k, net.parameters[f"B{k}"], net.W[k + 1].swapaxes(-1, -2)
