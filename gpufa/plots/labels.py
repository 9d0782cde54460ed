"""Which classes a network takes for which."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..basics.errors import InvalidValue
from ..data.samples import has_labels
from .style import panels
from .subject import Subject

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHORT = 3  # letters of a class name that stand beside those of the next
LEGIBLE = 20  # classes whose counts are written into their cells, at most


def confusion(subject: Subject) -> "Figure":
    """True class by predicted class: counts, summed over seeds, and as colour their share of the true class."""
    if not has_labels(subject.targets):
        raise InvalidValue("the targets are real-valued; a confusion matrix needs class labels")
    found = counts(subject.outputs.argmax(axis=-1), subject.targets, subject.trained.sizes.outputs)
    shares = found / np.maximum(found.sum(axis=1, keepdims=True), 1)
    classes = len(found)
    size = min(max(0.55 * classes, 4.0), 10)
    figure, ((axes,),) = panels(1, 1, size + 1.2, size)
    drawn = axes.imshow(100 * shares, cmap="Blues", vmin=0, vmax=100)
    figure.colorbar(drawn, ax=axes, label="share of the true class, %", shrink=0.8)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    seeds = len(subject.trained.seeds)
    axes.set_title(f"{len(subject.targets)} test samples" + (f", {seeds} seeds" if seeds > 1 else ""))
    if classes <= LEGIBLE:
        about = subject.trained.about
        names = about.classes if about and about.classes else tuple(map(str, range(classes)))
        aslant = {"rotation": 45, "ha": "right"} if max(map(len, names)) > SHORT else {}
        axes.set_xticks(range(classes), names, **aslant)
        axes.set_yticks(range(classes), names)
        for i, j in zip(*found.nonzero(), strict=True):
            colour = "white" if shares[i, j] > 0.5 else "black"
            axes.text(j, i, str(found[i, j]), ha="center", va="center", color=colour, fontsize=9)
    return figure


def counts(predicted: NDArray, y: NDArray, classes: int) -> NDArray[np.int64]:
    """How often class i was taken for class j, (classes, classes), by every seed: (R, samples) and (samples,)."""
    found = np.zeros((classes, classes), np.int64)
    np.add.at(found, (np.broadcast_to(y, predicted.shape), predicted), 1)
    return found
