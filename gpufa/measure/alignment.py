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
`weight` are. A rule that has no delta has NaN for all but `gradient` and `dead`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..basics.arrays import T
from ..net.arena import Layers, Parameters
from ..net.gradients import Gradients
from ..net.passes import Pass
from ..net.rule import Rule
from ..rules.baselines.bp import BP

METRICS = (
    *("per_sample", "per_sample_std", "batch", "gradient", "local", "weight", "agreement", "pseudo", "excluded"),
    "dead",
)


def measure(p: Pass, rule: Rule) -> dict[str, NDArray]:
    """Every metric for each hidden layer, (R, L - 1), of a pass that has been run and has its error."""
    undefined = p.xp.full(len(p.seeds), p.xp.nan)
    found: dict[str, dict[int, Any]] = {name: {} for name in METRICS}
    if "signals" in rule.makes:
        _signals(p, rule, found)
    if "gradients" in rule.makes or not p.sizes.all_dense:
        found["gradient"] = _gradients(p, rule)
    found["dead"] = _dead(p)
    pairs = rule.weight_pairs(p.with_matrices())
    found["weight"] = {k: _angle(p.xp, feedback, weights) for k, feedback, weights in pairs}
    shape = (len(p.hidden), len(p.seeds))
    return {
        name: np.array([p.backend.to_host(by_layer.get(k, undefined)) for k in p.hidden], float).reshape(shape).T
        for name, by_layer in found.items()
    }


def _signals(p: Pass, rule: Rule, found: dict[str, dict[int, Any]]) -> None:
    """The angles of the error signals."""
    rule.deltas(p, p.e)
    ours = Layers.of_slab(p.delta.slab.copy(), p.sizes)
    one_layer = _one_layer_of_backprop(p, ours)
    pseudo = _through_pseudoinverse(p, ours) if p.hidden and p.L in p.blocks else {}
    backprop(p)
    for k in p.hidden:
        d, t = ours[k], p.delta[k]
        mean, std, count = _per_sample(p.xp, d, t)
        found["per_sample"][k] = _degrees(p.xp, mean)
        found["per_sample_std"][k] = (_degrees(p.xp, mean - std) - _degrees(p.xp, mean + std)) / 2
        found["excluded"][k] = p.m - count
        found["agreement"][k] = 100 * ((d * t).sum(axis=-2, dtype="float64") > 0).mean(axis=-1)
        found["batch"][k] = _angle(p.xp, d, t)
        found["gradient"][k] = _gradient_angle(p, d, t, p.sent[k - 1])
        if k in one_layer:
            found["local"][k] = _degrees(p.xp, _per_sample(p.xp, d, one_layer[k])[0])
        if k in pseudo:
            found["pseudo"][k] = _degrees(p.xp, _per_sample(p.xp, d, pseudo[k])[0])


def _gradients(p: Pass, rule: Rule) -> dict[int, Any]:
    """The angles of the gradients that a rule hands over itself."""
    ours, true = p.new_arena(), p.new_arena()
    rule.forward(p, T(p.h[0]))
    p.error()
    layers = p.sizes.every
    grads = Gradients(ours, [(1.0, layers)], extras=ours.extras)
    rule.gradients(p, grads)
    grads.finish()
    backprop(p)
    Gradients(true, [(1.0, layers)]).layers_of(p)
    return {k: _angle(p.xp, *(_matrices(p, arena, k) for arena in (ours, true))) for k in p.hidden}


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
    p.hand_down()


def by_place(ours: NDArray, true: NDArray) -> NDArray:
    """`per_sample` over the channels of each place alone, in degrees: (samples, channels, places) to (places,)."""
    cos, defined = _cosines(np, ours, true, axis=1)
    return np.asarray(_degrees(np, _ratio(np, (cos * defined).sum(axis=0), defined.sum(axis=0))))


