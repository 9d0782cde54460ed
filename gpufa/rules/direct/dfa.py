"""Direct feedback alignment (Nokland 2016, arXiv:1609.01596).

    delta_L = e
    delta_k = (B_k e) * f'(a_k)        hidden layers, all k at once; B_k is n_k x n_L, fixed

Variants, by options:
    inject = "pre_activation"          delta_k = B_k e, no f', see bent.py
    nonlinearity = "tanh", "relu"      delta_k = phi(B_k e) * f'(a_k)
    nonlinearity = "mlp"               delta_k = (B_k tanh(C e)) * f'(a_k)
    staleness = s                      hidden layers descend the gradient of s steps ago, see stale.py
    error = "encoder"                  delta_k = (B_k W_L^T e) * f'(a_k), see sent.py
    last = "weights"                   delta_{L-1} = (W_L^T e) * f'(a_{L-1})
    ternary = t                        B_k goes with 1, 0 or -1 in place of e
    projector = f                      B_k e comes of f(e, rows), see projected.py
    inside, enters                     feedback inside blocks of several layers too, see inside.py
    graph = true                       delta_k = (B_k e A^(L-k)) * f'(a_k), see along.py
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ...basics.errors import InvalidValue
from ...net.batch.passes import Pass
from .along import AlongEdges
from .bent import INJECT, Bent
from .projected import Projected
from .sent import SentError
from .stale import Stale

BY_UNIT = "auto", "each", "own"


@dataclass(frozen=True)
class DFA(AlongEdges, Projected, SentError, Stale, Bent):
    """delta_k = (B_k e) * f'(a_k), B_k ~ U(+-1/sqrt(n_k)); one product and one pass for all hidden layers.

    The bases stand in the reverse order of that in which files have their options.
    """

    name = "dfa"
    paper = "Nokland 2016; threshold units: Breloff 2016"
    later = MappingProxyType(
        {
            **Bent.later,
            **{"error": "outputs", "last": "feedback", "ternary": 0.0, "projector": None, "graph": False},
            **{"inside": "weights", "enters": "blocks"},
        }
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        makes_all = self.projector is not None
        if makes_all and (
            self.rank or self.nonlinearity != "identity" or self.places not in BY_UNIT or self.inject != INJECT[0]
        ):
            raise InvalidValue(
                "a projector makes all of B e itself; leave rule.rank, rule.nonlinearity, rule.places and rule.inject"
                " out"
            )
        if self.graph and makes_all:
            raise InvalidValue(
                "graph = true has an error of its own for each block, and a projector is asked for all at once; leave"
                " rule.projector or rule.graph out"
            )
        if self.as_said and (self.graph or makes_all):
            raise InvalidValue(
                "enters = 'activations' sends one error to all places by B's of its own; leave rule.graph and"
                " rule.projector out, or rule.enters"
            )

    @property
    def separable(self) -> bool:  # type: ignore[override]
        return not self.staleness

    @property
    def broadcasts(self) -> bool:  # type: ignore[override]
        return not (self.staleness or self.pulls or self.looks_inside)

    def deltas(self, net: Pass, e: Any) -> None:
        net.send(net.L, e)
        sent = self.carried(net, self.heard(net, e))
        with net.entering(self.inner_signals(net, sent)):
            self.scatter(net, sent)
            self.own(net)
