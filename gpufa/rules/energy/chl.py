"""Contrastive Hebbian learning in layered nets (Movellan 1990; Xie & Seung 2003, Neural Computation 15:441).

Free phase:     h_k = f(W_k h_{k-1} + b_k + gamma W_{k+1}^T h_{k+1}),  h_L = yhat
Clamped phase:  the same with h_L = y
dW_k ~ gamma^(k-L) (h_k h_{k-1}^T clamped - the same of the free phase),  -> backprop's as gamma -> 0
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from ...basics.errors import InvalidValue
from ...net.batch.passes import Pass
from ...net.learning.options import above_zero, whole
from ...net.learning.rule import Rule
from ...net.state.arena import Layers
from ...net.state.model import Model
from .phases import ContrastiveRule, Phase


@dataclass(frozen=True)
class CHL(ContrastiveRule):
    """h_L is the output after its non-linearity, so that any of the losses whose error is yhat - y is backprop's as
    gamma -> 0; others are refused.

    The first step of the free phase is the feed-forward pass; the clamped phase starts where the free one has ended.
    """

    gamma: float = 0.03
    free_steps: int = 8
    clamped_steps: int = 4

    separable = True
    name = "chl"
    paper = "Movellan 1990; Xie & Seung 2003"
    crosses = "activity, up by W_k and down by gamma W_{k+1}^T, in both phases"
    feedforward = False
    defaults = MappingProxyType({**Rule.defaults, "optimizer": "sgd", "lr": 0.2})

    def __post_init__(self) -> None:
        above_zero(self.gamma, "strength of the feedback", "gamma", most=1, least=1e-6)
        whole(self.free_steps, "number of free steps", "free_steps", least=1)
        whole(self.clamped_steps, "number of clamped steps", "clamped_steps", least=1)

    def check(self, model: Model) -> None:
        if model.output_loss.error:
            raise InvalidValue(
                f"rule 'chl' clamps the outputs to the targets, as if the loss's error were yhat - y, and the loss"
                f" {model.output_loss.name!r} has another; use a loss without error(a, y, e), or another rule"
            )
        least = self.gamma ** (model.sizes.L - 1)
        if least < 100 * np.finfo(model.dtype).eps:
            raise InvalidValue(
                f"rule 'chl' reads the first of {model.sizes.L} layers from differences of about"
                f" gamma^{model.sizes.L - 1} = {least:.1g}, below what {model.dtype} tells apart; set rule.gamma"
                " higher, or use --dtype float64"
            )

    @property
    def ratio(self) -> float:
        return self.gamma

    def forward(self, net: Pass, x: Any) -> Any:
        free, nothing = self.begin(net, x), net.array("nothing", net.sizes.outputs, net.m)
        for _ in range(self.free_steps):
            for k in net.hidden:
                self.relax(net, k, free)
            self.output_error(net, free, net.a[net.L], nothing, e=free.h[net.L])
        return net.a[net.L]

    def relax(self, net: Pass, k: int, phase: Phase) -> None:
        """h_k = f(W_k h_{k-1} + b_k + gamma W_{k+1}^T h_{k+1})."""
        net.backend.settle(self.units(net, k, phase), self.from_both(net, k, phase, self.gamma))

    def contrast(self, net: Pass) -> tuple[Layers, Phase, Phase]:
        free = self.phase(net, "free")
        clamped = self.phase(net, "clamped", top=net.y).start(free)
        for _ in range(self.clamped_steps):
            for k in reversed(net.hidden):
                self.relax(net, k, clamped)
        return self.difference(net, free, clamped, lambda k: self.gamma ** (k - net.L)), clamped, free
