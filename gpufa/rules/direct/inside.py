"""Direct feedback that has feedback inside blocks of several layers too, by options:

inside = "feedback"        inside a hidden block the error goes down through a fixed random B of each matrix in its
                           place, as in fa, where it goes through the weights else
enters = "activations"     behind each activation inside a hidden block P e arrives in place of what comes down to
                           it there ("full" of Launay et al. 2020)
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...backends.operations.operands import Signal
from ...basics.errors import InvalidValue
from ...layers.protocol.terms import Carriers, Shape
from ...net.batch.passes import Pass
from ...net.learning.options import one_of
from ...net.learning.rows import Rows, rows_within
from ...net.shape.layout import Layout
from ...net.state.feedback import Feedback
from ...net.state.model import Model
from .base import DirectFeedback

INSIDE = "weights", "feedback"
ENTERS = "blocks", "activations"


@dataclass(frozen=True)
class FeedbackInside(DirectFeedback):
    """Direct feedback with these options."""

    inside: str = INSIDE[0]
    enters: str = ENTERS[0]

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of(self.inside, INSIDE, "way down inside blocks", "inside")
        one_of(self.enters, ENTERS, "place where errors enter", "enters")

    def check(self, model: Model) -> None:
        sizes = model.sizes.whole
        several = [k for k in sizes.hidden if len(sizes.suffixes(k)) > 1]
        if self.inside != INSIDE[0] and not any(sizes.carriers[k] for k in several):
            raise InvalidValue(
                "inside = 'feedback' is for hidden blocks of several layers that learn, and each has one; leave --set"
                " rule.inside out"
            )
        if self.enters != ENTERS[0] and not sizes.arrivals:
            raise InvalidValue(
                "enters = 'activations' is for activations between the layers of a hidden block, and there is none, as"
                " in 'residual(dense 256 gelu, dense 64)'; leave --set rule.enters out"
            )

    @property
    def injects_only(self) -> bool:  # type: ignore[override]
        return super().injects_only and not self.looks_inside

    @property
    def as_said(self) -> bool:  # type: ignore[override]
        return self.enters != ENTERS[0]

    @property
    def looks_inside(self) -> bool:
        """Whether it has feedback inside blocks."""
        return self.inside != INSIDE[0] or self.enters != ENTERS[0]

    def every_rows(self, sizes: Layout) -> dict[str, Rows]:
        return super().every_rows(sizes) | self.inner(sizes)

    def inner(self, sizes: Layout) -> dict[str, Rows]:
        """By the name of their matrix, P2.4 behind the fourth layer of block 2, the rows of activations inside."""
        if self.enters == ENTERS[0]:
            return {}
        return {f"P{k}.{i + 1}": rows for (k, i), rows in rows_within(sizes, self.columns(sizes), self.places).items()}

    def fixed(self, sizes: Layout) -> dict[str, Feedback]:
        inside = stand_ins(sizes) if self.inside != INSIDE[0] else {}
        return super().fixed(sizes) | {name: self.stand_in(shape) for name, shape in inside.items()}

    def carriers(self, net: Pass) -> Carriers:
        if self.inside == INSIDE[0]:
            return None
        return net.kept("carriers", lambda: {name[1:]: net.feedback[name] for name in stand_ins(net.sizes)})

    def inner_signals(self, net: Pass, signal: Any) -> Iterator[tuple[int, int, Signal]]:
        """What of the signal, (R, columns, m), arrives behind which layer of which block, by itself."""
        rows = net.kept("inner rows", lambda: self.inner(net.sizes))
        for name, (k, i) in zip(rows, net.sizes.arrivals if rows else (), strict=True):
            yield k, i, rows[name].signal(net, net.feedback[name], signal)


def stand_ins(sizes: Layout) -> dict[str, Shape]:
    """By name, FW2.1 for W2.1, the shapes of what stands in for the matrices inside hidden blocks."""
    layered = (k for k in sizes.hidden if k in sizes.layered)
    return {f"F{name}": shape for k in layered for name, (_, shape) in sizes.carriers[k].items()}
