"""Restricted Boltzmann machines, stacked: contrastive divergence (Hinton 2002, Neural Computation 14:1771).

E(v, h) = -h^T W_k v - b_k^T h - c_k^T v        v = h_{k-1}, units are 0 or 1
p(h|v) = f(W_k v + b_k),  p(v|h) = f(W_k^T h + c_k)        f logistic
dW_k = <h v^T> - <h v^T>',  db_k = <h> - <h>',  dc_k = <v> - <v>'        added; the negative is handed over

<.> has the data as v and p(h|v) as h, <.>' the same after `k` sweeps of Gibbs sampling, h then v then p(h|v).
CD-k: the sweeps begin at the data. persistent = true (PCD, Tieleman 2008): they go on where the last step's ended.
visible = "probabilities"    p(v|h) stands for v, as in Hinton & Salakhutdinov 2006: less noise
visible = "samples"          v is drawn from p(v|h), and the data from h_{k-1}: the exact sampler
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ...basics.arrays import T
from ...basics.errors import InvalidValue
from ...net.batch.passes import Pass
from ...net.learning.gradients import Gradients
from ...net.learning.options import boolean, one_of, whole
from ...net.learning.rule import Rule
from ...net.shape.layout import Layout
from ...net.state.arena import Extra
from ...net.state.model import Model
from .unsupervised import Unsupervised


@dataclass(frozen=True)
class RBM(Unsupervised):
    """Layer k is an RBM on the layer below, its visible biases are net.parameters["c1"], ...; all learn at once.

    Inputs must be in [0, 1]. Where persistent, `particles` chains are kept, from h = 0 on.
    """

    k: int = 1
    persistent: bool = False
    particles: int = 64
    visible: str = "probabilities"

    name = "rbm"
    paper = "Hinton 2002; Tieleman 2008"
    needs = frozenset({"matrix", "plain", "samples"})
    memory = "c and its optimizer state; the particles, where persistent"
    defaults = MappingProxyType({**Rule.defaults, "activation": "logistic", "lr": 0.02})

    @property
    def separable(self) -> bool:  # type: ignore[override]
        return not self.persistent

    def __post_init__(self) -> None:
        whole(self.k, "number of Gibbs sweeps", "k", least=1)
        whole(self.particles, "number of particles", "particles", least=1)
        one_of(self.visible, ("probabilities", "samples"), "state of visible units", "visible")
        boolean(self.persistent, "persistent")

    def check(self, model: Model) -> None:
        if others := [f.name for f in model.activations if f.name != "logistic"]:
            raise InvalidValue(f"units of an RBM are logistic, not {others[0]}; leave --activation out")

    def prepare(self, model: Model, x: Any, y: Any) -> None:
        host = model.backend.to_host(x)
        if host.min() < 0 or host.max() > 1:
            span = f"{host.min():g} to {host.max():g}"
            raise InvalidValue(f"inputs from {span} are no probabilities; bring them to 0..1 by --scaling unit")

    def parameters(self, sizes: Layout) -> dict[str, Extra]:
        return {f"c{k}": Extra((sizes[k - 1],), layer=k) for k in sizes.hidden}

    def state(self, sizes: Layout) -> dict[str, tuple[int, ...]]:
        return {f"particles{k}": (sizes[k], self.particles) for k in sizes.hidden if self.persistent}

    def learn(self, net: Pass, grads: Gradients, k: int) -> None:
        below, units, count = net.sizes[k - 1], net.sizes[k], self.particles if self.persistent else net.m
        v, v0 = net.array(f"v{k}", below, count), net.array(f"data{k}", below, net.m)
        h, p, p0 = net.array(f"h{k}", units, count), net.array(f"p{k}", units, count), net.h[k]
        c = net.parameters[f"c{k}"]
        v0[...] = net.sent[k - 1]
        if self.visible == "samples":
            self.sample(net, v0, v0, k, draw=0)
            net.layer(k, v0, p0 := net.array(f"p(h|data{k})", units, net.m))
        if self.persistent:
            h[...] = net.state[f"particles{k}"]
        else:
            self.sample(net, p0, h, k, draw=1)
        for draw in range(2, 2 * self.k + 2, 2):
            net.backend.layer(T(net.W[k]), h, c, net.activations[k - 1], a=v, h=v)
            if self.visible == "samples":
                self.sample(net, v, v, k, draw)
            net.layer(k, v, p)
            self.sample(net, p, h, k, draw + 1)
        if self.persistent and net.training:
            net.state[f"particles{k}"][...] = h
        for factor, visible, hidden in ((-1.0, v0, p0), (net.m / count, v, p)):
            grads.layer(k, hidden, visible, factor)
            grads.sums(f"c{k}", visible, factor)

    def sample(self, net: Pass, p: Any, out: Any, k: int, draw: int) -> None:
        """out = 1 with probability p, else 0."""
        u = net.array(f"u {p.shape[-2:]}", *p.shape[-2:])
        net.random("uniform", u, stream=draw * net.L + k, scale=0.5, by_sample=True)
        u += 0.5
        net.xp.less(u, p, out=out)
