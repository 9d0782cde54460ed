"""Direct feedback that sends something else than e, by options:

error = "encoder"      delta_k = (B_k W_L^T e) * f'(a_k): the error where the outputs' layer reads, in place of that at
                       the outputs (Launay et al. 2020)
last = "weights"       delta_{L-1} = (W_L^T e) * f'(a_{L-1}), its own error in place of B_{L-1} e
ternary = t            B_k goes with 1 where e is t or more, -1 where it is -t or less, else 0
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...functions.formulas import FORMULAS
from ...layers.protocol.carrying import write
from ...net.batch.passes import Pass
from ...net.learning.options import above_zero, one_of
from ...net.learning.rows import own_places
from ...net.shape.layout import Layout
from .inside import FeedbackInside

ERRORS = "outputs", "encoder"
LAST = "feedback", "weights"


@dataclass(frozen=True)
class SentError(FeedbackInside):
    """Direct feedback with these options."""

    error: str = ERRORS[0]
    last: str = LAST[0]
    ternary: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of(self.error, ERRORS, "error to send", "error")
        one_of(self.last, LAST, "error of the last hidden block", "last")
        if self.ternary:
            above_zero(self.ternary, "threshold of ternary errors", "ternary")

    @property
    def needs(self) -> frozenset[str]:  # type: ignore[override]
        return super().needs | ({"derivative"} if self.last == "weights" else frozenset())

    @property
    def pulls(self) -> bool:
        """Whether some of what is sent comes down through the outputs' weights."""
        return self.error == "encoder" or self.last == "weights"

    @property
    def injects_only(self) -> bool:  # type: ignore[override]
        return super().injects_only and not (self.pulls or self.ternary)

    @property
    def linear(self) -> bool:  # type: ignore[override]
        return super().linear and not self.ternary

    def told(self, sizes: Layout) -> int:
        if self.error == "outputs" or not sizes.hidden:
            return super().told(sizes)
        return sizes[sizes.L - 1] // own_places(sizes, self.places)

    def heard(self, net: Pass, e: Any) -> Any:
        """What goes to all hidden blocks in place of e."""
        if self.error == "encoder" and net.hidden:
            pulled, e = net.pull(net.L), net.array("error of the encoder", net.sizes[net.L - 1], net.m)
            write(net.backend, pulled, out=e)
        if self.ternary:
            coarse = net.array("ternary error", *e.shape[1:])
            net.backend.evaluate(FORMULAS["ternary"], coarse, e, t=self.ternary)
            e = coarse
        return e

    def own(self, net: Pass) -> None:
        """The last hidden block's own error, where it has that."""
        if self.last == "weights" and net.hidden:
            net.send(net.L - 1, net.pull(net.L), self.carriers(net))

    def weight_pairs(self, net: Pass) -> Iterator[tuple[int, Any, Any]]:
        return (pair for pair in super().weight_pairs(net) if not (self.pulls and pair[0] + 1 == net.L))
