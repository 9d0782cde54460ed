"""From delta to new weights: gradients into an arena and one pass of the optimizer, or a stretch of it at a time, or
straight into the weights."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from ...backends.operations.operands import Rates
from ...basics.arrays import without_diagonal
from ...basics.errors import InvalidValue
from ...functions.optimizers import OPTIMIZERS, Hyper, unbias
from ...functions.optimizers import optimizer as find_optimizer
from ...net.batch.passes import Pass
from ...net.learner import Learner
from ...net.learning.gradients import Gradients
from ...net.learning.piecewise import Piecewise, Room, Window
from ...net.learning.rule import Rule
from ...net.shape.firsts import tied
from ...net.state.arena import Array
from ...parallel.ranks import ALONE, Ranks
from ..settings.config import Config


class Update:
    """The optimizer with its states, (R, size) each in the layout of the parameters.

    Plain SGD needs no gradient: the weight products accumulate into the weights themselves, W += -lr * delta h^T; but
    where `ranks` share each batch. Of a rule of signals other optimizers take the gradient a stretch at a time in one
    process, where the backend bounds that and nothing is asked of the whole, as its norm is. With clipping `optimize`
    goes by the norm over all `holders` of blocks.
    Raises InvalidValue where frozen layers or learning rates don't fit the net.
    """

    def __init__(self, net: Learner, config: Config, ranks: Ranks = ALONE) -> None:
        self.net, self.config, self.ranks, layers = net, config, ranks, range(1, net.sizes.L + 1)
        self.optimizer = find_optimizer(config.optimizer or "", config.parts)
        for k in config.freeze:
            if k not in layers:
                raise InvalidValue(f"layer {k} can't be frozen; the net has layers 1 to {net.sizes.L}: change --freeze")
        if config.freeze and not net.rule.trained(net.sizes):
            raise InvalidValue(f"rule {net.rule.name!r} solves for weights in place of training; leave --freeze out")
        if config.layer_lr and len(config.layer_lr) != net.sizes.L:
            raise InvalidValue(
                f"{len(config.layer_lr)} learning rates were given for {net.sizes.L} layers;"
                " give --layer-lr one for each"
            )
        self.trained = tuple(k for k in net.rule.trained(net.sizes) if k not in config.freeze and k in net.sizes.every)
        lr = config.lr or 0.0
        by_layer = dict(zip(layers, config.layer_lr or (lr,) * net.sizes.L, strict=True))
        self.rates = {name: by_layer[k] for k in self.trained for name in net.sizes.parameters[k]}
        self.extras = [name for name, extra in net.extras.items() if extra.layer not in config.freeze]
        for name in self.extras:
            layer = net.extras[name].layer
            self.rates[name] = net.extras[name].rate * (lr if layer is None else by_layer[layer])
        self.distinct = list(dict.fromkeys(self.rates.values()))
        self.hyper = Hyper(
            lr=0.0,
            weight_decay=config.weight_decay or 0.0,
            momentum=config.momentum or 0.0,
            beta2=config.beta2 or 0.0,
            eps=config.eps or 0.0,
        )
        matrices = {*net.sizes.all_matrices, *(name for name, extra in net.extras.items() if len(extra.shape) > 1)}
        self.spared = {*self.rates} - matrices if config.decay_on == "matrices" else set[str]()
        plain = self.optimizer.plain and not config.weight_decay and config.clip is None
        self.windows = -(-net.sizes.places // net.window) if net.window else 1
        self.direct = plain and net.rule.makes == {"signals"} and ranks.size == 1 and self.windows == 1
        self.holders = net.ranks if config.clip is not None else ALONE
        self.over = partial(net.ranks.add, net.backend) if self.holders.size > 1 else None
        self.states = {name: net.new_arena() for name in self.optimizer.states}
        self.room = self._room()
        self.grads = None if self.direct or self.room else net.new_arena()
        self.spans, self.by_rate = list(self._spans()), list(self._by_rate())
        shifted = config.weight_decay and config.decay == "shift"
        by_itself = self.optimizer.name not in OPTIMIZERS or shifted  # moves where the gradient is 0
        self.hollow = sorted(net.sizes.hollow & self.rates.keys()) if by_itself else []
        self.activate(np.ones(len(net.seeds), bool))

    def numbers(self, factor: float, step: int, samples: int) -> list[float]:
        """What the clock holds of a step, counted from 0: unbias1, unbias2, then a learning rate per distinct one; of a
        step of several windows in time, each with an update, those of all one behind the other.

        `factor` is the schedule's. Where products go straight into the weights, a rate is the factor on them.
        """
        scale = -self.scale(samples, self.net.sizes.places) if self.direct else 1.0
        found: list[float] = []
        for update in range(step * self.windows + 1, (step + 1) * self.windows + 1):
            found += unbias(self.config.momentum or 0.0, self.config.beta2 or 0.0, update)
            found += [rate * factor * scale for rate in self.distinct]
        return found

    def scale(self, samples: int, places: int) -> float:
        return 1 / (samples * places) if self.config.gradient == "mean" else 1.0

    def activate(self, active: np.ndarray) -> None:
        """Let these replicas alone go on, (R,) bool."""
        self.running = _runs(active)
        self.stopped = _runs(~active)

    def collect(self, rule: Rule, p: Pass, now: Array, own: bool = True) -> None:
        """Take what the rule makes of the pass for the running replicas' gradients; where products go straight into the
        weights, or the optimizer takes them in pieces, that is their update. `now` is the clock's. Without `own` those
        of W and b alone."""
        signals_of = rule.name if rule.makes == {"signals"} else ""
        mean, extras = [(self.scale(p.counts, p.sizes.places), self.trained)], self.extras if own else []
        found: Gradients
        if self.room:
            window = Window(self.room, partial(self.apply, now=now))
            found = Piecewise(window, self.net.arena, mean, self.running, extras, signals_of)
        elif self.grads is None:
            rates = [(now[2 + i : 3 + i], layers) for i, layers in self.by_rate]
            found = Gradients(self.net.arena, rates, self.running, accumulate=True, signals_of=signals_of)
        else:
            found = Gradients(self.grads, mean, self.running, extras=extras, signals_of=signals_of)
        rule.gradients(p, found)
        found.finish()

    def share(self) -> None:
        """Let the running replicas' gradients be those of all processes' samples."""
        if self.grads is not None:
            for replicas in self.running:
                self.ranks.add(self.net.backend, self.grads.flat[replicas])

    def optimize(self, now: Array) -> None:
        """Update the running replicas' weights by the gradients that wait for that."""
        if self.grads is not None:
            self.apply(slice(0, self.grads.flat.shape[1]), self.grads.flat, now)
        for name in self.hollow:
            for replicas in self.running:
                without_diagonal(self.net.arena[name][replicas])

    def apply(self, span: slice, grad: Array, now: Array) -> None:
        """The gradient of this stretch of the arena, (R, length), is complete: update the running replicas' weights
        there. It is consumed. Stretches come in one order at every step, which together are all that is trained."""
        for replicas in self.running:
            self._optimize(span, grad[replicas], replicas, now)

    def _optimize(self, span: slice, grad: Array, replicas: slice, now: Array) -> None:
        """One pass over a stretch."""
        config, backend, flat = self.config, self.net.backend, self.net.arena.flat[replicas]
        clip = None
        if config.clip is not None:
            factors = backend.scratch("clip factors", (len(flat),), flat.dtype)
            clip = backend.clip_factors(grad, config.clip, out=factors, over=self.over)
        states = [state.flat[replicas] for state in self.states.values()]
        for alike, i, decays in self.spans:
            part = slice(max(alike.start, span.start), min(alike.stop, span.stop))
            if part.start >= part.stop:
                continue
            own, pieces = (
                grad[:, part.start - span.start : part.stop - span.start],
                [state[:, part] for state in states],
            )
            rates, hyper = Rates(now, i, clip), self.hyper if decays else self.hyper._replace(weight_decay=0.0)
            backend.optimizer_update(self.optimizer, flat[:, part], own, pieces, hyper, config.decay or "l2", rates)

    def _room(self) -> Room | None:
        """Room for a piece of the gradient, where all of it is never needed at once."""
        bound, arena, rule = self.net.backend.gradient_bytes, self.net.arena, self.net.rule
        if self.direct or self.ranks.size > 1 or bound is None or bound >= arena.flat.nbytes:
            return None
        if tied(self.net.sizes.blocks):  # a gradient of two parts, which are there one after the other
            return None
        return Room(arena, bound) if rule.makes == {"signals"} and self.config.clip is None else None

    def _by_rate(self) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Trained layers that share a learning rate, and which of the distinct ones that is."""
        for i, rate in enumerate(self.distinct):
            first = {k: next(iter(self.net.sizes.parameters[k])) for k in self.trained}
            if layers := tuple(k for k, name in first.items() if self.rates[name] == rate):
                yield i, layers

    def _spans(self) -> Iterator[tuple[slice, int, bool]]:
        """Stretches of the arena with one learning rate and with weight decay or without, as long as they get; frozen
        layers are left out."""
        arena = self.net.arena
        if len(self.rates) == len(arena) and len(self.distinct) == 1 and not self.spared:
            yield slice(0, arena.flat.shape[1]), 0, True
            return
        start, stop, kind = 0, 0, None
        for name, span in arena.spans.items():
            if name not in self.rates:
                continue
            own = self.distinct.index(self.rates[name]), name not in self.spared
            if own != kind or span.start != stop:
                if kind is not None:
                    yield slice(start, stop), *kind
                start, kind = span.start, own
            stop = span.stop
        if kind is not None:
            yield slice(start, stop), *kind


def _runs(those: np.ndarray) -> list[slice]:
    """The stretches of replicas among them, (R,) bool."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], those, [False]])))
    return [slice(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]
