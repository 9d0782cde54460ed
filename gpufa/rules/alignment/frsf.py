"""Fixed random-magnitude sign-concordant feedback (Liao, Leibo & Poggio 2016; Moskovitz et al. 2018).

delta_k = (V_k delta_{k+1}) * f'(a_k),  V_k^T = |M_{k+1}| * sign(W_{k+1}), M_{k+1} fixed and random
"""

import math
from dataclasses import dataclass
from typing import Any

from ...layers.protocol.terms import Shape
from ...net.batch.passes import Pass
from ...net.shape.layout import Layout
from ...net.state.feedback import Feedback
from .signs import SignSymmetry


@dataclass(frozen=True)
class FRSF(SignSymmetry):
    """M_{k+1}, shaped as W_{k+1}, is normal-like with root mean square scale * sqrt(2 / (n_k + n_{k+1}))."""

    separable = True
    name = "frsf"
    paper = "Liao, Leibo & Poggio 2016; Moskovitz et al. 2018"
    memory = "M"
    needs = frozenset({"pull", "derivative", "stored"})

    def fixed(self, sizes: Layout) -> dict[str, Feedback]:
        shapes = {name: sizes.parameters[k][name] for k in sizes.every for name in sizes.carriers[k]}
        return {
            f"M{name.removeprefix('W')}": Feedback(
                shape[0], math.prod(shape[1:]), "normal", self.spread(shape), kernel=shape
            )
            for name, shape in shapes.items()
        }

    def magnitudes(self, net: Pass, name: str, shape: Shape, stream: int) -> Any:
        return net.feedback[f"M{name.removeprefix('W')}"]
