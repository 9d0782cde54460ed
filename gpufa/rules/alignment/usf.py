"""Uniform sign-concordant feedback (Liao, Leibo & Poggio 2016; Moskovitz, Litwin-Kumar & Abbott 2018).

delta_k = (V_k delta_{k+1}) * f'(a_k),  V_k = s * sign(W_{k+1}^T)
"""

from dataclasses import dataclass
from typing import Any

from ...layers.protocol.terms import Shape
from ...net.batch.passes import Pass
from .signs import SignSymmetry


@dataclass(frozen=True)
class USF(SignSymmetry):
    """All magnitudes are s = scale * sqrt(2 / (n_k + n_{k+1})); backprop's own direction where all |W| are equal."""

    separable = True
    name = "usf"
    paper = "Liao, Leibo & Poggio 2016; Moskovitz et al. 2018"

    def magnitudes(self, net: Pass, name: str, shape: Shape, stream: int) -> Any:
        s = net.array(f"s of {name}", 1, 1)
        s.fill(self.spread(shape))
        return s
