"""Fixed random-magnitude sign-concordant feedback (Liao, Leibo & Poggio 2016; Moskovitz et al. 2018).

delta_k = (V_k delta_{k+1}) * f'(a_k),  V_k^T = |M_{k+1}| * sign(W_{k+1}), M_{k+1} fixed and random
"""

from dataclasses import dataclass
from typing import Any

from ...net.feedback import Feedback
from ...net.layout import Sizes
from ...net.passes import Pass
from .signs import SignSymmetry


@dataclass(frozen=True)
class FRSF(SignSymmetry):
    """M_{k+1}, shaped as W_{k+1}, is normal-like with root mean square scale * sqrt(2 / (n_k + n_{k+1}))."""

    name = "frsf"
    paper = "Liao, Leibo & Poggio 2016; Moskovitz et al. 2018"
    memory = "M"
    needs = frozenset({"pull", "derivative", "stored"})

    def fixed(self, sizes: Sizes) -> dict[str, Feedback]:
        return {f"M{k + 1}": Feedback(sizes[k + 1], sizes[k], "normal", self.spread(sizes, k)) for k in sizes.hidden}

    def magnitudes(self, net: Pass, k: int) -> Any:
        return net.feedback[f"M{k + 1}"]
