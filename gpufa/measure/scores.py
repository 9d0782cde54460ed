"""How good a network is on some data: loss, classification error, or R2 and RMSE, per replica."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.samples import has_labels
from ..net.learner import Learner


def evaluate(net: Learner, x: Any, y: Any) -> dict[str, NDArray]:
    """The net's scores on x, (samples, n_0), and y, labels (samples,) or targets (samples, n_L), both on the net's
    device.

    One figure per replica, (R,): "loss", and "error" in percent for labels, "r2" and "rmse" for targets. Those two
    are over all outputs together; R2 is 1 - residual / total sum of squares about each output's mean.
    """
    backend, n, labels = net.backend, len(x), has_labels(y)
    sums, residual = backend.zeros((2, len(net.seeds)), "float64"), np.zeros(len(net.seeds))
    for start, p in net.chunks(n):
        backend.targets(y[start : start + p.m], out=p.y)
        p.evaluate(net.rule.forward, net.as_floats(x[start : start + p.m]), sums)
        if not labels:
            residual += backend.to_host(backend.xp.square(p.e).sum(axis=(-1, -2), dtype="float64"))
    loss, misses = backend.to_host(sums)
    if labels:
        return {"loss": loss / n, "error": 100 * misses / n}
    total = float(backend.xp.square(y - y.mean(axis=0)).sum(dtype="float64"))
    r2 = 1 - residual / total if total else np.full(len(net.seeds), np.nan)
    return {"loss": loss / n, "r2": r2, "rmse": np.sqrt(residual / y.size)}


def judge(score: dict[str, NDArray]) -> NDArray:
    """What a validation part is judged by, (R,), lower is better: the error, or RMSE for real-valued targets."""
    return score["error"] if "error" in score else score["rmse"]
