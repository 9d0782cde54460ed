"""The angle of the error signal with backprop's, layer by layer from the input up."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..measure.history import newest
from ..plots import style
from ..plots.lines import band, beside, dress
from .labelled import Ran, labelled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DASHED = "--"


def angles(cells: Ran, wanted: Mapping[str, Any]) -> "Figure":
    """The newest angle of each hidden block, mean and deviation over seeds, a line for each cell; dashed is every
    second one where `wanted` has `pairs`, and a pair has one colour."""
    figure, ((axes,),) = style.panels(1, 1, 7, 4)
    named = {label: history for label, history, _ in labelled(cells) if "per_sample" in history.probes}
    pairs = 2 if wanted.get("pairs") else 1
    colours = style.shades(-(-len(named) // pairs))
    for i, (label, history) in enumerate(named.items()):
        found = newest(history.probes["per_sample"]).T
        line = {"color": colours[i // pairs], "linestyle": DASHED if i % pairs else "-", "marker": "o"}
        band(axes, np.arange(1, len(found) + 1), found, label, line)
    dress(axes, "angle with backprop's delta, degrees", angle=True, x="hidden block", legend=False)
    beside(figure, axes.get_legend_handles_labels()[0])
    return figure
