"""What the rules share whose units settle before the weights learn: first freely, then drawn to the target.

In a phase layer k has potentials u_k, activity h_k = f(u_k) and what it sends on, r_k: h_k, under dropout's mask if
there is any; r_0 = x. In a step each layer is updated once, in turn, by what its neighbours send just then. So nothing
is updated on what has changed since, a step takes the input all the way up, or the error all the way down, and with
the right size of step no energy rises.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...backends.operations.operands import Inputs, Outputs, Units
from ...basics.arrays import T
from ...functions.activations import Activation
from ...functions.formulas import FORMULAS
from ...net.batch.passes import Pass
from ...net.learning.gradients import Gradients
from ...net.learning.rule import Rule
from ...net.state.arena import Layers


class Phase:
    """The units in one phase, by layer: u[k], h[k] and r[k], all (R, n_k, m).

    The phase "free" is the pass itself: net.a, net.h and net.sent. `top` is given where the output is held to it.
    `units` and `inputs` are what the rule has made of it for the backend so far.
    """

    def __init__(self, net: Pass, name: str, top: Any = None) -> None:
        u, h = net.layers(f"{name} u"), net.layers(f"{name} h")
        held, top = top is not None, h[net.L] if top is None else top
        sent = h if net.mask is None else net.layers(f"{name} r")
        if name == "free":
            u, h, sent = u if net.a is net.h else net.a, net.h, net.sent
        self.u, self.h, self.r = u, [*h[: net.L], top], [net.h[0], *sent[1 : net.L], top]
        self.units: dict[int, Units] = {}
        self.inputs: dict[tuple[int, float], Inputs] = {}
        self.parts = [u.slab, h.stacked, *([] if sent is h else [sent.stacked]), *([] if held else [top])]

    def start(self, other: "Phase | None" = None) -> "Phase":
        """Begin where another phase has ended, or with zeros."""
        for part, begun in zip(self.parts, other.parts if other else [0] * len(self.parts), strict=False):
            part[...] = begun
        return self


@dataclass(frozen=True)
class EnergyRule(Rule):
    """`forward` leaves the phase "free", in which nothing but the input is given."""

    memory = "the activity of every phase"
    needs = frozenset({"matrix", "plain", "derivative"})
    makes = frozenset({"signals", "gradients"})

    def begin(self, net: Pass, x: Any) -> Phase:
        """Let the batch in; W_1 x + b_1 stays the same in all that follows."""
        net.take(x)
        drive = net.array("drive", net.sizes[1], net.m)
        net.backend.layer(net.W[1], net.h[0], net.b[1], None, a=drive, h=drive)
        return self.phase(net, "free").start()

    def phase(self, net: Pass, name: str, top: Any = None) -> Phase:
        """The phase of that name, the same one at every step."""
        return net.kept(f"phase {name}", lambda: Phase(net, name, top))

    def from_below(self, net: Pass, k: int, phase: Phase) -> Inputs:
        """W_k r_{k-1} + b_k."""
        if k == 1:
            return Inputs(None, None, net.array("drive", net.sizes[1], net.m))
        return Inputs(net.W[k], phase.r[k - 1], net.b[k])

    def from_both(self, net: Pass, k: int, phase: Phase, gain: float = 1.0) -> Inputs:
        """W_k r_{k-1} + b_k + gain W_{k+1}^T r_{k+1}."""
        if (k, gain) not in phase.inputs:
            top = k == net.L
            made = self.from_below(net, k, phase) if top else self.with_above(net, k, phase, phase.r[k + 1], gain)
            phase.inputs[k, gain] = made
        return phase.inputs[k, gain]

    def with_above(self, net: Pass, k: int, phase: Phase, signal: Any, gain: float) -> Inputs:
        """W_k r_{k-1} + b_k, and gain W_{k+1}^T signal, signal being (R, n_{k+1}, m)."""
        W, x, b, *_ = self.from_below(net, k, phase)
        return Inputs(W, x, b, T(net.W[k + 1]), signal, gain)

    def activation(self, net: Pass, k: int) -> Activation:
        return net.activations[k - 1]

    def units(self, net: Pass, k: int, phase: Phase) -> Units:
        """Layer k in a phase."""
        if k not in phase.units:
            phase.units[k] = Units(self.activation(net, k), phase.u[k], phase.h[k], _mask(net, k), phase.r[k])
        return phase.units[k]

    def output_error(self, net: Pass, phase: Phase, a: Any, y: Any, e: Any) -> None:
        """a = W_L r_{L-1} + b_L, and e = yhat(a) - y."""
        below, outputs = self.from_below(net, net.L, phase), _outputs(net, a, y, e)
        if below.W is None:
            net.backend.drive(below, out=a)
            net.backend.output_error(outputs)
        else:
            net.backend.output(below.W, below.x, below.b, outputs)

    def error(self, net: Pass, a: Any, y: Any, e: Any) -> None:
        """e = yhat(a) - y, the slope of the loss in a."""
        net.backend.output_error(_outputs(net, a, y, e))


@dataclass(frozen=True)
class ContrastiveRule(EnergyRule):
    """A rule that learns from what its phases differ in.

    delta_k = scale_k (r_k - r_k^+),  dW_k = scale_k (r_k r_{k-1}^T - r_k^+ r_{k-1}^+T), as two products of differences.
    """

    @property
    def ratio(self) -> float:
        """scale_k / scale_{k-1}."""
        return 1.0

    def difference(self, net: Pass, other: Phase, drawn: Phase, scale: Callable[[int], float]) -> Layers:
        """delta_k = scale(k) * (r_k - r_k^+), as Layers."""
        delta = net.layers("delta")
        for k in net.sizes.every:
            net.backend.evaluate(FORMULAS["difference"], delta[k], other.r[k], drawn.r[k], factor=scale(k))
        return delta

    def contrast(self, net: Pass) -> tuple[Layers, Phase, Phase]:
        """(delta, phase +, the other phase)."""
        raise NotImplementedError(f"{type(self).__name__} must define contrast(net)")

    def deltas(self, net: Pass, e: Any) -> None:
        delta, _, _ = self.contrast(net)
        net.delta.stacked[...] = delta.stacked

    def gradients(self, net: Pass, grads: Gradients) -> None:
        delta, drawn, other = self.contrast(net)
        grads.each_layer(delta, drawn.r)
        for k in range(2, net.L + 1):
            grads.product(f"W{k}", other.r[k], delta[k - 1], self.ratio)


def _outputs(net: Pass, a: Any, y: Any, e: Any) -> Outputs:
    """Nobody reads the losses and misses."""
    value, missed = net.array("value", net.m), net.backend.scratch("missed by a phase", net.missed.shape, "bool")
    return Outputs(net.loss, a, y, e, value, missed)


def _mask(net: Pass, k: int) -> Any:
    """Dropout's mask of layer k, None where there is none."""
    return None if net.mask is None or k == net.L else net.mask[:, net.sizes.rows(k)]
