"""PEPITA, error-driven input modulation (Dellaferrera & Kreiman 2022, arXiv:2201.11665).

xt      = x + F e              F is n_0 x n_L, fixed: the error goes onto the input of a second forward pass, to ht_k
delta_k = h_k - ht_k           hidden layers; the same dropout masks in both passes
delta_L = e                    of the first pass, as in the paper; its authors' programs take the second pass's
dW_k    = delta_k ht_{k-1}^T   of all layers, ht_0 = xt

To first order in F this is delta_k = -(W_k ... W_1 F e) * f' of all layers up to k: fixed random feedback through the
layers below, to which the weights above align. It is descended as it stands: the part of second order of W_1's step is
+ W_1 F e (F e)^T, by which W_1 F, the feedback, grows; with the other sign for delta_k it would be unlearnt.

Of a convolution, dK_k = delta_k x the patches of ht_{k-1}, summed over places and, as all gradients, averaged over the
batch once; h_k and ht_k in delta_k are those in front of a pool, behind all that leaves the maps' shape as it is. The
authors' program takes the mean over places, and divides by the batch twice. net.delta[k] is h_k - ht_k at the block's
output.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ...basics.arrays import T
from ...basics.errors import InvalidValue
from ...net.batch.passes import Pass
from ...net.learning.gradients import Gradients
from ...net.learning.rule import FeedbackRule, Rule
from ...net.shape.layout import Layout
from ...net.state.feedback import Feedback


@dataclass(frozen=True)
class PEPITA(FeedbackRule):
    """F = scale * sqrt(6 / n_0) * law. Dropout of inputs lies over F e as over x."""

    scale: float = 0.05

    separable = True
    name = "pepita"
    paper = "Dellaferrera & Kreiman 2022"
    crosses = "F e, on the input of a second forward pass"
    memory = "F, and the activity of both passes"
    frees = "backward"
    needs = frozenset({"plain", "single", "output", "amounts", "stored"})
    makes = frozenset({"signals", "gradients"})
    as_said = True
    defaults = MappingProxyType({**Rule.defaults, "init": "glorot"})
    layered = MappingProxyType({})

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.glorot:
            raise InvalidValue("F has a size of its own, scale * sqrt(6 / n_0); leave rule.glorot out")

    def fixed(self, sizes: Layout) -> dict[str, Feedback]:
        scale = self.scale * math.sqrt(6 / sizes.inputs)
        return {"F": Feedback(sizes.inputs, sizes.outputs, self.law, scale, self.density)}

    def deltas(self, net: Pass, e: Any) -> None:
        ht = net.layers("second pass")
        ht[0] = T(self.modulated(net, e))
        for k in net.hidden:
            net.aside("second pass", k, ht[k - 1], out=ht[k])
            net.xp.subtract(net.sent[k], ht[k], out=net.delta[k])

    def gradients(self, net: Pass, grads: Gradients) -> None:
        self.deltas(net, net.e)
        grads.each_layer(net.delta, net.layers("second pass"))
        for k, block in net.layered.items():
            second = net.beside("second pass")[k]
            place = second.learning
            net.xp.subtract(block.unpooled.y, second.unpooled.y, out=place.delta)
            place.layer.gradients(place, grads)

    def modulated(self, net: Pass, e: Any) -> Any:
        """x + F e, (R, m, n_0), under the dropout of x."""
        xt = net.array("x + F e", net.m, net.sizes.inputs)
        net.backend.gemm(T(e), T(net.feedback["F"]), out=xt)
        if net.masks.drops.input:
            mask = net.array("mask of x", net.m, net.sizes.inputs)
            net.masks.draw_inputs(out=mask)
            xt *= mask
        xt += T(net.sent[0])
        return xt

    def weight_pairs(self, net: Pass) -> Iterator[tuple[int, Any, Any]]:
        """-W_k ... W_1 F, and (W_L ... W_{k+1})^T, by which backprop carries the error to layer k of a linear net."""
        if net.sizes.layered:
            return
        down, up = {net.L: None}, net.feedback["F"]
        for k in reversed(net.hidden):
            W = T(net.W[k + 1])
            down[k] = W if down[k + 1] is None else W @ down[k + 1]
        for k in net.hidden:
            up = net.W[k] @ up
            yield k, -up, down[k]
