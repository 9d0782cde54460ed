"""Target propagation (Bengio 2014, arXiv:1407.7906).

t_{L-1} = h_{L-1} - eta_hat dL/dh_{L-1}
t_{k-1} = g_k(t_k)                          the inverse's own errors end up in the targets: see dtp
delta_k = (h_k - t_k) / eta_hat * f'(a_k)

The defaults were chosen on validation samples of the digits. The larger eta_hat, the smaller the part of h_k - t_k that
is the inverse's own error.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ...net.batch.passes import Pass
from .inverses import Targets


@dataclass(frozen=True)
class TP(Targets):
    """t_{k-1} = g_k(t_k), g_k learned: net.parameters["V2"], ["c2"], ..."""

    eta_hat: float = 2.0
    noise: float = 0.1
    rate: float = 1.0

    separable = True
    name = "tp"
    paper = "Bengio 2014"
    defaults = MappingProxyType({**Targets.defaults, "lr": 1e-3})

    def lower_target(self, net: Pass, k: int, t: Any, out: Any) -> None:
        self.inverse(net, k, t, out)
