"""Batchwise random sign-concordant feedback (Liao, Leibo & Poggio 2016; Moskovitz, Litwin-Kumar & Abbott 2018).

delta_k = (V_k delta_{k+1}) * f'(a_k),  V_k = M_k * sign(W_{k+1}^T), the magnitudes M_k drawn anew at every step
"""

from dataclasses import dataclass
from typing import Any

from ...layers.protocol.terms import Shape
from ...net.batch.passes import Pass
from .signs import SignSymmetry


@dataclass(frozen=True)
class BRSF(SignSymmetry):
    """M_k = |normal| of root mean square scale * sqrt(2 / (n_k + n_{k+1})), other numbers at each step."""

    separable = True
    name = "brsf"
    paper = "Liao, Leibo & Poggio 2016; Moskovitz et al. 2018"

    def magnitudes(self, net: Pass, name: str, shape: Shape, stream: int) -> Any:
        M = net.array(f"M of {name}", *shape)
        net.random("normal", M, stream=stream, scale=self.spread(shape))
        return M
