"""e-prop (Bellec, Scherr, Subramoney, Hajek, Salaj, Legenstein & Maass 2020, Nature Communications 11:3625).

eps_t  = (ds_t / ds_{t-1}) eps_{t-1} + ds_t / dw        s is what a unit carries from step to step: h of leaky units,
                                                        and of a GRU, c of an LSTM; h_{t-1} is held wherever U reads it
trace  = (dh_t / ds_t) eps_t                            an LSTM's output gate, of its own step alone, is added to it
dw     = sum over t of L_t trace_t,  L_t = B e_t        one trace for each weight and sample
"""

from dataclasses import dataclass
from typing import ClassVar

from .detached import ADAPTIVE, RANDOM, SYMMETRIC, Detached


@dataclass(frozen=True)
class EProp(Detached):
    """L_k = B_k e at the output of each block, met by eligibility traces; of leaky units it is rflo."""

    signals: ClassVar[tuple[str, ...]] = RANDOM, SYMMETRIC, ADAPTIVE
    name = "eprop"
    paper = "Bellec et al. 2020"
    crosses = "e, n_L numbers a sample and step, the same to every layer"
    memory = "B, and a trace for each weight of a recurrent layer and sample"
    separable = True
