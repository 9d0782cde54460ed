"""Alignment angles: how far a rule's signals point from backpropagation's, each kind under its own name, in degrees.

per_sample   angle of delta_k and true backprop's delta_k, arccos of the cosine's mean over samples
per_sample_std   the same cosine's deviation, as the half width of arccos(mean -+ std)
batch        angle of the whole batch's delta_k, flattened
gradient     angle of the weight gradients dW_k
local        angle of delta_k and (W_{k+1}^T delta_{k+1}) * f'(a_k), one layer of backprop from the rule's own
             delta_{k+1}, per sample: what this layer's feedback alone does, where per_sample has all layers above in it
weight       angle of the feedback and the weights it stands for (FA: B_k and W_{k+1}^T; DFA: B_{k+1} B_k^T and W_{k+1},
             and B_{L-1}^T and W_L at the output; Refinetti et al. 2021); NaN where a rule has no such pair
agreement    share of the samples, in percent, whose delta_k and true backprop's have a positive inner product (for the
             hidden layer below the output that is Lillicrap's e^T W B e > 0)
pseudo       angle of delta_{L-1} and (pinv(W_L) e) * f'(a_{L-1}), per sample (Lillicrap et al. 2016, Fig. 4, whose net
             is linear); for the last hidden layer alone
excluded     number of samples left out of `per_sample` because one of the two vectors is zero
dead         share of the units, in percent, whose f' is exactly 0 for every sample, in the feed-forward net: no error
             that passes f' reaches their weights. NaN where f' is 0 by definition (sign, step)

In residual nets `local` is NaN, as one layer's signal is not all that comes down to it. Of a block of several layers
the signals are those at its output, `gradient` is over all its matrices, `dead` is NaN, and below it `local` and
`weight` are. A rule that has no delta has NaN for all but `gradient` and `dead`. A batch too large for one pass is
measured in parts; its angles are of all its samples all the same, of gradients added up.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..backends import get_backend
from ..basics.arrays import T
from ..net.batch.passes import Pass
from ..net.learner import Learner
from ..net.learning.gradients import Gradients
from ..net.state.arena import Layers, Parameters
from ..rules.baselines.bp import BP
from .angles import angle, degrees, flattened, mean_and_deviation, products

METRICS = (
    *("per_sample", "per_sample_std", "batch", "gradient", "local", "weight", "agreement", "pseudo", "excluded"),
    "dead",
)


def measure(net: Learner, x: Any, y: Any) -> dict[str, NDArray]:
    """Every metric for each hidden layer, (R, L - 1), of a batch on the device as the training sees it."""
    return taken(net, x, y).metrics()


def taken(net: Learner, x: Any, y: Any) -> "Batch":
    """That batch, which goes through the net in parts where it is too large for one pass."""
    found = Batch(net, several=len(x) > net.chunk)
    for start in range(0, max(len(x), 1), net.chunk):
        part = slice(start, start + net.chunk)
        found.take(net.judged(x[part], y[part]))
    return found


class Batch:
    """What the parts of a batch, `several` or one, come to; of `whole` gradients where products of samples won't do.
    `samples` and `gradients` are the sums that angles come of, by layer, of each sample and of all."""

    def __init__(self, net: Learner, several: bool) -> None:
        self.rule, self.several, self.m = net.rule, several, 0
        self.samples: dict[str, dict[int, list[Any]]] = {}
        self.gradients: dict[int, Any] = {}
        self.arenas: list[Parameters] = []
        self.inverse: Any = None
        self.still: Any = None
        self.whole = several or "gradients" in net.rule.makes or not net.sizes.all_dense

    def take(self, p: Pass) -> None:
        """A pass that has been run, and has its error, of a part more."""
        self.p, self.m = p, self.m + p.m
        if "signals" in self.rule.makes:
            self._signals(p)
        if self.whole:
            self._gradients(p)
        self._dead(p)

    def metrics(self) -> dict[str, NDArray]:
        """All of them."""
        p, found = self.p, dict[str, dict[int, NDArray]]()
        for name, by_layer in self.samples.items():
            sums = self._host({k: p.xp.concatenate(parts, axis=-1) for k, parts in by_layer.items()})
            mean, std, count = mean_and_deviation(sums)
            rows = {name: degrees(mean)}
            if name == "per_sample":
                rows["per_sample_std"] = (degrees(mean - std) - degrees(mean + std)) / 2
                rows |= {"batch": angle(sums.sum(axis=-1)), "agreement": 100 * (sums[0] > 0).mean(axis=-1)}
                rows["excluded"] = self.m - count
            found |= {name: dict(zip(by_layer, values, strict=True)) for name, values in rows.items()}
        if self.arenas:
            ours, true = self.arenas[-2:]
            self.gradients = {k: flattened(p.backend, _matrices(p, ours, k), _matrices(p, true, k)) for k in p.hidden}
        pairs = self.rule.weight_pairs(p.with_matrices())
        weights = {k: flattened(p.backend, feedback, weights) for k, feedback, weights in pairs}
        for name, by_layer in (("gradient", self.gradients), ("weight", weights)):
            found[name] = dict(zip(by_layer, angle(self._host(by_layer)), strict=True)) if by_layer else {}
        if p.hidden:
            units = [k for k in p.hidden if p.activations[k - 1].learns and k not in p.sizes.layered]
            still = p.backend.to_host(self.still)
            found["dead"] = {k: 100 * still[:, p.sizes.rows(k)].mean(axis=-1) for k in units}
        return {name: self._table(found.get(name, {})) for name in METRICS}

    def _host(self, by_layer: Mapping[int, Any]) -> NDArray:
        """Sums of each layer, (3, layers, ...)."""
        return self.p.backend.to_host(self.p.xp.stack(list(by_layer.values()), axis=1))

    def _table(self, by_layer: Mapping[int, NDArray]) -> NDArray:
        """Of each hidden layer, (R, L - 1), NaN of those that are not there."""
        undefined = np.full(len(self.p.seeds), np.nan)
        rows = [by_layer.get(k, undefined) for k in self.p.hidden]
        return np.array(rows, float).reshape(len(rows), len(undefined)).T

    def _signals(self, p: Pass) -> None:
        """The angles of the error signals."""
        self.rule.deltas(p, p.e)
        ours = Layers.of_slab(p.delta.slab.copy(), p.sizes)
        self._one_layer_of_backprop(p, ours)
        if p.hidden and p.L in p.blocks and p.L not in p.sizes.layered:
            self._through_pseudoinverse(p, ours)
        backprop(p)
        for k in p.hidden:
            d, t = ours[k], p.delta[k]
            self._samples("per_sample", k, d, t)
            if not self.whole:
                self.gradients[k] = _gradient_sums(p, d, t, p.sent[k - 1])

    def _gradients(self, p: Pass) -> None:
        """The gradients that a rule hands over itself, and backprop's, those of several parts added up."""
        self.arenas = self.arenas or [p.new_arena() for _ in range(4 if self.several else 2)]
        ours, true, *sums = self.arenas
        self.rule.forward(p, T(p.h[0]))
        p.error()
        layers = p.sizes.every
        grads = Gradients(ours, [(1.0, layers)], extras=ours.extras)
        self.rule.gradients(p, grads)
        grads.finish()
        backprop(p)
        Gradients(true, [(1.0, layers)]).layers_of(p)
        for total, part in zip(sums, (ours, true), strict=False):
            total.flat += part.flat

    def _dead(self, p: Pass) -> None:
        """Which units' f' is 0 for all samples, by the pass that backprop has left."""
        if p.hidden:
            slope = p.delta.stacked
            slope.fill(1)
            p.gate(p.hidden, slope)
            p.xp.not_equal(slope, 0, out=slope)
            moved = p.backend.zeros(slope.shape[:-1], p.dtype)
            p.backend.row_sums(slope, out=moved)
            still = moved == 0
            self.still = still if self.still is None else self.still & still

    def _one_layer_of_backprop(self, p: Pass, ours: Layers) -> None:
        """(W_{k+1}^T delta_{k+1}) * f'(a_k) for each hidden layer, where that is all that comes down to it."""
        p.hand_down()
        for k in p.hidden:
            down = p.through(T(p.W[k + 1]), ours[k + 1]) if k + 1 in p.blocks and p.sizes.one_dense(k + 1) else None
            if k + 1 not in p.blocks:
                down = p.pull(k + 1)
            if down is not None and p.sizes.one_dense(k + 1) and not p.residual:
                p.send(k, down)
                self._samples("local", k, ours[k], p.delta[k])

    def _through_pseudoinverse(self, p: Pass, ours: Layers) -> None:
        """(pinv(W_L) e) * f'(a_{L-1}) for the last hidden layer; pinv by the host, where all weights are finite."""
        if self.inverse is None:
            W = p.backend.to_host(p.W[p.L])
            self.inverse = p.backend.to_device(np.linalg.pinv(W), p.dtype) if np.isfinite(W).all() else ()
        if len(self.inverse):
            p.send(p.L - 1, p.through(self.inverse, ours[p.L]))
            self._samples("pseudo", p.L - 1, ours[p.L - 1], p.delta[p.L - 1])

    def _samples(self, name: str, k: int, ours: Any, other: Any) -> None:
        self.samples.setdefault(name, {}).setdefault(k, []).append(products(self.p.backend, ours, other))


