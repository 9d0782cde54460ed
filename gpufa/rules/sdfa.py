"""Direct feedback alignment of the error's sign (Frenkel, Lefebvre & Bol 2021, Frontiers in Neuroscience 15:629892).

delta_L = e
delta_k = (B_k sign(e)) * f'(a_k)        one bit an output is sent; the output layer learns from e itself
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from .centred import CentredSignal

if TYPE_CHECKING:
    from ..passes import Pass


@dataclass(frozen=True)
class SDFA(CentredSignal):
    """B_k ~ U(+-1/sqrt(n_k)); with `centre` the mean of sign(e) over outputs is taken out."""

    name: ClassVar[str] = "sdfa"
    paper: ClassVar[str] = "Frenkel, Lefebvre & Bol 2021"
    crosses: ClassVar[str] = "sign(e), n_L bits a sample, the same to every layer"

    def signal(self, net: "Pass", e: Any, out: Any) -> None:
        net.xp.sign(e, out=out)
