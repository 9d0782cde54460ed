"""Decoupled neural interfaces, or synthetic gradients (Jaderberg et al. 2017, arXiv:1608.05343).

M_k(h, y) = A_k h + C_k y + c_k                       width = 0; without C_k y where `conditional` is false
M_k(h, y) = U_k relu(A_k h + C_k y + c_k) + d_k       width > 0
delta_k   = M_k(h_k, y) * f'(a_k)                     M_k predicts dL/dh_k, and its last layer starts at zero
dM_k        from |M_k(h_k, y) - W_{k+1}^T delta_{k+1}|^2, the target held;  delta_L = e

No lock on the update: delta_k is there as soon as layer k has run. Here all layers run before any is updated, and yet
the new weights are exactly those of layers that update themselves the moment they have run: delta_k and all above it
depend only on activity of this pass and on M from before the step. It takes one order within a layer: k+1 sends
W_{k+1}^T delta_{k+1} down before it updates W_{k+1}.
"""

from dataclasses import dataclass
from typing import Any

from ...backends.operations.operands import Gate
from ...basics.arrays import T
from ...functions.activations import ACTIVATIONS
from ...net.batch.passes import Pass
from ...net.learning.gradients import Gradients
from ...net.learning.options import above_zero, boolean, whole
from ...net.learning.rule import Rule
from ...net.shape.layout import Layout
from ...net.state.arena import Extra


@dataclass(frozen=True)
class DNI(Rule):
    """`width` is M's number of hidden units, 0 for a linear M; `rate` its learning rate against that of the weights.

    net.parameters has M as "A1", "C1", "c1" and, with a width, "U1", "d1", ...
    """

    conditional: bool = True
    width: int = 0
    rate: float = 1.0

    separable = True
    name = "dni"
    paper = "Jaderberg et al. 2017"
    crosses = "W_{k+1}^T delta_{k+1}, for M alone and never waited for; y to every M"
    memory = "M and its optimizer state"
    frees = "update, backward"
    needs = frozenset({"matrix", "plain", "derivative"})
    makes = frozenset({"signals", "gradients"})

    def __post_init__(self) -> None:
        boolean(self.conditional, "conditional")
        whole(self.width, "width of M", "width")
        above_zero(self.rate, "rate of M", "rate")

    def parameters(self, sizes: Layout) -> dict[str, Extra]:
        found, first = {}, "uniform" if self.width else "zeros"
        for k in sizes.hidden:
            units, rows = sizes[k], self.width or sizes[k]
            found[f"A{k}"] = Extra((rows, units), first, self.rate)
            if self.conditional:
                found[f"C{k}"] = Extra((rows, sizes.outputs), first, self.rate)
            found[f"c{k}"] = Extra((rows,), "zeros", self.rate)
            if self.width:
                found |= {f"U{k}": Extra((units, rows), rate=self.rate), f"d{k}": Extra((units,), rate=self.rate)}
        return found

    def deltas(self, net: Pass, e: Any) -> None:
        M = net.layers("M")
        for k in net.hidden:
            self.predict(net, k, out=M[k])
        if net.hidden:
            net.delta.stacked[...] = M.stacked
            net.gate(net.hidden, net.delta.stacked)

    def predict(self, net: Pass, k: int, out: Any) -> None:
        """M_k(h_k, y) into `out`, (R, n_k, m); with dropout h_k is what layer k sends."""
        p, u = net.parameters, net.array(f"hidden units of M{k}", self.width, net.m) if self.width else out
        net.backend.layer(p[f"A{k}"], net.sent[k], p[f"c{k}"], None, a=u, h=u)
        if self.conditional:
            net.backend.gemm(p[f"C{k}"], net.y, out=u, beta=1.0)
        if self.width:
            net.xp.maximum(u, 0, out=u)
            net.backend.layer(p[f"U{k}"], u, p[f"d{k}"], None, a=out, h=out)

    def gradients(self, net: Pass, grads: Gradients) -> None:
        super().gradients(net, grads)
        for k in net.hidden:
            miss = net.layers("M")[k]
            net.backend.gemm(T(net.W[k + 1]), net.delta[k + 1], out=miss, alpha=-1.0, beta=1.0)
            if self.width:
                u, back = (net.array(name, self.width, net.m) for name in (f"hidden units of M{k}", "back"))
                grads.product(f"U{k}", miss, u, 2.0)
                grads.sums(f"d{k}", miss, 2.0)
                net.backend.gemm(T(net.parameters[f"U{k}"]), miss, out=back)
                net.backend.gate(back, [Gate(ACTIVATIONS["relu"], u, None, slice(None))])
                miss = back
            grads.product(f"A{k}", miss, net.sent[k], 2.0)
            if self.conditional:
                grads.product(f"C{k}", miss, net.y, 2.0)
            grads.sums(f"c{k}", miss, 2.0)
