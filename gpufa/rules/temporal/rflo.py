"""Random feedback local online learning (Murray 2019, eLife 8:e43299), for h_t = (1 - a) h_{t-1} + a f(u_t).

p_t    = (1 - a) p_{t-1} + a f'(u_t) h_{t-1}^T          one for each recurrent weight; for W and b the same of x_t and 1
dU     = sum over t of (B e_t) p_t                      e_t is the error at step t; with `last` there is one, at the end
dW_L   = e h_L^T                                        the output learns from its own error

It is autodiff with h_{t-1} held wherever U reads it, and B in place of W_L^T; where U is zero it is backpropagation
through time with that B.
"""

from dataclasses import dataclass

from .detached import Detached


@dataclass(frozen=True)
class RFLO(Detached):
    """delta_k = B_k e at the output of each block, met by traces of recurrent layers without gates."""

    name = "rflo"
    needs = frozenset({"pull", "ungated", "derivative"})
    paper = "Murray 2019"
    crosses = "e, n_L numbers a sample and step, the same to every layer"
    memory = "B, and a trace for each recurrent weight and sample"
    separable = True
