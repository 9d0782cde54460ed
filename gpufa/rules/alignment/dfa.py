"""Direct feedback alignment (Nokland 2016, arXiv:1609.01596).

    delta_L = e
    delta_k = (B_k e) * f'(a_k)        hidden layers, all k at once; B_k is n_k x n_L, fixed

Variants, by options:
    inject = "pre_activation"          delta_k = B_k e, no f': units whose derivative is zero learn (Breloff 2016)
    nonlinearity = "tanh", "relu"      delta_k = phi(B_k e) * f'(a_k)
    nonlinearity = "mlp"               delta_k = (B_k tanh(C e)) * f'(a_k), C fixed and random, `width` x n_L
    staleness = s                      hidden layers descend the gradient of s steps ago: its error, its activity
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...basics.errors import InvalidValue
from ...net.feedback import Feedback
from ...net.gradients import Gradients
from ...net.layout import Layout
from ...net.options import one_of, whole
from ...net.passes import Pass
from .bent import BENT, NONLINEARITIES, bend, hidden_units
from .direct import DirectFeedback
from .stale import delay, queue

INJECT = "activation", "pre_activation"


@dataclass(frozen=True)
class DFA(DirectFeedback):
    """delta_k = (B_k e) * f'(a_k), B_k ~ U(+-1/sqrt(n_k)); one product and one pass for all hidden layers."""

    inject: str = "activation"
    nonlinearity: str = "identity"
    width: int = 64
    staleness: int = 0

    name = "dfa"
    paper = "Nokland 2016; threshold units: Breloff 2016"

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of(self.inject, INJECT, "place for the error", "inject")
        one_of(self.nonlinearity, NONLINEARITIES, "feedback nonlinearity", "nonlinearity")
        if self.rank and self.nonlinearity == "mlp":
            raise InvalidValue("nonlinearity 'mlp' has matrices of its own; leave rule.rank out and set rule.width")
        whole(self.width, "width of the feedback's MLP", "width", least=1)
        whole(self.staleness, "staleness", "staleness")

    @property
    def needs(self) -> frozenset[str]:  # type: ignore[override]
        derivative = {"derivative"} if self.inject == "activation" else {"matrix"}
        return frozenset(derivative | ({"matrix"} if self.nonlinearity in BENT else set()))

    @property
    def makes(self) -> frozenset[str]:  # type: ignore[override]
        return frozenset({"signals", "gradients"} if self.staleness else {"signals"})

    @property
    def injects_only(self) -> bool:  # type: ignore[override]
        return super().injects_only and self.nonlinearity == "identity"

    @property
    def linear(self) -> bool:  # type: ignore[override]
        """relu(w B_k e) is w relu(B_k e) for w of at least 0."""
        return self.nonlinearity in ("identity", "relu")

    @property
    def separable(self) -> bool:  # type: ignore[override]
        return not self.staleness

    @property
    def broadcasts(self) -> bool:  # type: ignore[override]
        return not self.staleness

    def columns(self, sizes: Layout) -> int:
        return self.width if self.nonlinearity == "mlp" else super().columns(sizes)

    def fixed(self, sizes: Layout) -> dict[str, Feedback]:
        if self.nonlinearity != "mlp":
            return super().fixed(sizes)
        scale = 1 / math.sqrt(sizes.outputs)
        return super().fixed(sizes) | {"C": Feedback(self.width, sizes.outputs, self.law, scale, self.density)}

    def deltas(self, net: Pass, e: Any) -> None:
        net.send(net.L, e)
        if self.inject == "activation" and self.nonlinearity not in BENT:
            self.broadcast(net, e)
        else:
            self.deltas_without_derivative(net, e)

    def deltas_without_derivative(self, net: Pass, e: Any) -> None:
        """B_k e as it is, or bent."""
        bent, derivative = self.nonlinearity in BENT, self.inject == "activation"
        net.inject(net.hidden, net.B.stacked, self.carried(net, e), derivative=False, dropout=not bent)
        if bent:
            bend(net, self.nonlinearity, derivative)

    def carried(self, net: Pass, signal: Any) -> Any:
        return (
            hidden_units(net, net.feedback["C"], signal) if self.nonlinearity == "mlp" else super().carried(net, signal)
        )

    def state(self, sizes: Layout) -> dict[str, tuple[int, ...]]:
        return queue(sizes, self.staleness)

    def gradients(self, net: Pass, grads: Gradients) -> None:
        super().gradients(net, grads)
        if self.staleness and net.training:
            delay(net, grads, self.staleness)

    def weight_pairs(self, net: Pass) -> Iterator[tuple[int, Any, Any]]:
        return iter(()) if self.nonlinearity == "mlp" else super().weight_pairs(net)
