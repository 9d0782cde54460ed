"""Extreme learning machine (Huang, Zhu & Siew 2006, Neurocomputing 70:489).

    h_k   = f(W_k h_{k-1} + b_k)                         hidden layers random and fixed
    W_L^T = (H^T H + lambda I)^-1 H^T T                  H: h_{L-1} of all samples, by rows; T: their targets

The paper has one hidden layer and lambda = 0, the pseudo-inverse; deeper nets and the ridge are common since.
"""

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ...basics.random import Purpose
from ...net.learning.options import above_zero
from ...net.state.model import Model
from .regression import OutputRegression


@dataclass(frozen=True)
class ELM(OutputRegression):
    """Hidden weights are as the net's init draws them, hidden biases U(+-bias/sqrt(n_{k-1}))."""

    bias: float = 1.0

    name = "elm"
    paper = "Huang, Zhu & Siew 2006"
    crosses = "nothing"
    defaults = MappingProxyType({**OutputRegression.defaults, "activation": "relu"})

    def __post_init__(self) -> None:
        super().__post_init__()
        above_zero(self.bias, "scale of the hidden biases", "bias")

    def prepare(self, model: Model, x: Any, y: Any) -> None:
        for k in model.sizes.hidden:
            bound = self.bias / math.sqrt(model.sizes[k - 1])
            model.backend.random("uniform", model.arena.b[k], model.seeds, Purpose.RULE, stream=k, scale=bound)
