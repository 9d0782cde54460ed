"""Which classes a network takes for which."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..basics.errors import InvalidValue
from ..data.samples.data import has_labels
from .style import COLOURS, INK, panels
from .subject import Subject

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHORT = 3  # letters of a class name that stand beside those of the next
MOST = 40  # classes whose recall is drawn, at most
LEGIBLE = 20  # classes whose counts are written into their cells, at most


def confusion(subject: Subject) -> "Figure":
    """True class by predicted class: counts, summed over seeds, and as colour their share of the true class."""
    found = _counted(subject).sum(axis=0)
    shares = found / np.maximum(found.sum(axis=1, keepdims=True), 1)
    classes = len(found)
    size = min(max(0.55 * classes, 4.0), 10)
    figure, ((axes,),) = panels(1, 1, size + 1.2, size)
    drawn = axes.imshow(100 * shares, cmap="Blues", vmin=0, vmax=100)
    figure.colorbar(drawn, ax=axes, label="share of the true class, %", shrink=0.8)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    axes.set_title(_samples(subject))
    if classes <= LEGIBLE:
        names = subject.classes
        aslant = {"rotation": 45, "ha": "right"} if max(map(len, names)) > SHORT else {}
        axes.set_xticks(range(classes), names, **aslant)
        axes.set_yticks(range(classes), names)
        for i, j in zip(*found.nonzero(), strict=True):
            colour = "white" if shares[i, j] > 0.5 else "black"
            axes.text(j, i, str(found[i, j]), ha="center", va="center", color=colour, fontsize=9)
    return figure


def recall(subject: Subject) -> "Figure":
    """The share of each class's samples that were taken for it: the mean over the seeds, and a stroke for each; of
    many classes those of lowest recall. The line is the mean over the classes, the balanced accuracy."""
    found = _counted(subject)
    samples = found[0].sum(axis=1)
    there = np.flatnonzero(samples)
    shares = 100 * found[:, there, there] / samples[there]
    order = np.argsort(shares.mean(axis=0), kind="stable")[:MOST] if len(there) > MOST else np.arange(len(there))
    figure, ((axes,),) = panels(1, 1, 7, 1.6 + 0.3 * len(order))
    heights, balanced = np.arange(len(order)), shares.mean()
    axes.plot(shares[:, order].mean(axis=0), heights, "o", color=COLOURS[0], markersize=8, clip_on=False, zorder=3)
    if len(found) > 1:
        for one in shares[:, order]:
            axes.plot(one, heights, "|", color=INK, markersize=12, clip_on=False, zorder=4)
    axes.axvline(balanced, color=INK, linestyle="--", linewidth=1, label=f"mean over classes, {balanced:.1f} %")
    names = subject.classes
    axes.set_yticks(heights, [f"{names[c]}  ({samples[c]})" for c in there[order]])
    axes.invert_yaxis()
    axes.set_xlim(min(90.0, 10 * np.floor(shares[:, order].min() / 10)), 100)
    axes.set_xlabel("recall, %; samples of each class in brackets")
    axes.set_title(_samples(subject) + (f", {len(order)} of {len(there)} classes" if len(order) < len(there) else ""))
    axes.grid()
    figure.legend(loc="outside lower center")
    return figure


def _counted(subject: Subject) -> NDArray[np.int64]:
    """`counts` of the test samples."""
    if not has_labels(subject.targets):
        raise InvalidValue("the targets are real-valued; true and predicted classes need class labels")
    return counts(subject.outputs.argmax(axis=-1), subject.targets, subject.trained.sizes.outputs)


def _samples(subject: Subject) -> str:
    seeds = len(subject.trained.seeds)
    return f"{len(subject.targets)} test samples" + (f", {seeds} seeds" if seeds > 1 else "")


def counts(predicted: NDArray, y: NDArray, classes: int) -> NDArray[np.int64]:
    """How often class i was taken for class j, (R, classes, classes), by each seed: (R, samples) and (samples,)."""
    found = np.zeros((len(predicted), classes, classes), np.int64)
    np.add.at(found, (np.arange(len(predicted))[:, None], np.broadcast_to(y, predicted.shape), predicted), 1)
    return found
