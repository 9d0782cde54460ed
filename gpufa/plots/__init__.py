"""Pictures of runs: a row of PICTURES each, drawn from what a run offers."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..basics.errors import InvalidValue
from ..measure.history import History
from . import attention, epochs, labels, layers, maps, time, weights
from .style import encode, plain, save, styled
from .subject import Subject, of_history, read

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "PICTURES",
    "Picture",
    "Subject",
    "compare",
    "comparison",
    "curves",
    "draw",
    "encode",
    "of_history",
    "read",
    "save",
]


class Picture(NamedTuple):
    """One picture: what it shows, and what draws it, which raises InvalidValue for a run that it can't be drawn for."""

    caption: str
    draw: "Callable[[Subject], Figure]"


PICTURES = {
    "curves": Picture(
        "Error, loss and alignment angle against epoch: the mean over the seeds, and a band of one deviation on each"
        " side.",
        epochs.curves,
    ),
    "angles": Picture(
        "The angle of each hidden layer's error signal with backpropagation's, mean over the seeds: 0° is"
        " backpropagation itself, 90° is chance.",
        epochs.angles,
    ),
    "dead": Picture(
        "How many of each hidden layer's units are dead, their derivative zero for every sample of the probe: the mean"
        " over the seeds, and a band of one deviation on each side.",
        epochs.dead,
    ),
    "activity": Picture(
        "How the activity h of the hidden layers, and their error signals delta where the rule has them, are"
        " distributed over units and test samples (first seed).",
        layers.activity,
    ),
    "hidden": Picture(
        "The activity of the hidden layers on test samples along its first two principal components (first seed).",
        layers.hidden,
    ),
    "features": Picture(
        "The first layer's weights as images, those of the units with the largest norm (first seed); three colours are"
        " taken for three planes, one after the other.",
        weights.features,
    ),
    "maps": Picture(
        "What the layers that have maps make of single test samples (first seed): a row for each, its input in front.",
        maps.maps,
    ),
    "places": Picture(
        "The angle of the error signal with backpropagation's at each place of the maps, over the channels there: the"
        " mean over the test samples (first seed).",
        maps.places,
    ),
    "attention": Picture(
        "How much each token takes of which, on one window of the test part (first seed): a row for each layer of"
        " attention, a map for each head.",
        attention.attention,
    ),
    "heads": Picture(
        "The angle of each attention head's gradient with backpropagation's, over its rows of queries, keys and values"
        " and the columns that read it, mean over the seeds: a row for each layer of attention.",
        attention.heads,
    ),
    "lags": Picture(
        "The angle of recurrent layers' error signals with backpropagation's at each step, against how many steps it is"
        " before the last: the mean over the test samples (first seed).",
        time.lags,
    ),
    "spikes": Picture(
        "Which units of the first spiking layer spike when on one test sample, and the potential of those that do most;"
        " dots are spikes, dashes the thresholds (first seed).",
        time.spikes,
    ),
    "traces": Picture(
        "The largest eligibility traces of the first spiking layer's weights on one test sample (first seed).",
        time.traces,
    ),
    "confusion": Picture("How many test samples of each class were taken for which, by all seeds.", labels.confusion),
    "recall": Picture(
        "How many of each class's test samples were taken for it: the mean over the seeds, and a stroke for each;"
        " the line is the mean over the classes.",
        labels.recall,
    ),
}


def draw(name: str, subject: Subject) -> "Figure":
    """The picture of that name. Raises InvalidValue for an unknown one, and where the run has nothing to draw it of."""
    if name not in PICTURES:
        raise InvalidValue(f"unknown picture {name!r}; choose one of {', '.join(PICTURES)}, or all")
    with styled():
        figure = PICTURES[name].draw(subject)
        if subject.title:
            figure.suptitle(subject.title)
        return figure


def comparison(histories: Mapping[str, History], title: str = "") -> "Figure":
    """Several runs by name in one figure."""
    with styled():
        figure = epochs.comparison(histories)
        if title:
            figure.suptitle(plain(title))
        return figure


def curves(subject: Subject, path: Path) -> None:
    """Draw the curves of one run. Raises FileProblem where the file can't be written."""
    save(draw("curves", subject), path)


def compare(histories: Mapping[str, History], path: Path, title: str = "") -> None:
    """Draw several runs by name into one file. Raises FileProblem where it can't be written."""
    save(comparison(histories, title), path)


def _curves_of(history: History) -> bytes:
    return encode(draw("curves", Subject("", history)), "png")


History.picture = _curves_of
