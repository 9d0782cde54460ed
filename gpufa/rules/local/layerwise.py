"""Layerwise training by a local head per layer (Belilovsky, Eickenberg & Oyallon 2019, arXiv:1812.11446, all layers at
once as in arXiv:1901.08164; the "pred" loss of Nokland & Eidnes 2019, arXiv:1901.06656).

e_k     = yhat_k - y,  yhat_k from H_k h_k + c_k as the net's own outputs from a_L
delta_k = (H_k^T e_k) * f'(a_k)        the gradient of layer k's own loss; no layer hears of those above
dH_k    = e_k h_k^T,  dc_k = the row sums of e_k

A block of several layers has one head, on all units of its output, and H_k^T e_k goes down inside it by local backprop.
Nokland & Eidnes average maps under a head by a pool, to at most 4096 numbers; here a head sees them as they are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...backends.operations.operands import Outputs
from ...basics.arrays import T
from ...net.batch.passes import Pass
from ...net.learning.gradients import Gradients
from ...net.learning.rule import Rule
from ...net.shape.layout import Layout
from ...net.state.arena import Extra


@dataclass(frozen=True)
class Layerwise(Rule):
    """Each hidden layer descends the loss of a linear classifier on its activity, which is trained along with it.

    The heads are net.parameters["H1"], (n_L, n_1), from U(+-1/sqrt(n_k)), and ["c1"], (n_L,), from zero, called "cH1"
    where block 1 is a GRU, which has a c1 of its own; the net itself predicts by its output layer alone.
    """

    name = "layerwise"
    paper = "Belilovsky et al. 2019; Nokland & Eidnes 2019"
    crosses = "h_{k-1}, upwards; y, the target, to every layer"
    memory = "H, c and their optimizer state"
    frees = "update, backward"
    needs = frozenset({"plain", "output", "derivative"})
    makes = frozenset({"signals", "gradients"})
    linear = True
    separable = True

    def parameters(self, sizes: Layout) -> dict[str, Extra]:
        heads = {f"H{k}": Extra((sizes.outputs, sizes[k]), "uniform") for k in sizes.hidden}
        return heads | {bias_of(sizes, k): Extra((sizes.outputs,)) for k in sizes.hidden}

    def deltas(self, net: Pass, e: Any) -> None:
        net.send(net.L, e)
        for k in net.hidden:
            net.send(k, net.through(T(net.parameters[f"H{k}"]), self.error(net, k)))

    def gradients(self, net: Pass, grads: Gradients) -> None:
        super().gradients(net, grads)
        for k in net.hidden:
            e = self.space(net, k)
            grads.product(f"H{k}", e, net.audible(k, net.sent[k]))
            grads.sums(bias_of(net.sizes, k), e)

    def space(self, net: Pass, k: int) -> Any:
        """Where e_k stands, (R, n_L, m)."""
        return net.array(f"e{k}", net.sizes.outputs, net.m)

    def error(self, net: Pass, k: int) -> Any:
        """e_k by the net's own loss."""
        a, value = net.array("H h + c", net.sizes.outputs, net.m), net.array("local loss", net.m)
        missed = net.backend.scratch("missed by a head", net.missed.shape, "bool")
        H, c, e = net.parameters[f"H{k}"], net.parameters[bias_of(net.sizes, k)], self.space(net, k)
        net.backend.output(
            H, net.audible(k, net.sent[k]), c, Outputs(net.loss, a, net.y, e, value, missed, weight=net.weight)
        )
        return e

    def weight_pairs(self, net: Pass) -> Iterator[tuple[int, Any, Any]]:
        for k in net.hidden[-1:] if net.sizes.one_dense(net.L) else ():
            yield k, net.parameters[f"H{k}"], net.W[k + 1]


def bias_of(sizes: Layout, k: int) -> str:
    """What the bias of block k's head is called: a name that the block has none of."""
    return f"cH{k}" if f"c{k}" in sizes.parameters[k] else f"c{k}"
