"""Direct feedback that comes late, by an option:

staleness = s      hidden layers descend the gradient of s steps ago: with its error, and its activity
"""

from dataclasses import dataclass
from typing import Any

from ...net.batch.passes import Pass
from ...net.learning.gradients import Gradients
from ...net.learning.options import whole
from ...net.shape.layout import Layout
from .inside import FeedbackInside


@dataclass(frozen=True)
class Stale(FeedbackInside):
    """Direct feedback with this option."""

    staleness: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        whole(self.staleness, "staleness", "staleness")

    @property
    def makes(self) -> frozenset[str]:  # type: ignore[override]
        return frozenset({"signals", "gradients"} if self.staleness else {"signals"})

    def state(self, sizes: Layout) -> dict[str, tuple[int, ...]]:
        """The gradients that wait."""
        own = {name: shape for k in sizes.hidden for name, shape in sizes.parameters[k].items()}
        in_order = sorted(own, key=lambda name: -len(own[name]))
        return {f"{name}_late{s}": own[name] for s in range(1, self.staleness + 1) for name in in_order}

    def gradients(self, net: Pass, grads: Gradients) -> None:
        super().gradients(net, grads)
        if self.staleness and net.training:
            self.delay(net, grads)

    def delay(self, net: Pass, grads: Gradients) -> None:
        """The gradients of this step's hidden layers join the queue, and the oldest take their place."""
        for name in (name for k in net.hidden for name in net.sizes.parameters[k]):
            fresh = grads.array(name)
            late: list[Any] = [net.state[f"{name}_late{s}"] for s in range(1, self.staleness + 1)]
            kept = net.array(f"fresh {name}", *fresh.shape[1:])
            kept[...] = fresh
            fresh[...] = late[-1]
            for older, newer in zip(late[:0:-1], late[-2::-1], strict=True):
                older[...] = newer
            late[0][...] = kept
