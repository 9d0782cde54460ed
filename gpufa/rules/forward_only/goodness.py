"""Layers that each judge a label by the goodness of their activity, from forward passes alone.

h_k = f(W_k n(h_{k-1}) + b_k)       h_0 = x with a label; n(h) = h / sqrt(mean of h^2) hides the goodness of h
G_k = sum of h_k^2

Of a block of convolution and pool G_k is over all units of its output, theta_k goes by their number, n(h) is over all
of them, and the gradient of its own loss goes down inside it by local backprop.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from ...backends.operations.operands import Signal
from ...functions.formulas import FORMULAS
from ...net.batch.passes import Pass
from ...net.learning.gradients import Gradients
from ...net.learning.options import one_of
from ...net.shape.layout import Layout
from .labelled import Labelled, blocks

COUNTED = "all", "upper"
TINY = math.exp(-50)  # a silent layer is divided by this


@dataclass(frozen=True)
class ForwardOnly(Labelled):
    """counted = "upper" leaves the first of several hidden layers out of a prediction."""

    counted: str = "all"

    needs = frozenset({"plain", "single", "output", "amounts", "pull", "derivative"})
    makes = frozenset({"gradients"})
    feedforward = False

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of(self.counted, COUNTED, "choice of layers", "counted")

    def trained(self, sizes: Layout) -> Collection[int]:
        return sizes.hidden

    def threshold_of(self, sizes: Layout, k: int) -> float:
        """theta_k, above which layer k takes a label for right."""
        raise NotImplementedError(f"{type(self).__name__} must define threshold_of(sizes, k)")

    def judge(self, net: Pass, k: int, G: Any, sign: float, out: Any) -> None:
        """dL_k/dh_k of layer k's own loss into `out`, sign being 1 with the right label, -1 with a wrong one; G may be
        overwritten."""
        raise NotImplementedError(f"{type(self).__name__} must define judge(net, k, G, sign, out)")

    def forward(self, net: Pass, x: Any) -> Any:
        """a_L = the mean over layers of G - theta for each label; in training for two labels, G = 0 for the others."""
        net.take(x)
        a, counted = net.a[net.L], self.counted_layers(net.sizes)
        theta, share = sum(self.threshold_of(net.sizes, k) for k in counted), 1 / len(counted)
        if net.training:
            right, wrong = self.contrast(net)
            labels = net.y, right, net.array("wrong label", net.sizes.outputs, net.m), wrong
            net.backend.evaluate(FORMULAS["log_odds"], a, *labels, theta=theta, share=share)
            return a
        for c in range(net.sizes.outputs):
            a[:, c : c + 1] = self.attempt(net, self.one_label(net, c), "right")
        a -= theta
        a *= share
        return a

    def gradients(self, net: Pass, grads: Gradients) -> None:
        if not net.training:
            self.contrast(net)
        for name in ("right", "wrong"):
            given, delta = net.layers(name), net.layers(f"delta, {name}")
            self.first_gradients(net, grads, delta[1], given[0], name)
            for k in net.hidden:
                if k in net.sizes.layered:
                    blocks(net, name)[k].gradients(grads)
                elif k > 1:
                    grads.layer(k, delta[k], given[k - 1])

    def contrast(self, net: Pass) -> tuple[Any, Any]:
        """A pass with the right label and one with a wrong label, with the deltas of both; their goodness."""
        wrong = self.attempt(net, self.wrong_label(net), "wrong", sign=-1.0)
        return self.attempt(net, net.y, "right", sign=1.0), wrong

    def attempt(self, net: Pass, label: Any, name: str, sign: float = 0.0) -> Any:
        """A pass with this label; returns its goodness, (R, 1, m). With a sign the layers' deltas are made too."""
        given, total, G = net.layers(name), net.array(f"goodness, {name}", 1, net.m), net.array("G", 1, net.m)
        given[0] = self.labelled(net, label, f"input, {name}")
        net.backend.normalise(given[0], G, TINY, out=given[0])
        total.fill(0)
        for k in net.hidden:
            if k in net.sizes.layered:
                block = blocks(net, name)[k]
                block.up(*self.first_inputs(net, given[0], name) if k == 1 else (given[k - 1],))
                block.leave()
            else:
                W = self.first_weights(net) if k == 1 else None
                net.layer(k, given[k - 1], net.h[k], a=net.a[k], sent=net.sent[k], W=W)
            net.backend.normalise(net.sent[k], G, TINY, out=given[k])
            if k in self.counted_layers(net.sizes):
                total += G
            if sign:
                delta = net.layers(f"delta, {name}")[k]
                self.judge(net, k, G, sign, out=delta)
                if k in net.sizes.layered:
                    blocks(net, name)[k].send(Signal(None, delta))
                else:
                    net.gate(k, delta)
        return total

    def counted_layers(self, sizes: Layout) -> range:
        return sizes.hidden[1:] if self.counted == "upper" and len(sizes.hidden) > 1 else sizes.hidden
