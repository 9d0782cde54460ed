"""Alignment angles: how far a rule's signals point from backpropagation's, each kind under its own name, in degrees.

per_sample   angle of delta_k and true backprop's delta_k, arccos of the cosine's mean over samples
per_sample_std   the same cosine's deviation, as the half width of arccos(mean -+ std)
batch        angle of the whole batch's delta_k, flattened
gradient     angle of the weight gradients dW_k
weight       angle of the feedback and the weights it stands for (FA: B_k and W_{k+1}^T; DFA: B_{k+1} B_k^T and W_{k+1},
             and B_{L-1}^T and W_L at the output; Refinetti et al. 2021); NaN where a rule has no such pair
excluded     number of samples left out of `per_sample` because one of the two vectors is zero
"""

from copy import copy
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .passes import Pass
from .rules.bp import BP

if TYPE_CHECKING:
    from .rules import Rule

METRICS = "per_sample", "per_sample_std", "batch", "gradient", "weight", "excluded"


def measure(p: Pass, rule: "Rule") -> dict[str, NDArray]:
    """Every metric for each hidden layer, (R, L - 1), of a pass that has been run forward and has its error."""
    rule.deltas(p, p.e)
    ours = p.delta.slab.copy()
    BP().deltas(p, p.e)
    found: dict[str, list[Any]] = {name: [] for name in METRICS}
    for k in p.hidden:
        d, t = ours[:, p.sizes.rows(k)], p.delta[k]
        cos, defined = _cosines(p.xp, d, t, axis=-2)
        count = defined.sum(axis=-1)
        mean = _ratio(p.xp, (cos * defined).sum(axis=-1), count)
        std = p.xp.sqrt(_ratio(p.xp, (defined * (cos - mean[:, None]) ** 2).sum(axis=-1), count))
        found["per_sample"].append(_degrees(p.xp, mean))
        found["per_sample_std"].append((_degrees(p.xp, mean - std) - _degrees(p.xp, mean + std)) / 2)
        found["excluded"].append(p.m - count)
        found["batch"].append(_angle(p.xp, d, t))
        found["gradient"].append(_gradient_angle(p, d, t, p.h[k - 1]))
    whole = copy(p)
    whole.B = p.feedback.drawn()
    weight = {k: _angle(p.xp, feedback, weights) for k, feedback, weights in rule.weight_pairs(whole)}
    undefined = p.xp.full(len(p.seeds), p.xp.nan)
    found["weight"] = [weight.get(k, undefined) for k in p.hidden]
    shape = (len(p.hidden), len(p.seeds))
    return {
        name: np.array([p.backend.to_host(v) for v in rows], float).reshape(shape).T for name, rows in found.items()
    }


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
    p.backend.gemm(h.swapaxes(-1, -2), h, out=similar)
    products = []
    for u, v in ((d, t), (d, d), (t, t)):
        gram = p.backend.zeros((len(d), p.m, p.m), p.dtype)
        p.backend.gemm(u.swapaxes(-1, -2), v, out=gram)
        products.append((gram * similar).sum(axis=(-1, -2), dtype="float64"))
    dot, dd, tt = products
    norm = p.xp.sqrt(p.xp.maximum(dd, 0) * p.xp.maximum(tt, 0))
    return _degrees(p.xp, _ratio(p.xp, dot, norm))
