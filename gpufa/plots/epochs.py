"""Pictures of histories: error, loss and alignment angle against epoch."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..basics.errors import InvalidValue
from ..measure.history import History
from ..measure.scores import JUDGES
from ..measure.seeds import mean_over_seeds
from .anglemap import angle_map
from .lines import band, beside, dress, whole_numbers
from .style import COLOURS, look, panels, plain, shades
from .subject import Subject

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 12  # layers that are named beside a picture


def curves(subject: Subject) -> "Figure":
    """Errors (or RMSE), loss, alignment angles, with a band over the seeds."""
    figure, ((left, middle, right),) = panels(1, 3)
    history = subject.history
    epochs = history.epochs
    score = _score(history)
    shown = {"running_error": "training (running)"} if score == "error" else {}
    shown |= {f"validation_{score}": "validation", f"test_{score}": "test"}
    for i, (name, label) in enumerate(shown.items()):
        if name in epochs:
            band(left, epochs["epoch"], epochs[name], label, look(i))
    dress(left, _title(score), "error" in score)
    losses = {"loss": "training", "validation_loss": "validation", "test_loss": "test"}
    for i, (name, label) in enumerate(losses.items()):
        if name in epochs:
            band(middle, epochs["epoch"], epochs[name], label, look(i))
    dress(middle, "loss", True)
    if len(history.probes):
        _by_layer(right, history, "per_sample")
    dress(right, "angle with backprop's delta, degrees", False, angle=True)
    return figure


def dead(subject: Subject) -> "Figure":
    """The share of dead units of each hidden layer, with a band over the seeds."""
    history = subject.history
    if "dead" not in history.probes or not np.isfinite(history.probes["dead"]).any():
        raise InvalidValue("no dead units were counted; it takes an epoch and a hidden layer")
    figure, ((axes,),) = panels(1, 1, 7, 4)
    _by_layer(axes, history, "dead")
    dress(axes, "dead units, %", legend=False)
    beside(figure, axes.get_legend_handles_labels()[0][:MOST])
    axes.set_ylim(-0.5, min(max(10.0, axes.get_ylim()[1]), 103))
    return figure


def _by_layer(axes: "Axes", history: History, name: str) -> None:
    """What was probed of each hidden layer against epoch, with a band over the seeds."""
    probed = history.probes[name]
    layers = probed.shape[2]
    several = shades(layers) if layers > len(COLOURS) else ()
    for k in range(layers):
        line = {"color": several[k]} if len(several) else look(k)
        band(axes, _probe_epochs(history), probed[:, :, k], f"layer {k + 1}", line)


def angles(subject: Subject) -> "Figure":
    """A map of the angle per_sample, mean over the seeds, hidden layer by epoch."""
    probes = subject.history.probes
    degrees = mean_over_seeds(probes["per_sample"]).T if len(probes) else np.empty((0, 0))
    if not np.isfinite(degrees).any():
        raise InvalidValue("no alignment angle was measured; it takes an epoch and a hidden layer that is sent a delta")
    figure, ((axes,),) = panels(1, 1, 8, min(1.6 + 0.45 * len(degrees), 7))
    angle_map(figure, axes, degrees, _probe_epochs(subject.history))
    axes.set_xlabel("epoch")
    axes.set_ylabel("hidden layer")
    for axis in (axes.xaxis, axes.yaxis):
        whole_numbers(axis)
    return figure


def comparison(histories: Mapping[str, History]) -> "Figure":
    """Several runs by name: test score, training loss, alignment angle (mean over hidden layers).

    Their names stand beside the panels. More runs than there are colours have other dashes, and no bands.
    """
    figure, ((left, middle, right),) = panels(1, 3)
    scores, many = sorted({_score(history) for history in histories.values()}), len(histories) > len(COLOURS)
    for i, (name, history) in enumerate(histories.items()):
        label, line = plain(name), look(i)
        epochs, score = history.epochs, _score(history)
        if not len(epochs):
            continue
        if f"test_{score}" in epochs:
            band(left, epochs["epoch"], epochs[f"test_{score}"], label, line, not many)
        band(middle, epochs["epoch"], epochs["loss"], label, line, not many)
        if len(history.probes) and history.probes["per_sample"].shape[2]:
            mean = mean_over_seeds(history.probes["per_sample"], axis=2)
            band(right, _probe_epochs(history), mean, label, line, not many)
    dress(left, f"test {' or '.join(map(_title, scores))}", scores == ["error"], legend=False)
    dress(middle, "training loss", True, legend=False)
    dress(right, "mean angle with backprop, degrees", angle=True, legend=False)
    small = {"fontsize": 6, "labelspacing": 0.2, "handlelength": 3.5} if many else {}
    beside(figure, middle.get_legend_handles_labels()[0], **small)
    return figure


def _score(history: History) -> str:
    """What a validation part is judged by; the error where there is no score at all."""
    parts = "test", "validation"
    return next((name for name in JUDGES if any(f"{part}_{name}" in history.epochs for part in parts)), "error")


def _title(score: str) -> str:
    return {"error": "error, %", "rmse": "RMSE"}.get(score, score)


def _probe_epochs(history: History) -> NDArray:
    """When each probe was made, in epochs."""
    epochs = history.epochs
    per_epoch = epochs["step"][0] / epochs["epoch"][0] if len(epochs) else 1
    return history.probes["step"] / per_epoch
