"""Direct feedback whose B_k e comes from elsewhere, by an option:

projector = f      B_k e comes of f(e, rows): of hardware that multiplies by a random matrix, say, or of a program of
                   one's own
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...basics.errors import InvalidValue
from ...net.batch.passes import Pass
from ...net.learning.rows import Rows, own_places
from ...net.shape.layout import Layout
from .inside import FeedbackInside

OWN = "own"  # what files say in place of a projector


@dataclass(frozen=True)
class Projected(FeedbackInside):
    """Direct feedback with this option.

    projector(e, rows) is asked for what arrives at all hidden blocks, (rows, N), of an error e, (n, N), both on the
    host, for each replica by itself: a column a sample, or of places that hear of themselves alone one for each, and
    as many rows as all hidden blocks have units, or features, the lowest block's first.
    """

    projector: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.projector == OWN:
            raise InvalidValue(
                "this net has its B e from a projector of your own, which no file can hold; hand the rule in with it,"
                " as rule=DFA(projector=f)"
            )
        if self.projector is not None and not callable(self.projector):
            raise InvalidValue(
                f"projector can't be {self.projector!r}, as code runs by no name in settings; hand in"
                " rule=DFA(projector=f), or in a rule file of your own a subclass of DFA with projector = f"
            )

    @property
    def options(self) -> dict[str, Any]:
        found = super().options
        return found | {"projector": OWN} if "projector" in found else found

    @property
    def injects_only(self) -> bool:  # type: ignore[override]
        return super().injects_only and not self.projector

    def straight(self, sizes: Layout) -> dict[int, Rows]:
        return {} if self.projector else super().straight(sizes)

    def scatter(self, net: Pass, signal: Any) -> None:
        if not self.projector:
            super().scatter(net, signal)
            return
        self.ask(net, signal, own_places(net.sizes, self.places))
        for k in net.hidden:
            net.send(k, net.array(f"projected {k}", net.sizes[k], net.m), self.carriers(net))

    def ask(self, net: Pass, e: Any, several: int) -> None:
        """What the projector makes of e, of which so many places hear of themselves alone. Raises InvalidValue where
        that has another shape."""
        own = [net.sizes[k] // several for k in net.hidden]
        host = np.asarray(net.backend.to_host(e)).reshape(len(e), e.shape[1] // several, -1)
        for r, one in enumerate(host):
            made = np.asarray(self.projector(one, sum(own)))
            if made.shape != (sum(own), one.shape[1]) or made.dtype.kind not in "iuf":
                raise InvalidValue(
                    f"the projector gave {made.dtype} of the shape {made.shape}; let it give real numbers ({sum(own)},"
                    f" {one.shape[1]}), a row for each unit of the hidden blocks and a column for each of e"
                )
            for k, part in zip(net.hidden, np.split(made, np.cumsum(own)[:-1]), strict=True):
                into = net.array(f"projected {k}", net.sizes[k], net.m)
                into[r] = net.backend.to_device(part.reshape(into.shape[1:]), into.dtype)
