"""Equilibrium propagation (Scellier & Bengio 2017, arXiv:1602.05179).

E = 1/2 sum s^2 - sum_k rho(s_k)^T W_k rho(s_{k-1}) - sum_k b_k^T rho(s_k),  x in place of rho(s_0)
Free phase:    s goes down E:                ds_k = rho'(s_k) * (W_k rho_{k-1} + b_k + W_{k+1}^T rho_{k+1}) - s_k
Nudged phase:  s goes down E + beta * loss:  ds_L has -beta e as well, e = s_L - y for the squared error
dW_k ~ (rho_k rho_{k-1}^T at beta - the same of the free phase) / beta,  -> the gradient of the loss at rest

Variants, by options:
    variant = "one_sided"      as above; its error falls as beta
    variant = "random_sign"    beta or -beta, drawn for each step and net: the error of first order averages out
    variant = "symmetric"      (rho rho^T at beta - at -beta) / (2 beta); as beta^2 (Laborieux et al. 2021)
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ...backends.operations.operands import Nudge
from ...basics.errors import InvalidValue
from ...functions.activations import ACTIVATIONS, Activation
from ...net.batch.passes import Pass
from ...net.learning.options import above_zero, one_of, whole
from ...net.learning.rule import Rule
from ...net.state.arena import Layers
from ...net.state.model import Model
from .phases import ContrastiveRule, Phase

VARIANTS = "one_sided", "random_sign", "symmetric"
BOUNDED = "hard_logistic", "logistic", "tanh", "scaled_tanh"


@dataclass(frozen=True)
class EqProp(ContrastiveRule):
    """rho is the net's activation, that of the output units `output`; hard_logistic keeps the states s in 0 .. 1.

    The free phase starts at s = 0, a nudged one where that has ended; a step moves s by `step` of ds.
    """

    variant: str = "symmetric"
    beta: float = 0.5
    step: float = 0.5
    free_steps: int = 10
    nudged_steps: int = 4
    output: str = "hard_logistic"

    separable = True
    name = "eqprop"
    paper = "Scellier & Bengio 2017; symmetric: Laborieux et al. 2021"
    crosses = "activity, up by W_k and down by W_{k+1}^T, in both phases"
    feedforward = False
    defaults = MappingProxyType(
        {**Rule.defaults, "activation": "hard_logistic", "loss": "squared_error", "optimizer": "sgd", "lr": 0.5}
    )

    def __post_init__(self) -> None:
        one_of(self.variant, VARIANTS, "variant", "variant")
        above_zero(self.beta, "nudge", "beta")
        above_zero(self.step, "step of the states", "step", most=1)
        for phase in ("free", "nudged"):
            whole(getattr(self, f"{phase}_steps"), f"number of {phase} steps", f"{phase}_steps", least=1)
        one_of(self.output, (*BOUNDED, "identity"), "activation of the output", "output")

    def check(self, model: Model) -> None:
        for k, f in zip(model.sizes.hidden, model.activations, strict=True):
            if f.name not in BOUNDED:
                raise InvalidValue(
                    f"hidden layer {k} of {f.name!r} units has no states that rule 'eqprop' could relax to;"
                    f" choose --activation from {', '.join(BOUNDED)}"
                )

    def activation(self, net: Pass, k: int) -> Activation:
        return ACTIVATIONS[self.output] if k == net.L else net.activations[k - 1]

    def forward(self, net: Pass, x: Any) -> Any:
        free = self.begin(net, x)
        for k in net.sizes.every:
            net.backend.activate(*self.units(net, k, free))
        for _ in range(self.free_steps):
            for k in net.sizes.every:
                self.relax(net, k, free)
        if free.u is not net.a:
            net.a[net.L][...] = free.u[net.L]
        return net.a[net.L]

    def relax(self, net: Pass, k: int, phase: Phase, beta: float = 0.0) -> None:
        """s_k += step * ds_k."""
        units, inputs, nudge = self.units(net, k, phase), self.from_both(net, k, phase), None
        if beta and k == net.L:
            nudge = Nudge(net.array("e", *units.u.shape[1:]), net.array("sign", 1, 1), beta)
            self.error(net, units.u, net.y, nudge.e)
        bound, pull = units.f.name == "hard_logistic", net.layers("pull")[k]
        net.backend.descend(units, inputs, self.step, pull, nudge, bound)

    def nudged(self, net: Pass, name: str, beta: float) -> Phase:
        phase = self.phase(net, name).start(self.phase(net, "free"))
        for _ in range(self.nudged_steps):
            for k in range(net.L, 0, -1):
                self.relax(net, k, phase, beta)
        return phase

    def contrast(self, net: Pass) -> tuple[Layers, Phase, Phase]:
        symmetric, sign = self.variant == "symmetric", net.array("sign", 1, 1)
        if self.variant == "random_sign":
            net.random("sign", sign, stream=1)
        else:
            sign.fill(1)
        other = self.nudged(net, "minus", -self.beta) if symmetric else self.phase(net, "free")
        plus = self.nudged(net, "plus", self.beta)
        scale = 1 / (2 * self.beta if symmetric else self.beta)
        delta = self.difference(net, other, plus, lambda k: scale)
        delta.slab *= sign
        return delta, plus, other
