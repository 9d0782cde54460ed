"""How good a network is on some data: loss, classification error, or R2 and RMSE, per replica."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.samples import has_labels
from ..data.scaling import Scaling
from ..net.learner import Learner


def evaluate(net: Learner, x: Any, y: Any) -> dict[str, NDArray]:
    """The net's scores on x, (samples, n_0), and y, labels (samples,) or targets (samples, n_L), both on the net's
    device.

    One figure per replica, (R,): "loss", and "error" in percent for labels, "r2" and "rmse" for targets. Those two
    are over all outputs together; R2 is 1 - residual / total sum of squares about each output's mean. x and y are as
    the training sees them; R2 and RMSE are in the targets' own unit all the same.
    """
    backend, n, labels, own = net.backend, len(x), has_labels(y), net.target_scaling
    sums, residual = backend.zeros((2, len(net.seeds)), "float64"), np.zeros(len(net.seeds))
    unit, weights = _units(own) if own else (1.0, None)

    def total(squares: Any, axes: Any, samples: int) -> NDArray:
        """Over samples and outputs, where each output counts by its weight, on the host."""
        summed = backend.to_host(squares.sum(axis=axes if weights is None else samples, dtype="float64"))
        return summed if weights is None else np.asarray(summed @ weights)

    for start, p in net.chunks(n):
        backend.targets(y[start : start + p.m], out=p.y)
        p.evaluate(net.rule.forward, net.as_floats(x[start : start + p.m]), sums)
        if not labels:
            residual += total(backend.xp.square(p.e), (-1, -2), -1)
    loss, misses = backend.to_host(sums)
    if labels:
        return {"loss": loss / n, "error": 100 * misses / n}
    spread = float(total(backend.xp.square(y - y.mean(axis=0)), None, 0))
    r2 = 1 - residual / spread if spread else np.full(len(net.seeds), np.nan)
    return {"loss": loss / n, "r2": r2, "rmse": unit * np.sqrt(residual / y.size)}


def _units(scaling: Scaling) -> tuple[float, NDArray]:
    """The largest of the units that targets are scaled by, and the squares of all as shares of it."""
    units = 1 / scaling.factor
    return float(units.max()), np.square(units / units.max())


def judge(score: dict[str, NDArray]) -> NDArray:
    """What a validation part is judged by, (R,), lower is better: the error, or RMSE for real-valued targets."""
    return score["error"] if "error" in score else score["rmse"]
