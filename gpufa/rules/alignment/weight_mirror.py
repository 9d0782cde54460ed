"""Weight mirrors (Akrout, Wilson, Humphreys, Lillicrap & Tweed 2019, arXiv:1904.05391).

Engaged:  delta_k = (B_k delta_{k+1}) * f'(a_k)
Mirror:   B_k += eta (xi_k y_{k+1}^T / m - B_k),  y_{k+1} = f(W_{k+1} xi_k + b_{k+1}),  xi_k zero-mean noise in layer k
          B   += eta (corr(xi, y) / (m n) - B),   y = f(K * xi + b), of a kernel K: n are the places where a tap of it
                                                  meets the maps, fewer for a corner than for the middle under zeros

A mirror phase follows each update. As E[xi y^T] is proportional to W_{k+1}^T, B_k goes there without being told it, and
so does corr(xi, y), which is the sum that a kernel's gradient is, to K. In a block of several layers each that carries
an error has noise of its own at its input; f is the activation right behind it, if there is one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from ...backends import Backend
from ...backends.operations.columns import Maps
from ...basics.arrays import Array, T
from ...basics.errors import InvalidValue
from ...functions.activations import Activation
from ...layers.protocol.layer import At
from ...layers.units.act import Act
from ...net.batch.passes import Pass
from ...net.learning.options import above_zero
from ...net.learning.rule import Rule
from .fa import FA
from .signs import INNER


@dataclass(frozen=True)
class WeightMirror(FA):
    """`eta` is the mirror's learning rate and its decay in one; as many noise samples as a batch has; y_L is linear.

    The noise is normal-like with deviation `noise`.
    """

    eta: float = 0.02
    noise: float = 1.0

    name = "weight_mirror"
    paper = "Akrout et al. 2019"
    crosses = "delta_{k+1}; noise in the mirror phase"
    needs = frozenset({"pull", "derivative", "apart", "stored"})
    injects_only = False
    as_said = True
    defaults = Rule.defaults

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.through != "matrices":
            raise InvalidValue("the mirror teaches a B for each matrix; leave rule.through out")
        above_zero(self.eta, "rate of the mirror", "eta", most=1)
        above_zero(self.noise, "noise", "noise", least=1e-6)

    def after_update(self, net: Pass) -> None:
        xi, y = net.layers("noise"), net.layers("response")
        for k in net.hidden:
            if k + 1 in net.sizes.layered:
                continue
            net.random("normal", xi[k], stream=k, scale=self.noise)
            net.layer(k + 1, xi[k], y[k + 1])
            alpha = self.eta / (net.m * self.noise**2)
            net.backend.gemm(xi[k], T(y[k + 1]), out=net.B[k], alpha=alpha, beta=1 - self.eta)
        for k, block in net.layered.items():
            carriers = net.sizes.carriers[k]
            places = {place.names["W"]: (place, f) for place, f in learning(block.at) if "W" in place.names}
            for i, (name, (B, _)) in enumerate(carriers.items()):
                self.mirror(net, *places[name], net.feedback[B], stream=k - 1 + INNER * i)

    def mirror(self, net: Pass, place: At, f: Activation | None, B: Array, stream: int) -> None:
        """B += eta (corr(xi, y) / (m n) - B) for the layer that stands there."""
        xi, y, a = (
            net.backend.scratch(f"{name} of a mirror", (len(B), units, net.m), B.dtype)
            for name, units in (("noise", place.units), ("response", len(place.delta[0])), ("sum", len(place.delta[0])))
        )
        net.random("normal", xi, stream=stream, scale=self.noise)
        place.layer.forward(place.beside(xi, a))
        if f:
            net.backend.activate(f, a, h=y)
        found = net.backend.scratch("mirrored", B.shape, B.dtype)
        place.layer.gradients(place.beside(xi, y if f else a), Correlation(net.backend, found))
        uses = place.layer.uses(place.shape).clip(min=1)  # what is never used stays 0
        found *= net.constant(f"rate of {place.path}", lambda: self.eta / (net.m * self.noise**2 * uses))
        B *= 1 - self.eta
        B += found


@dataclass(frozen=True)
class Correlation:
    """Where a layer hands over the gradient that it would have if y were its signal: corr(xi, y) of its W, in the shape
    of B."""

    backend: Backend
    out: Array

    def product(self, name: str, delta: Array, h: Array, factor: float = 1.0) -> None:
        self.backend.gemm(h, T(delta), out=self.out, alpha=factor)

    def add(self, name: str, g: Array) -> None:
        self.out[...] = T(g)

    def sums(self, name: str, delta: Array, factor: float = 1.0) -> None:
        """Vectors carry no error."""

    def look_ups(self, name: str, delta: Array, tokens: Array) -> None:
        """An embedding carries no error."""

    def filters(self, name: str, maps: Maps) -> None:
        self.backend.filter_gradient(maps, out=self.out)


def learning(at: At) -> Iterator[tuple[At, Activation | None]]:
    """The places in there of layers that learn, each with the activation right behind it."""
    for place, above in zip_longest(at.inside, at.inside[1:]):
        if place.names:
            yield place, above.layer.f if above and isinstance(above.layer, Act) else None
        yield from learning(place)
