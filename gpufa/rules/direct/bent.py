"""Direct feedback that bends what it sends, or leaves the derivative out, by options:

inject = "pre_activation"          delta_k = B_k e, no f': units whose derivative is zero learn (Breloff 2016)
nonlinearity = "tanh", "relu"      delta_k = phi(B_k e) * f'(a_k)
nonlinearity = "mlp"               delta_k = (B_k tanh(C e)) * f'(a_k), C fixed and random, `width` x n_L
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ...basics.errors import InvalidValue
from ...net.batch.passes import Pass
from ...net.learning.options import one_of, whole
from ...net.shape.layout import Layout
from ...net.state.feedback import Feedback
from .inside import FeedbackInside

INJECT = "activation", "pre_activation"
BENT: dict[str, Callable[[Any, Any], None]] = {
    "tanh": lambda xp, s: xp.tanh(s, out=s),
    "relu": lambda xp, s: xp.maximum(s, 0, out=s),
}
NONLINEARITIES = "identity", *BENT, "mlp"


@dataclass(frozen=True)
class Bent(FeedbackInside):
    """Direct feedback with these options."""

    inject: str = INJECT[0]
    nonlinearity: str = NONLINEARITIES[0]
    width: int = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of(self.inject, INJECT, "place for the error", "inject")
        one_of(self.nonlinearity, NONLINEARITIES, "feedback nonlinearity", "nonlinearity")
        if self.rank and self.nonlinearity == "mlp":
            raise InvalidValue("nonlinearity 'mlp' has matrices of its own; leave rule.rank out and set rule.width")
        whole(self.width, "width of the feedback's MLP", "width", least=1)

    @property
    def needs(self) -> frozenset[str]:  # type: ignore[override]
        derivative = {"derivative"} if self.inject == INJECT[0] else {"matrix"}
        return frozenset(derivative | ({"matrix"} if self.nonlinearity in BENT else set()))

    @property
    def injects_only(self) -> bool:  # type: ignore[override]
        return super().injects_only and self.nonlinearity == "identity"

    @property
    def linear(self) -> bool:  # type: ignore[override]
        """relu(w B_k e) is w relu(B_k e) for w of at least 0."""
        return self.nonlinearity in ("identity", "relu")

    def columns(self, sizes: Layout) -> int:
        return self.width if self.nonlinearity == "mlp" else super().columns(sizes)

    def fixed(self, sizes: Layout) -> dict[str, Feedback]:
        if self.nonlinearity != "mlp":
            return super().fixed(sizes)
        told = self.told(sizes)
        scale = 1 / math.sqrt(told)
        return super().fixed(sizes) | {"C": Feedback(self.width, told, self.law, scale, self.density)}

    def carried(self, net: Pass, signal: Any) -> Any:
        if self.nonlinearity != "mlp":
            return super().carried(net, signal)
        units = self.passed(net, "tanh(C e)", net.feedback["C"], signal)
        net.xp.tanh(units, out=units)
        return units

    def scatter(self, net: Pass, signal: Any) -> None:
        bent, derivative = self.nonlinearity in BENT, self.inject == INJECT[0]
        if derivative and not bent:
            super().scatter(net, signal)
            return
        net.inject(net.hidden, net.B.stacked, signal, derivative=False, dropout=not bent)
        if bent and net.hidden:
            BENT[self.nonlinearity](net.xp, net.delta.stacked)
            net.gate(net.hidden, net.delta.stacked, derivative=derivative)

    def weight_pairs(self, net: Pass) -> Iterator[tuple[int, Any, Any]]:
        return iter(()) if self.nonlinearity == "mlp" else super().weight_pairs(net)
