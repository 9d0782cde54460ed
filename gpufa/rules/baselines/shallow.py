"""The baseline that any rule has to beat: hidden layers keep their random weights, the output layer learns.

dW_L = e h_{L-1}^T,  dW_k = 0 for k < L
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ...net.layout import Sizes
from ...net.rule import Rule

if TYPE_CHECKING:
    from ...net.gradients import Gradients
    from ...net.passes import Pass


@dataclass(frozen=True)
class Shallow(Rule):
    """A linear classifier on random features, from U(+-1/sqrt(fan_in))."""

    name: ClassVar[str] = "shallow"
    paper: ClassVar[str] = "baseline; random features: Rahimi & Recht 2008"
    crosses: ClassVar[str] = "nothing"
    frees: ClassVar[str] = "update, backward"

    @property
    def uses_derivative(self) -> bool:
        return False

    @property
    def takes_residual(self) -> bool:
        return True

    def trained(self, sizes: Sizes) -> Collection[int]:
        return (sizes.L,)

    def deltas(self, net: "Pass", e: Any) -> None:
        if net.hidden:
            net.delta.stacked.fill(0)

    def gradients(self, net: "Pass", grads: "Gradients") -> None:
        grads.layer(net.L, net.e, net.sent[net.L - 1])
