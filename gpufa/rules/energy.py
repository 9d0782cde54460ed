"""What the rules share whose units settle before the weights learn: first freely, then drawn to the target.

In a phase layer k has potentials u_k, activity h_k = f(u_k) and what it sends on, r_k: h_k, under dropout's mask if
there is any; r_0 = x. In a step each layer is updated once, in turn, by what its neighbours send just then. So nothing
is updated on what has changed since, a step takes the input all the way up, or the error all the way down, and with
the right size of step no energy rises.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ..activations import Activation
from ..arena import Layers
from ..backends.base import Gate
from .base import Rule

if TYPE_CHECKING:
    from ..gradients import Gradients
    from ..passes import Pass


class Phase:
    """The units in one phase, by layer: u[k], h[k] and r[k], all (R, n_k, m), kept under the phase's name.

    The phase "free" is the pass itself: net.a, net.h and net.sent.
    """

    def __init__(self, net: "Pass", name: str) -> None:
        u, h = net.layers(f"{name} u"), net.layers(f"{name} h")
        top, sent = h[net.L], h if net.mask is None else net.layers(f"{name} r")
        if name == "free":
            u, h, sent = u if net.a is net.h else net.a, net.h, net.sent
        self.u, self.h, self.r = u, [*h[: net.L], top], [net.h[0], *sent[1 : net.L], top]
        self.parts = u.slab, h.stacked, sent.stacked, top

    def start(self, other: "Phase | None" = None) -> "Phase":
        """Begin where another phase has ended, or with zeros."""
        for i, part in enumerate(self.parts):
            part[...] = other.parts[i] if other else 0
        return self


@dataclass(frozen=True)
class EnergyRule(Rule):
    """`forward` leaves the phase "free", in which nothing but the input is given."""

    memory: ClassVar[str] = "the activity of every phase"

    def begin(self, net: "Pass", x: Any) -> Phase:
        """Let the batch in; W_1 x + b_1 stays the same in all that follows."""
        net.take(x)
        drive = net.array("drive", net.sizes[1], net.m)
        net.backend.layer(net.W[1], net.h[0], net.b[1], None, a=drive, h=drive)
        return Phase(net, "free").start()

    def from_below(self, net: "Pass", k: int, phase: Phase, out: Any) -> None:
        """out = W_k r_{k-1} + b_k."""
        if k == 1:
            out[...] = net.array("drive", net.sizes[1], net.m)
        else:
            net.backend.layer(net.W[k], phase.r[k - 1], net.b[k], None, a=out, h=out)

    def from_both(self, net: "Pass", k: int, phase: Phase, out: Any, gamma: float = 1.0) -> None:
        """out = W_k r_{k-1} + b_k + gamma W_{k+1}^T r_{k+1}."""
        self.from_below(net, k, phase, out)
        if k < net.L:
            net.backend.gemm(net.W[k + 1].swapaxes(-1, -2), phase.r[k + 1], out=out, alpha=gamma, beta=1.0)

    def activation(self, net: "Pass", k: int) -> Activation:
        return net.activations[k - 1]

    def activate(self, net: "Pass", k: int, phase: Phase) -> None:
        """h_k = f(u_k), and r_k."""
        net.backend.activate(self.activation(net, k), phase.u[k], phase.h[k], _mask(net, k), phase.r[k])

    def gate(self, net: "Pass", k: int, phase: Phase, signal: Any) -> None:
        """signal *= f'(u_k), in place, under dropout's mask."""
        f = self.activation(net, k)
        z = phase.u[k] if f.of == "a" else phase.h[k]
        net.backend.gate(signal, [Gate(f, z, _mask(net, k), slice(None))])

    def move(self, u: Any, pull: Any, step: float) -> None:
        """u += step * (pull - u), in place; pull is consumed."""
        u *= 1 - step
        pull *= step
        u += pull

    def error(self, net: "Pass", a: Any, y: Any, e: Any) -> None:
        """e = yhat(a) - y, the slope of the loss in a."""
        value, missed = net.array("value", net.m), net.backend.scratch(net.missed.shape, "bool", slot=12)
        net.backend.output_error(net.loss, a, y, e, value, missed)


@dataclass(frozen=True)
class ContrastiveRule(EnergyRule):
    """A rule that learns from what its phases differ in.

    delta_k = scale_k (r_k - r_k^+),  dW_k = scale_k (r_k r_{k-1}^T - r_k^+ r_{k-1}^+T), as two products of differences.
    """

    @property
    def ratio(self) -> float:
        """scale_k / scale_{k-1}."""
        return 1.0

    def difference(self, net: "Pass", other: Phase, drawn: Phase, scale: Callable[[int], float]) -> Layers:
        """delta_k = scale(k) * (r_k - r_k^+), as Layers."""
        delta = net.layers("delta")
        for k in range(1, net.L + 1):
            one = delta[k]
            one[...] = other.r[k]
            one -= drawn.r[k]
            one *= scale(k)
        return delta

    def contrast(self, net: "Pass") -> tuple[Layers, Phase, Phase]:
        """(delta, phase +, the other phase)."""
        raise NotImplementedError(f"{type(self).__name__} must define contrast(net)")

    def deltas(self, net: "Pass", e: Any) -> None:
        delta, _, _ = self.contrast(net)
        net.delta.stacked[...] = delta.stacked

    def gradients(self, net: "Pass", grads: "Gradients") -> None:
        delta, drawn, other = self.contrast(net)
        for k in range(1, net.L + 1):
            grads.layer(k, delta[k], drawn.r[k - 1])
            if k > 1:
                grads.product(f"W{k}", other.r[k], delta[k - 1], self.ratio)


def _mask(net: "Pass", k: int) -> Any:
    """Dropout's mask of layer k, None where there is none."""
    return None if net.mask is None or k == net.L else net.mask[:, net.sizes.rows(k)]
