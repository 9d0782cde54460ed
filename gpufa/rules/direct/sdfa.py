"""Direct feedback alignment of the error's sign (Frenkel, Lefebvre & Bol 2021, Frontiers in Neuroscience 15:629892).

delta_L = e
delta_k = (B_k (sign(e) - mean of sign(e) over outputs)) * f'(a_k)       the output layer learns from e itself
delta_k = (B_k sign(e)) * f'(a_k)        the paper's, with centre = false: one bit an output is sent
"""

from dataclasses import dataclass
from typing import Any

from ...net.batch.passes import Pass
from .centred import CentredSignal


@dataclass(frozen=True)
class SDFA(CentredSignal):
    """B_k ~ U(+-1/sqrt(n_k)); with `centre` the mean of sign(e) over outputs is taken out."""

    separable = True
    broadcasts = True
    name = "sdfa"
    paper = "Frenkel, Lefebvre & Bol 2021"
    crosses = "sign(e) less its mean over outputs, to every layer (centre=false: the paper's sign(e), n_L bits)"

    def signal(self, net: Pass, e: Any, out: Any) -> None:
        net.xp.sign(e, out=out)
