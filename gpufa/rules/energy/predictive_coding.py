"""Predictive coding (Whittington & Bogacz 2017, Neural Computation 29:1229).

eps_k = v_k - W_k f(v_{k-1}) - b_k,  x in place of f(v_0);  eps_L = y - yhat: v_L is the target
dv_k  = -eps_k + f'(v_k) * (W_{k+1}^T eps_{k+1})         from the feed-forward pass on, down F = 1/2 sum eps^2
dW_k  ~ eps_k f(v_{k-1})^T                               at rest the gradient of F; written here as delta_k = -eps_k

Variant, by an option:
    exact = true     unit steps, and layer L - t updated at step t alone: eps_k is backprop's (Z-IL, Song et al. 2020)
"""

from dataclasses import dataclass
from typing import Any

from ...net.batch.passes import Pass
from ...net.learning.gradients import Gradients
from ...net.learning.options import above_zero, boolean, whole
from .phases import EnergyRule, Phase


@dataclass(frozen=True)
class PredictiveCoding(EnergyRule):
    """Inference takes `steps` of size `step`, each from the output down; prediction is the feed-forward pass.

    With another loss than the squared error F has that loss in place of 1/2 eps_L^2.
    """

    step: float = 0.1
    steps: int = 8
    exact: bool = False

    feeds = True
    separable = True
    name = "predictive_coding"
    paper = "Whittington & Bogacz 2017; exact: Song et al. 2020"
    crosses = "predictions W_k f(v_{k-1}) up, W_{k+1}^T eps_{k+1} down"

    def __post_init__(self) -> None:
        above_zero(self.step, "step of inference", "step", most=1)
        whole(self.steps, "number of steps", "steps", least=1)
        boolean(self.exact, "exact")

    def forward(self, net: Pass, x: Any) -> Any:
        free = self.begin(net, x)
        for k in net.hidden:
            net.backend.settle(self.units(net, k, free), self.from_below(net, k, free))
        net.backend.drive(self.from_below(net, net.L, free), out=net.a[net.L])
        return net.a[net.L]

    def prediction_error(self, net: Pass, k: int, v: Phase, delta: Any) -> None:
        """delta_k = W_k f(v_{k-1}) + b_k - v_k, or yhat - y."""
        if k < net.L:
            net.backend.drive(self.from_below(net, k, v), out=delta, less=v.u[k])
        else:
            self.output_error(net, v, net.layers("pull")[k], net.y, e=delta)

    def infer(self, net: Pass) -> tuple[Any, Phase]:
        """(delta, the phase whose activity goes with it)."""
        delta, free = net.layers("delta"), self.phase(net, "free")
        v = self.phase(net, "inferred").start(free)
        for _ in range(1 if self.exact else self.steps):
            self.prediction_error(net, net.L, v, delta[net.L])
            for k in reversed(net.hidden):
                self.relax(net, k, v, delta)
        if self.exact:  # where layer k is updated, none below it has moved
            return delta, free
        for k in net.sizes.every:
            self.prediction_error(net, k, v, delta[k])
        return delta, v

    def relax(self, net: Pass, k: int, v: Phase, delta: Any) -> None:
        """delta_k, and v_k += step * dv_k; its prediction stays, so delta_k loses as much."""
        inputs = net.kept(f"inputs {k}", lambda: self.with_above(net, k, v, delta[k + 1], gain=-1.0))
        step = 1.0 if self.exact else self.step
        net.backend.infer(self.units(net, k, v), inputs, step, delta=delta[k], pull=net.layers("pull")[k])

    def deltas(self, net: Pass, e: Any) -> None:
        delta, _ = self.infer(net)
        net.delta.stacked[...] = delta.stacked

    def gradients(self, net: Pass, grads: Gradients) -> None:
        delta, v = self.infer(net)
        grads.each_layer(delta, v.r)