def _matrices(p: Pass, arena: Parameters, k: int) -> Any:
    """Block k's, (R, ., .): the one, or all of them end to end, or of a block without any all that it learns."""
    if k not in p.sizes.layered:
        return arena.W[k]
    names = p.sizes.matrices(k) or p.sizes.parameters[k]
    return p.xp.concatenate([arena[name].reshape(len(p.seeds), 1, -1) for name in names], axis=-1)


def backprop(p: Pass) -> None:
    """Fill the deltas by true backprop through the feed-forward net, which the rule may have left another way."""
    p.forward(T(p.h[0]))
    p.error()
    BP().deltas(p, p.e)


def by_place(ours: NDArray, true: NDArray) -> NDArray:
    """`per_sample` over the channels of each place alone, in degrees: (samples, channels, places) to (places,)."""
    return degrees(mean_and_deviation(products(get_backend("numpy"), ours, true).swapaxes(-1, -2))[0])


def _gradient_sums(p: Pass, d: Any, t: Any, h: Any) -> Any:
    """Those of d h^T and t h^T, by whichever matrices are smaller: these themselves, or products of samples alone, as
    <d h^T, t h^T> = sum of (d^T t) * (h^T h)."""
    if d.shape[-2] * h.shape[-2] <= p.m**2:
        return flattened(p.backend, *(_product(p, u, T(h)) for u in (d, t)))
    h = h if h.ndim > d.ndim - 1 else h[None]
    similar, out = _product(p, T(h), h), p.xp.empty((3, len(d)))
    for sums, (u, v) in zip(out, ((d, t), (d, d), (t, t)), strict=True):
        p.backend.dots(_product(p, T(u), v), similar, sums)
    return out


def _product(p: Pass, a: Any, b: Any) -> Any:
    """a @ b, (R, ., m) and (R, m, .) or (m, .)."""
    out = p.backend.zeros((*a.shape[:-1], b.shape[-1]), p.dtype)
    p.backend.gemm(a, b, out=out)
    return out
