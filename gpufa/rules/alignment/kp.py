"""Kolen-Pollack learning (Kolen & Pollack 1994; Akrout et al. 2019, arXiv:1904.05391).

delta_k = (B_k delta_{k+1}) * f'(a_k)
dW_{k+1} = delta_{k+1} h_k^T
dB_k     = h_k delta_{k+1}^T             the transposed update, the same decay: W_{k+1} - B_k^T goes to 0; a kernel's
                                         B is shaped as it is
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ...backends.operations.columns import Maps
from ...basics.arrays import T
from ...layers.protocol.terms import Shape
from ...net.batch.passes import Pass
from ...net.learning.gradients import Gradients
from ...net.learning.rule import Rule
from ...net.shape.layout import Layout
from ...net.state.arena import Extra


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
    linear = True
    separable = True
    defaults = MappingProxyType({**Rule.defaults, "optimizer": "momentum", "lr": 0.02, "weight_decay": 1e-3})

    def parameters(self, sizes: Layout) -> dict[str, Extra]:
        pairs = ((k, pair) for k in sizes.every for pair in sizes.carriers[k].values())
        return {name: Extra(shape, "uniform", layer=k) for k, (name, shape) in pairs}

    def deltas(self, net: Pass, e: Any) -> None:
        B = net.kept("carriers", lambda: net.carriers(net.parameters))
        net.send(net.L, e, B)
        for k in reversed(net.hidden):
            net.send(k, net.pull(k + 1, B), B)

    def gradients(self, net: Pass, grads: Gradients) -> None:
        super().gradients(net, grads)
        mirrored = Mirrored(grads, {name: one for own in net.sizes.carriers.values() for name, one in own.items()})
        for k in net.sizes.every:
            net.gradients_within(k, mirrored)

    def weight_pairs(self, net: Pass) -> Iterator[tuple[int, Any, Any]]:
        for k in net.hidden:
            if net.sizes.one_dense(k + 1):
                yield k, net.parameters[f"B{k}"], T(net.W[k + 1])


@dataclass(frozen=True)
class Mirrored:
    """Where the layers of a block hand over their gradients once more: each stand-in has that of what it stands in for,
    a matrix's transposed."""

    grads: Gradients
    carriers: Mapping[str, tuple[str, Shape]]

    def product(self, name: str, delta: Any, h: Any, factor: float = 1.0) -> None:
        if name in self.carriers:
            self.grads.product(self.carriers[name][0], h, delta, factor)

    def sums(self, name: str, delta: Any, factor: float = 1.0) -> None:
        """Vectors have no stand-ins."""

    def look_ups(self, name: str, delta: Any, tokens: Any) -> None:
        """Of an embedding that is tied to the outputs."""
        if name in self.carriers:
            self.grads.look_ups(self.carriers[name][0], delta, tokens, turned=True)

    def add(self, name: str, g: Any) -> None:
        if name in self.carriers:
            self.grads.add(self.carriers[name][0], T(g))

    def filters(self, name: str, maps: Maps) -> None:
        if name in self.carriers:
            self.grads.filters(self.carriers[name][0], maps)
