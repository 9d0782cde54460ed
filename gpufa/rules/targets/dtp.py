"""Difference target propagation (Lee, Zhang, Fischer & Bengio 2015, arXiv:1412.7525).

t_{L-1} = h_{L-1} - eta_hat dL/dh_{L-1}
t_{k-1} = h_{k-1} + g_k(t_k) - g_k(h_k)     where t_k = h_k the target below is met as well, whatever g_k
delta_k = (h_k - t_k) / eta_hat * f'(a_k)

The authors train the inverses for an epoch, then the weights; here both learn in each step. Their optimizer is a
centred RMSprop, their rates 0.0149 for the weights and 0.00501 for the inverses (`rate` is the quotient).
"""

from dataclasses import dataclass
from typing import Any

from ...net.batch.passes import Pass
from .inverses import Targets


@dataclass(frozen=True)
class DTP(Targets):
    """t_{k-1} = h_{k-1} + g_k(t_k) - g_k(h_k), g_k learned: net.parameters["V2"], ["c2"], ..."""

    separable = True
    name = "dtp"
    paper = "Lee, Zhang, Fischer & Bengio 2015"

    def lower_target(self, net: Pass, k: int, t: Any, out: Any) -> None:
        reached = net.layers("inverse")[k - 1]
        self.inverse(net, k, t, out)
        self.inverse(net, k, net.sent[k], out=reached)
        net.xp.subtract(out, reached, out=out)
        net.xp.add(out, net.sent[k - 1], out=out)
