"""Evolution strategies (Salimans, Ho, Chen, Sidor & Sutskever 2017, arXiv:1703.03864), with antithetic pairs.

    g = 1/n sum_i (L(W + sigma eps_i) - L(W - sigma eps_i)) / (2 sigma) eps_i        eps_i ~ N(0, I), i = 1 .. n

L is the batch's loss, W all weights and biases. E[g] is the gradient of L smoothed over N(W, sigma^2 I), and the
gradient of L itself where L is quadratic. The paper puts ranks in the place of the losses; here they are as they are.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ...basics.errors import InvalidValue
from ...net.batch.passes import Pass
from ...net.learning.gradients import Gradients
from ...net.learning.options import above_zero, whole
from ...net.learning.rule import Rule
from ...net.state.model import Model


@dataclass(frozen=True)
class Evolution(Rule):
    """`pairs` is n, the perturbations a step, each tried with both signs; `sigma` their deviation.

    eps is normal-like, of mean 0 and variance 1.
    """

    pairs: int = 32
    sigma: float = 0.02

    separable = True
    name = "evolution"
    paper = "Salimans et al. 2017"
    crosses = "the loss, one number a perturbation, the same to every layer"
    memory = "eps and a copy of the weights"
    frees = "backward"
    needs = frozenset({"plain", "output"})
    makes = frozenset({"gradients"})
    defaults = MappingProxyType({**Rule.defaults, "lr": 0.015, "batch_size": 256})

    def __post_init__(self) -> None:
        whole(self.pairs, "number of pairs", "pairs", least=1)
        above_zero(self.sigma, "deviation of the perturbations", "sigma")

    def check(self, model: Model) -> None:
        for k in model.sizes.every:
            for layer, _ in model.sizes.walk(k):
                if layer.priced:
                    raise InvalidValue(
                        f"rule {self.name!r} knows the loss alone, and '{layer}' of block {k} has a cost of its own;"
                        " leave cost out"
                    )

    def gradients(self, net: Pass, grads: Gradients) -> None:
        W, spans = net.parameters.flat, net.parameters.spans
        kept, eps, step = (net.array(name, W.shape[1]) for name in ("kept", "eps", "step"))
        losses, slope = net.array("losses", 1, net.m), net.array("slope", 1)
        difference = losses[:, 0]
        trained = [(i, name) for i, name in enumerate(spans) if name in grads.wanted]
        for _, name in trained:
            grads.array(name).fill(0)
        g = grads.into.flat
        kept[...] = W
        for pair in range(self.pairs):
            for i, name in trained:
                net.random("normal", eps[:, spans[name]], stream=pair * len(spans) + i)
                if name in net.sizes.hollow:
                    eps[:, spans[name]][:, :: net.parameters[name].shape[-1] + 1] = 0
            net.xp.multiply(eps, self.sigma, out=step)
            net.xp.add(kept, step, out=W)
            difference[...] = loss(net)
            net.xp.subtract(kept, step, out=W)
            net.xp.subtract(difference, loss(net), out=difference)
            net.backend.row_sums(losses, out=slope, alpha=grads.scale / (2 * self.sigma * self.pairs))
            net.xp.multiply(eps, slope, out=eps)
            net.xp.add(g, eps, out=g)
        W[...] = kept


def loss(net: Pass) -> Any:
    """The loss of each sample, (R, m), under the weights as they stand now, with the dropout of the pass."""
    net.again()
    net.error()
    return net.value
