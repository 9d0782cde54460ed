"""Synthetic gradients at the ends of windows of time (Jaderberg et al. 2017, arXiv:1608.05343, section 3.2).

Backpropagation through time within windows of `window` steps, an update behind each, states carried from window to
window. Behind a window's last state s, where truncation has no error, comes what M predicts the future to send:
M(s) = M s + m                                        hidden = 0; M and m start from zero, which is truncation
M(s) = V tanh(M s + m) + v                            hidden > 0; V and v start from zero
dM, ... from 1/2 |M(s_0) - g|^2, g being dL/ds_0 as it comes back through the window that begins at s_0, into whose
other end M itself sends; both are held. s is h, of an LSTM h and c, of spiking units z, v and what else they carry.
Behind the last window there is no future, and nothing is sent or learned. Nets without recurrent layers have no
windows, and learn as under bp.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ...backends.operations.operands import Gate
from ...basics.arrays import ALL, T
from ...basics.errors import InvalidValue
from ...functions.activations import ACTIVATIONS
from ...layers.protocol.layer import At
from ...layers.time.cell import Cell
from ...net.batch.passes import Pass
from ...net.learning.gradients import Gradients
from ...net.learning.options import above_zero, whole
from ...net.shape.layout import Layout
from ...net.state.arena import Extra
from ...net.state.model import Model
from ..baselines.bp import BP

TANH = ACTIVATIONS["tanh"]


@dataclass(frozen=True)
class DNIWindows(BP):
    """`hidden` is M's number of hidden units, 0 for a linear M; `rate` its learning rate against that of the weights.

    net.parameters has M of block 1 as "M1" and "m1" and, with hidden units, "V1" and "v1".
    """

    window: int = 4  # type: ignore[misc]
    hidden: int = 0
    rate: float = 10.0

    name = "dni_windows"
    paper = "Jaderberg et al. 2017"
    crosses = "W_{k+1}^T delta_{k+1} within a window; nothing from window to window but states"
    memory = "M and its optimizer state"
    frees = "update, in time"
    makes = frozenset({"signals", "gradients"})
    injects_only = False
    linear = False
    separable = True

    def __post_init__(self) -> None:
        super().__post_init__()
        whole(self.window, "steps of a window", "window", least=1)
        whole(self.hidden, "hidden units of M", "hidden")
        above_zero(self.rate, "rate of M", "rate")

    def check(self, model: Model) -> None:
        for k in model.sizes.recurrent:
            for layer, _ in model.sizes.walk(k):
                if layer.timed and not isinstance(layer, Cell):
                    raise InvalidValue(
                        f"rule {self.name!r} predicts what arrives at the states of recurrent layers, and '{layer}' of"
                        f" block {k} carries one that is of no weights; leave it out, or take rule bp with rule.window"
                    )

    def parameters(self, sizes: Layout) -> dict[str, Extra]:
        found: dict[str, Extra] = {}
        for end, layer in cells(sizes):
            n = layer.rows.states * layer.n
            rows = self.hidden or n
            found[f"M{end}"] = Extra((rows, n), "uniform" if self.hidden else "zeros", self.rate)
            found[f"m{end}"] = Extra((rows,), rate=self.rate)
            if self.hidden:
                found[f"V{end}"] = Extra((n, rows), rate=self.rate)
                found[f"v{end}"] = Extra((n,), rate=self.rate)
        return found

    def deltas(self, net: Pass, e: Any) -> None:
        ends = [*range(self.window, net.sizes.places, self.window), *([] if net.ends else [net.sizes.places])]
        found = {at.path: {t: self.predict(net, end, at, t) for t in ends} for end, at in places(net)}
        if net.terms != net.sizes.places:  # M has learned errors under weights whose mean over all places is 1
            for one in (one for own in found.values() for one in own.values()):
                net.xp.multiply(one, net.terms / net.sizes.places, out=one)
        with net.beyond(found):
            super().deltas(net, e)

    def predict(self, net: Pass, end: str, at: At, t: int) -> Any:
        """M of the states in front of step t, or behind the last, (R, states * n, m)."""
        p, s = net.parameters, states(net, end, at, t)
        u = net.array(f"hidden units of M{end} at {t}", self.hidden or s.shape[-2], net.m)
        net.backend.layer(p[f"M{end}"], s, p[f"m{end}"], TANH if self.hidden else None, a=u, h=u)
        if not self.hidden:
            return u
        out = net.array(f"M{end} at {t}", s.shape[-2], net.m)
        net.backend.layer(p[f"V{end}"], u, p[f"v{end}"], None, a=out, h=out)
        return out

    def gradients(self, net: Pass, grads: Gradients) -> None:
        super().gradients(net, grads)
        for end, at in () if net.begins else places(net):
            miss, s = self.predict(net, end, at, 0), states(net, end, at, 0)
            g = together(net, f"what came back to {end}", at.layer.came_back(at))  # type: ignore[attr-defined]
            net.xp.subtract(miss, g, out=miss)
            if self.hidden:
                u, back = (
                    net.array(f"hidden units of M{end} at 0", self.hidden, net.m),
                    net.array("back", self.hidden, net.m),
                )
                grads.product(f"V{end}", miss, u)
                grads.sums(f"v{end}", miss)
                net.backend.gemm(T(net.parameters[f"V{end}"]), miss, out=back)
                net.backend.gate(back, [Gate(TANH, u, None, ALL)])
                miss = back
            grads.product(f"M{end}", miss, s)
            grads.sums(f"m{end}", miss)


def cells(sizes: Layout) -> Iterator[tuple[str, Cell]]:
    """The recurrent layers, with what the names of their parameters end in."""
    for k in sizes.every:
        for one in sizes.named(k):
            if isinstance(one.layer, Cell):
                yield one.end, one.layer


def places(net: Pass) -> Iterator[tuple[str, At]]:
    """The same, with where they stand."""
    for k in net.sizes.recurrent:
        found = (at for at in net.layered[k].at.leaves() if at.names)
        for end, at in zip(net.sizes.suffixes(k), found, strict=True):
            if isinstance(at.layer, Cell):
                yield end, at


def states(net: Pass, end: str, at: At, t: int) -> Any:
    """Those in front of step t, or behind the last, (R, states * n, m)."""
    return together(net, f"states of {end} at {t}", at.layer.carried(at, t))  # type: ignore[attr-defined]


def together(net: Pass, name: str, parts: Sequence[Any]) -> Any:
    """Arrays (R, n, m) one below the other, in work space of that name; one alone is itself."""
    if len(parts) == 1:
        return parts[0]
    n = parts[0].shape[-2]
    out = net.array(name, len(parts) * n, net.m)
    for i, one in enumerate(parts):
        out[:, i * n : (i + 1) * n] = one
    return out
