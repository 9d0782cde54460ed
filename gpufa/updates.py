"""From delta to new weights: gradients into an arena and one pass of the optimizer, or straight into the weights."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from .arena import Parameters
from .config import Config
from .errors import InvalidValue
from .optimizers import Hyper, clip_factor, unbias
from .optimizers import optimizer as find_optimizer
from .passes import Pass

if TYPE_CHECKING:
    from .network import Network


class Update:
    """The optimizer with its states, (R, size) each in the layout of the parameters.

    Plain SGD needs no gradient: the weight products accumulate into the weights themselves, W += -lr * delta h^T.
    Raises InvalidValue where frozen layers or learning rates don't fit the net.
    """

    def __init__(self, net: "Network", config: Config) -> None:
        self.net, self.config, layers = net, config, range(1, net.sizes.L + 1)
        self.optimizer = find_optimizer(config.optimizer or "")
        for k in config.freeze:
            if k not in layers:
                raise InvalidValue(f"layer {k} can't be frozen; the net has layers 1 to {net.sizes.L}: change --freeze")
        if config.layer_lr and len(config.layer_lr) != net.sizes.L:
            raise InvalidValue(
                f"{len(config.layer_lr)} learning rates were given for {net.sizes.L} layers;"
                " give --layer-lr one for each"
            )
        self.trained = [k for k in layers if k not in config.freeze]
        self.rates = dict(zip(layers, config.layer_lr or (config.lr or 0.0,) * net.sizes.L, strict=True))
        self.direct = not self.optimizer.states and not config.weight_decay and config.clip is None
        self.states = {
            name: Parameters(net.backend, net.sizes, len(net.seeds), net.dtype) for name in self.optimizer.states
        }
        self.grads = None if self.direct else Parameters(net.backend, net.sizes, len(net.seeds), net.dtype)
        self.spans, self.by_rate = list(self._spans()), list(self._by_rate())

    def apply(self, p: Pass, samples: int, factor: float, step: int, active: np.ndarray) -> None:
        """Update the active replicas' weights by the pass's delta; `factor` is the schedule's, `step` counts from 0."""
        scale = 1 / samples if self.config.gradient == "mean" else 1.0
        if not active.all():
            p.delta.slab[~active] = 0
        if self.grads is None:
            for rate, layers in self.by_rate:
                p.gradients(self.net.arena, layers, alpha=-rate * factor * scale, beta=1.0)
            return
        p.gradients(self.grads, self.trained, alpha=scale)
        for r in np.flatnonzero(active):
            self._optimize(int(r), factor, step)

    def _optimize(self, r: int, factor: float, step: int) -> None:
        """One replica's pass over the arena."""
        assert self.grads is not None
        config, backend, flat, grad = self.config, self.net.backend, self.net.arena.flat[r], self.grads.flat[r]
        if config.clip is not None:
            np.multiply(grad, clip_factor(backend.norm(grad), config.clip), out=grad)
        states = [state.flat[r] for state in self.states.values()]
        unbias1, unbias2 = unbias(config.momentum or 0.0, config.beta2 or 0.0, step + 1)
        for span, rate in self.spans:
            hyper = Hyper(
                lr=rate * factor,
                weight_decay=config.weight_decay,
                momentum=config.momentum or 0.0,
                beta2=config.beta2 or 0.0,
                eps=config.eps or 0.0,
                unbias1=unbias1,
                unbias2=unbias2,
            )
            pieces = [state[span] for state in states]
            backend.optimizer_update(self.optimizer, flat[span], grad[span], pieces, hyper, config.decay or "l2")

    def _by_rate(self) -> Iterator[tuple[float, list[int]]]:
        """Trained layers that share a learning rate."""
        for rate in dict.fromkeys(self.rates[k] for k in self.trained):
            yield rate, [k for k in self.trained if self.rates[k] == rate]

    def _spans(self) -> Iterator[tuple[slice, float]]:
        """Stretches of the arena with one learning rate, as long as they get; frozen layers are left out."""
        arena, start, stop, rate = self.net.arena, 0, 0, None
        pieces = [(span, k) for k in self.trained for span in arena.span(k)]
        for span, k in sorted(pieces, key=lambda piece: piece[0].start):
            joins = self.rates[k] == rate and (len(self.trained) == self.net.sizes.L or span.start == stop)
            if not joins:
                if rate is not None:
                    yield slice(start, stop), rate
                start, rate = span.start, self.rates[k]
            stop = span.stop
        if rate is not None:
            yield slice(start, stop), rate