def _dead(p: Pass) -> dict[int, Any]:
    """The share of each hidden layer's units whose f' is 0 for all samples, by the pass that backprop has left."""
    if not p.hidden:
        return {}
    slope = p.delta.stacked
    slope.fill(1)
    p.gate(p.hidden, slope)
    still = (slope == 0).all(axis=-1)
    units = [k for k in p.hidden if p.activations[k - 1].learns and k not in p.sizes.layered]
    return {k: 100 * still[:, p.sizes.rows(k)].mean(axis=-1) for k in units}


def _one_layer_of_backprop(p: Pass, ours: Layers) -> dict[int, Any]:
    """(W_{k+1}^T delta_{k+1}) * f'(a_k) for each hidden layer, where that is all that comes down to it."""
    found = {}
    p.hand_down()
    for k in p.hidden:
        down = p.through(T(p.W[k + 1]), ours[k + 1]) if k + 1 in p.blocks and p.sizes.one_dense(k + 1) else None
        if k + 1 not in p.blocks:
            down = p.pull(k + 1)
        if down is not None and p.sizes.one_dense(k + 1) and not p.residual:
            p.send(k, down)
            found[k] = p.delta[k].copy()
    return found


def _through_pseudoinverse(p: Pass, ours: Layers) -> dict[int, Any]:
    """(pinv(W_L) e) * f'(a_{L-1}) for the last hidden layer; pinv by the host, where all weights are finite."""
    W, k = p.backend.to_host(p.W[p.L]), p.L - 1
    if not np.isfinite(W).all():
        return {}
    p.send(k, p.through(p.backend.to_device(np.linalg.pinv(W), p.dtype), ours[p.L]))
    return {k: p.delta[k].copy()}


def _per_sample(xp: Any, a: Any, b: Any) -> tuple[Any, Any, Any]:
    """Mean and deviation of the cosine over samples, and the number of samples where it is defined, (R,) each."""
    cos, defined = _cosines(xp, a, b, axis=-2)
    count = defined.sum(axis=-1)
    mean = _ratio(xp, (cos * defined).sum(axis=-1), count)
    return mean, xp.sqrt(_ratio(xp, (defined * (cos - mean[:, None]) ** 2).sum(axis=-1), count)), count


def _ratio(xp: Any, a: Any, b: Any) -> Any:
    """a / b, NaN where b is zero."""
    return xp.where(b == 0, xp.nan, a / xp.where(b == 0, 1, b))


def _cosines(xp: Any, a: Any, b: Any, axis: Any) -> tuple[Any, Any]:
    """The cosine along `axis`, 0 where undefined, and where it is defined."""
    dot, aa, bb = ((u * v).sum(axis=axis, dtype="float64") for u, v in ((a, b), (a, a), (b, b)))
    norm = xp.sqrt(aa) * xp.sqrt(bb)
    return dot / xp.where(norm == 0, 1, norm), norm > 0


def _degrees(xp: Any, cos: Any) -> Any:
    return xp.degrees(xp.arccos(xp.clip(cos, -1, 1)))


def _angle(xp: Any, a: Any, b: Any) -> Any:
    """The angle of two arrays (R, ., .), each flattened; NaN where one is zero."""
    cos, defined = _cosines(xp, a, b, axis=(-1, -2))
    return _degrees(xp, xp.where(defined, cos, xp.nan))


def _gradient_angle(p: Pass, d: Any, t: Any, h: Any) -> Any:
    """The angle of d h^T and t h^T from products of samples alone: <d h^T, t h^T> = sum of (d^T t) * (h^T h)."""
    if h.ndim == 2:
        h = h[None]
    similar = p.backend.zeros((len(h), p.m, p.m), p.dtype)
    p.backend.gemm(T(h), h, out=similar)
    products = []
    for u, v in ((d, t), (d, d), (t, t)):
        gram = p.backend.zeros((len(d), p.m, p.m), p.dtype)
        p.backend.gemm(T(u), v, out=gram)
        products.append((gram * similar).sum(axis=(-1, -2), dtype="float64"))
    dot, dd, tt = products
    norm = p.xp.sqrt(p.xp.maximum(dd, 0) * p.xp.maximum(tt, 0))
    return _degrees(p.xp, _ratio(p.xp, dot, norm))
