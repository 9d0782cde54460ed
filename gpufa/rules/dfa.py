"""Direct feedback alignment (Nokland 2016, arXiv:1609.01596).

    delta_L = e
    delta_k = (B_k e) * f'(a_k)        hidden layers, all k at once; B_k is n_k x n_L, fixed

With inject = "pre_activation" the error enters the units' input without f' (Breloff 2016), so that units whose
derivative is zero (sign, step) learn:  delta_k = B_k e.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import InvalidValue
from ..sizes import Sizes
from .base import Feedback, FeedbackRule

if TYPE_CHECKING:
    from ..passes import Pass

INJECT = "activation", "pre_activation"


@dataclass(frozen=True)
class DFA(FeedbackRule):
    """delta_k = (B_k e) * f'(a_k), B_k ~ U(+-1/sqrt(n_k)); one product and one pass for all hidden layers."""

    inject: str = "activation"

    name: ClassVar[str] = "dfa"
    paper: ClassVar[str] = "Nokland 2016; threshold units: Breloff 2016"
    injects_only: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.inject not in INJECT:
            raise InvalidValue(
                f"unknown place {self.inject!r} for the error; set rule.inject to one of {', '.join(INJECT)}"
            )

    @property
    def uses_derivative(self) -> bool:
        return self.inject == "activation"

    def fixed(self, sizes: Sizes) -> dict[str, Feedback]:
        return {f"B{k}": self.feedback(sizes[k], sizes.outputs) for k in sizes.hidden}

    def deltas(self, net: "Pass", e: Any) -> None:
        net.inject(net.hidden, net.B.stacked, e, derivative=self.uses_derivative)

    def weight_pairs(self, net: "Pass") -> Iterator[tuple[int, Any, Any]]:
        """cos(W_{k+1}, B_{k+1} B_k^T), and cos(W_L, B_{L-1}^T) at the output (Refinetti et al. 2021)."""
        for k in net.hidden[:-1]:
            yield k, net.B[k + 1] @ net.B[k].swapaxes(-1, -2), net.W[k + 1]
        for k in net.hidden[-1:]:
            yield k, net.B[k].swapaxes(-1, -2), net.W[k + 1]
