"""Direct random target projection (Frenkel, Lefebvre & Bol 2021, Frontiers in Neuroscience 15:629892).

delta_L = e
delta_k = (B_k (y - mean of y over outputs)) * f'(a_k)       no layer waits for the output
delta_k = (B_k y) * f'(a_k)        the paper's, with centre = false

With outputs in (0, 1) and one-hot y, sign(e) = 1 - 2y: DRTP is sDFA without the part that is the same for all samples,
as far as the random sign of B_k goes.
"""

from dataclasses import dataclass
from typing import Any

from ...net.batch.passes import Pass
from .centred import CentredSignal


@dataclass(frozen=True)
class DRTP(CentredSignal):
    """B_k ~ U(+-1/sqrt(n_k)); y is one-hot, or the targets; with `centre` its mean over outputs is taken out."""

    separable = True
    broadcasts = True
    name = "drtp"
    paper = "Frenkel, Lefebvre & Bol 2021"
    crosses = "y, the target, less its mean over outputs (the paper's y: centre=false), to every layer"
    frees = "update, backward"

    def signal(self, net: Pass, e: Any, out: Any) -> None:
        out[...] = net.y
