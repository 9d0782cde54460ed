"""METRICS: how good a network is on some data, one row each, per replica."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..net.learner import Learner
from ..parallel.ranks import ALONE, Ranks
from .tally import Tally, count, count_nodes, together
from .targets import AMOUNTS, CLASSES, FLAGS, NATS, PAIR, TOKENS


@dataclass(frozen=True)
class Metric:
    """figure(tally) is one figure per replica, (R,), or one of each class, (R, C); of targets that are one of `kinds`,
    of all where there are none. `percent` says that it is in percent."""

    name: str
    figure: Callable[[Tally], NDArray]
    kinds: frozenset[str] = frozenset()
    percent: bool = False


def _loss(t: Tally) -> NDArray:
    return t.loss / t.n


def _error(t: Tally) -> NDArray:
    """Samples, or places, that were taken for another class, or outputs on the wrong side of a half."""
    return 100 * t.wrong.sum(axis=1) / t.held.sum()


def _perplexity(t: Tally) -> NDArray:
    """exp of the loss, which is in nats a token."""
    with np.errstate(over="ignore"):
        return np.asarray(np.exp(_loss(t)))


def _recall(t: Tally) -> NDArray:
    """Of each class, the samples that were taken for it; NaN for a class without samples."""
    with np.errstate(invalid="ignore"):
        return 100 * (t.held - t.wrong) / t.held


def _balanced_accuracy(t: Tally) -> NDArray:
    """The mean recall of the classes that have samples."""
    return np.asarray(_recall(t)[:, t.held > 0].mean(axis=1))


def _auc(t: Tally) -> NDArray:
    """How often a sample of the second class has a larger output for that class than one of the first; ties are half.

    NaN where there is one class only, or an output is NaN.
    """
    found = np.full(len(t.outputs), np.nan)
    first, second = t.outputs[:, ~t.second], t.outputs[:, t.second]
    for r in np.flatnonzero(np.isfinite(t.outputs).all(axis=1)) if first.size and second.size else ():
        ordered = np.sort(first[r])
        below, up_to = (np.searchsorted(ordered, second[r], side) for side in ("left", "right"))
        found[r] = (below.sum() + up_to.sum()) / (2 * first.shape[1] * second.shape[1])
    return found


def _exact_match(t: Tally) -> NDArray:
    """Samples all of whose outputs are on the right side of a half."""
    return 100 * (1 - t.inexact / t.n)


def _r2(t: Tally) -> NDArray:
    """1 - residual / total sum of squares about each output's mean, over all outputs together."""
    return 1 - t.residual / t.spread if t.spread else np.full(len(t.residual), np.nan)


def _rmse(t: Tally) -> NDArray:
    """Over all outputs together, in the targets' own unit."""
    return np.asarray(t.unit * np.sqrt(t.residual / t.values))


# fmt: off
ROWS = (
    Metric("loss", _loss),
    Metric("error", _error, frozenset({CLASSES, FLAGS, TOKENS}), percent=True),
    Metric("perplexity", _perplexity, frozenset({NATS})),
    Metric("balanced_accuracy", _balanced_accuracy, frozenset({CLASSES}), percent=True),
    Metric("recall", _recall, frozenset({CLASSES}), percent=True),
    Metric("auc", _auc, frozenset({PAIR})),
    Metric("exact_match", _exact_match, frozenset({FLAGS}), percent=True),
    Metric("r2", _r2, frozenset({AMOUNTS})),
    Metric("rmse", _rmse, frozenset({AMOUNTS})),
)
# fmt: on
METRICS = {row.name: row for row in ROWS}
RECALL, BALANCED = "recall", "balanced_accuracy"  # the one that has a figure of each class, and the mean of these
JUDGES = "rmse", "perplexity", "error", "loss"  # lower is better; the first that there is counts


def evaluate(net: Learner, x: Any, y: Any, ranks: Ranks = ALONE) -> dict[str, NDArray]:
    """The net's scores on x, (samples, n_0), and y, labels (samples,) or targets (samples, n_L), both on the net's
    device.

    One figure per replica, (R,), for each of METRICS that goes with what the targets are; of "recall" (R, C). All
    samples count alike, whatever their weights in training; where outputs are at places, all places that have a target
    do, and of a graph's nodes those with a label. x and y are as the training sees them; R2 and RMSE are in the
    targets' own unit all the same. Several processes take a share of the samples each, and all get all scores.
    """
    if net.graph is not None:
        return of_parts(net, {"all": (x, y)}, ranks)["all"]
    with net.backend.working():
        return _figures(together(ranks.gather(count(net, x, y, ranks.share(len(x)).part))))


def of_parts(net: Learner, parts: Mapping[str, tuple[Any, Any]], ranks: Ranks = ALONE) -> dict[str, dict[str, NDArray]]:
    """The scores of each part that has samples, under its name. The nodes of a graph go through the net once for all of
    its parts."""
    there = {name: part for name, part in parts.items() if len(part[0])}
    if net.graph is None:
        return {name: evaluate(net, x, y, ranks) for name, (x, y) in there.items()}
    with net.backend.working():
        for x, _ in [*there.values()][:1]:
            p = net.pass_for(len(x))
            net.rule.forward(p, net.as_floats(x))
        return {name: _figures(count_nodes(net, p, y)) for name, (_, y) in there.items()}


def _figures(tally: Tally) -> dict[str, NDArray]:
    """Those that go with what the targets are."""
    return {m.name: m.figure(tally) for m in METRICS.values() if not m.kinds or m.kinds & tally.kinds}


def only(score: dict[str, NDArray], replicas: NDArray[np.bool_]) -> dict[str, NDArray]:
    """The scores of these replicas, (R,), with NaN for the others."""
    return {name: np.where(replicas.reshape(-1, *[1] * (v.ndim - 1)), v, np.nan) for name, v in score.items()}


def judge(score: dict[str, NDArray]) -> NDArray:
    """What a validation part is judged by, (R,), lower is better."""
    return next(score[name] for name in JUDGES if name in score)
