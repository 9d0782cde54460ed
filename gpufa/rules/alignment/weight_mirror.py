"""Weight mirrors (Akrout, Wilson, Humphreys, Lillicrap & Tweed 2019, arXiv:1904.05391).

Engaged:  delta_k = (B_k delta_{k+1}) * f'(a_k)
Mirror:   B_k += eta (xi_k y_{k+1}^T / m - B_k),  y_{k+1} = f(W_{k+1} xi_k + b_{k+1}),  xi_k zero-mean noise in layer k

A mirror phase follows each update. As E[xi y^T] is proportional to W_{k+1}^T, B_k goes there without being told it.
"""

from dataclasses import dataclass

from ...basics.arrays import T
from ...net.options import above_zero
from ...net.passes import Pass
from ...net.rule import Rule
from .fa import FA


@dataclass(frozen=True)
class WeightMirror(FA):
    """`eta` is the mirror's learning rate and its decay in one; as many noise samples as a batch has; y_L is linear.

    The noise is normal-like with deviation `noise`.
    """

    eta: float = 0.02
    noise: float = 1.0

    name = "weight_mirror"
    paper = "Akrout et al. 2019"
    crosses = "delta_{k+1}; noise in the mirror phase"
    needs = frozenset({"matrix", "pull", "derivative", "stored"})
    injects_only = False
    defaults = Rule.defaults

    def __post_init__(self) -> None:
        super().__post_init__()
        above_zero(self.eta, "rate of the mirror", "eta", most=1)
        above_zero(self.noise, "noise", "noise", least=1e-6)

    def after_update(self, net: Pass) -> None:
        xi, y = net.layers("noise"), net.layers("response")
        for k in net.hidden:
            net.random("normal", xi[k], stream=k, scale=self.noise)
            net.layer(k + 1, xi[k], y[k + 1])
            alpha = self.eta / (net.m * self.noise**2)
            net.backend.gemm(xi[k], T(y[k + 1]), out=net.B[k], alpha=alpha, beta=1 - self.eta)
