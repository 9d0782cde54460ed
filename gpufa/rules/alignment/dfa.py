"""Direct feedback alignment (Nokland 2016, arXiv:1609.01596).

    delta_L = e
    delta_k = (B_k e) * f'(a_k)        hidden layers, all k at once; B_k is n_k x n_L, fixed

Variants, by options:
    inject = "pre_activation"          delta_k = B_k e, no f': units whose derivative is zero learn (Breloff 2016)
    nonlinearity = "tanh", "relu"      delta_k = phi(B_k e) * f'(a_k)
    nonlinearity = "mlp"               delta_k = (B_k tanh(C e)) * f'(a_k), C fixed and random, `width` x n_L
    staleness = s                      hidden layers descend the gradient of s steps ago: its error, its activity
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...basics.errors import InvalidValue
from ...net.feedback import Feedback
from ...net.gradients import Gradients
from ...net.layout import Sizes
from ...net.options import one_of, whole
from ...net.passes import Pass
from .direct import DirectFeedback

INJECT = "activation", "pre_activation"
NONLINEARITIES = "identity", "tanh", "relu", "mlp"


@dataclass(frozen=True)
class DFA(DirectFeedback):
    """delta_k = (B_k e) * f'(a_k), B_k ~ U(+-1/sqrt(n_k)); one product and one pass for all hidden layers."""

    inject: str = "activation"
    nonlinearity: str = "identity"
    width: int = 64
    staleness: int = 0

    name = "dfa"
    paper = "Nokland 2016; threshold units: Breloff 2016"

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of(self.inject, INJECT, "place for the error", "inject")
        one_of(self.nonlinearity, NONLINEARITIES, "feedback nonlinearity", "nonlinearity")
        if self.rank and self.nonlinearity == "mlp":
            raise InvalidValue("nonlinearity 'mlp' has matrices of its own; leave rule.rank out and set rule.width")
        whole(self.width, "width of the feedback's MLP", "width", least=1)
        whole(self.staleness, "staleness", "staleness")

    @property
    def needs(self) -> frozenset[str]:  # type: ignore[override]
        return frozenset({"derivative"}) if self.inject == "activation" else frozenset()

    @property
    def makes(self) -> frozenset[str]:  # type: ignore[override]
        return frozenset({"signals", "gradients"}) if self.staleness else frozenset({"signals"})

    @property
    def injects_only(self) -> bool:  # type: ignore[override]
        return super().injects_only and self.nonlinearity == "identity"

    def columns(self, sizes: Sizes) -> int:
        return self.width if self.nonlinearity == "mlp" else super().columns(sizes)

    def fixed(self, sizes: Sizes) -> dict[str, Feedback]:
        if self.nonlinearity != "mlp":
            return super().fixed(sizes)
        scale = 1 / math.sqrt(sizes.outputs)
        return super().fixed(sizes) | {"C": Feedback(self.width, sizes.outputs, self.law, scale, self.density)}

    def state(self, sizes: Sizes) -> dict[str, tuple[int, ...]]:
        late = range(1, self.staleness + 1)
        shapes = {f"W{k}": (sizes[k], sizes[k - 1]) for k in sizes.hidden} | {
            f"b{k}": (sizes[k],) for k in sizes.hidden
        }
        return {f"{name}_late{s}": shape for s in late for name, shape in shapes.items()}

    def weight_pairs(self, net: Pass) -> Iterator[tuple[int, Any, Any]]:
        return iter(()) if self.nonlinearity == "mlp" else super().weight_pairs(net)

    def deltas(self, net: Pass, e: Any) -> None:
        if self.nonlinearity == "identity":
            self.send(net, e, derivative="derivative" in self.needs)
        elif self.nonlinearity == "mlp":
            through = net.array("tanh(C e)", self.width, net.m)
            net.backend.gemm(net.feedback["C"], e, out=through)
            net.xp.tanh(through, out=through)
            self.send(net, through, derivative="derivative" in self.needs)
        else:
            self._bent(net, e)

    def _bent(self, net: Pass, e: Any) -> None:
        """phi(B_k e) * f'(a_k)."""
        if not net.hidden:
            return
        self.send(net, e, derivative=False, dropout=False)
        signal = net.delta.stacked
        if self.nonlinearity == "tanh":
            net.xp.tanh(signal, out=signal)
        else:
            net.xp.maximum(signal, 0, out=signal)
        net.gate(net.hidden, signal, derivative="derivative" in self.needs)

    def gradients(self, net: Pass, grads: Gradients) -> None:
        super().gradients(net, grads)
        if not self.staleness or not net.training:
            return
        for name in (f"{kind}{k}" for k in net.hidden for kind in "Wb"):
            fresh = grads.array(name)
            queue = [net.state[f"{name}_late{s}"] for s in range(1, self.staleness + 1)]
            kept = net.backend.scratch(fresh.shape, fresh.dtype, slot=11)
            kept[...] = fresh
            fresh[...] = queue[-1]
            for older, newer in zip(queue[:0:-1], queue[-2::-1], strict=True):
                older[...] = newer
            queue[0][...] = kept
