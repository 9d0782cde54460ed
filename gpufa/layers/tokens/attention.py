"""Attention: each token takes of the others what its query finds in their keys (Vaswani et al. 2017, arXiv:1706.03762).

[q k v] = W x + b; of each head, s[t, u] = softmax over u of q_t . k_u / sqrt(d / heads); y = U (the sums of s[t, u] v_u
of all heads, below each other) + c.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...backends.operations.operands import Signal
from ...backends.operations.sequences import Heads
from ...basics.arguments import whole
from ...basics.arrays import Array
from ...basics.errors import InvalidValue
from ..protocol.carrying import carrier
from ..protocol.factored import hand_over, taken_through
from ..protocol.layer import At, Layer
from ..protocol.sequences import Steps, by_features, counted, of_each
from ..protocol.terms import Carriers, Option, Parameter, Shape, Sums


@dataclass(frozen=True)
class Attention(Layer):
    """All tokens see each other, or with `causal` none sees those behind it; tokens that fill up are seen by none. W
    makes queries, keys and values of all `heads`, U what goes on. One that sees none takes nothing: c alone."""

    heads: int
    causal: bool = False
    bias: bool = True

    word = "attention"
    example = "attention 8"
    sample = Steps((64, 16))
    options = (Option("causal", "", sets=("causal", True)), Option("nobias", "", sets=("bias", False)))
    spent = deaf = True

    def __post_init__(self) -> None:
        whole(self.heads, "the heads of an attention")
        for name in ("causal", "bias"):
            if not isinstance(value := getattr(self, name), bool):
                raise InvalidValue(f"the {name} of an attention can't be {value!r}; give True or False")

    def out(self, shape: Shape) -> Shape:
        found = of_each(self, shape)
        if found[0] % self.heads:
            raise InvalidValue(
                f"'{self}' can't divide the {found[0]} features of each token into {self.heads} equal heads; give heads"
                " that divide them"
            )
        return found

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        d = shape[0]
        found = {"W": Parameter((3 * d, d)), "U": Parameter((d, d))}
        return found | ({"b": Parameter((3 * d,)), "c": Parameter((d,))} if self.bias else {})

    def uses(self, shape: Shape) -> NDArray:
        return np.full((1, 1), float(shape[1]))

    def forward(self, at: At) -> None:
        d = at.shape[0]
        counted(at)
        self._product(at, "W", "b", by_features(at.x, d), self._made(at))
        at.backend.attend(self._made(at), self._heads(at), out=self._mixed(at))
        self._product(at, "U", "c", self._mixed(at), by_features(at.y, d))

    def send(self, at: At, carriers: Carriers) -> None:
        back = at.backend.scratch("signal at what is mixed", self._mixed(at).shape, at.delta.dtype)
        taken_through(at, self._back(at, "U", carriers), by_features(at.delta, at.shape[0]), out=back)
        at.backend.attend_back(back, self._made(at), self._heads(at), out=self._sent(at))

    def pull(self, at: At, carriers: Carriers) -> Signal:
        at.backend.gemm(self._back(at, "W", carriers), self._sent(at), out=by_features(at.down, at.shape[0]))
        return Signal(None, at.down)

    def gradients(self, at: At, grads: Sums) -> None:
        delta = by_features(at.delta, at.shape[0])
        grads.product(at.names["W"], self._sent(at), by_features(at.x, at.shape[0]))
        hand_over(at, grads, at.names["U"], delta, self._mixed(at))
        if self.bias:
            grads.sums(at.names["b"], self._sent(at))
            grads.sums(at.names["c"], delta)

    def weights(self, at: At) -> Array:
        """How much each token of the batch takes of which, (R, m, heads, tokens, tokens)."""
        found: Array = at.backend.weigh(self._made(at), self._heads(at))
        return found

    def _product(self, at: At, W: str, b: str, x: Array, out: Array) -> None:
        if self.bias:
            at.backend.layer(at.w[W], x, at.w[b], None, a=out, h=out)
        else:
            at.backend.gemm(at.w[W], x, out=out)

    def _back(self, at: At, name: str, carriers: Carriers) -> Array:
        return carrier(at.w[name]) if carriers is None else carriers[at.names[name]]

    def _made(self, at: At) -> Array:
        """Queries, keys and values, (R, 3 d, T * m)."""
        return self._array(at, "queries, keys and values", 3)

    def _mixed(self, at: At) -> Array:
        """What is taken, (R, d, T * m)."""
        return self._array(at, "taken", 1)

    def _sent(self, at: At) -> Array:
        """The signal at queries, keys and values, (R, 3 d, T * m)."""
        return self._array(at, "signal at queries, keys and values", 3)

    def _array(self, at: At, name: str, times: int) -> Array:
        return by_features(at.array(name, times * at.units, at.batch.m), times * at.shape[0])

    def _heads(self, at: At) -> Heads:
        pads = of_each(self, at.shape).pad is not None
        counted = at.array("tokens that count", at.shape[1], at.batch.m) if pads else None
        return Heads(self.heads, at.batch.m, self.causal, at.array, counted)
