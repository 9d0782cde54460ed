"""The papers' figures, drawn of what the cells' runs left: FIGURES by kind; a new kind is one function."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .. import storage
from ..history import History
from ..plots import comparison, style
from ..plots.lines import band, dress
from ..plots.weights import as_images, mosaic
from .experiment import Experiment
from .outcome import Outcome
from .toyflow import phase

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = "png", "svg"
UNITS = 36  # first-layer units that are drawn of each net
Ran = dict[str, Outcome]  # by the cell's name, those that have run


def draw(found: Experiment, outcomes: Sequence[Outcome], folder: Path) -> list[str]:
    """Draw an experiment's figures of what has been run, FOLDER/NAME.png and .svg; the names of those drawn."""
    ran = {outcome.cell.name: outcome for outcome in outcomes if outcome.history and len(outcome.history.epochs)}
    drawn = []
    for wanted in found.figures:
        columns = wanted.get("columns", found.columns)
        names = [f"{row}/{column}" for row in wanted["rows"] for column in columns]
        if cells := {name: ran[name] for name in names if name in ran}:
            with style.styled():
                figure = FIGURES[wanted["kind"]](cells, wanted)
            for form in FORMATS:
                style.save(figure, folder / f"{wanted['name']}.{form}")
            drawn.append(wanted["name"])
    return drawn


def _compare(cells: Ran, wanted: Mapping[str, Any]) -> "Figure":
    """Error, loss and angle of the cells against epoch."""
    return comparison({label: history for label, history, _ in _labelled(cells)})


def _stages(cells: Ran, wanted: Mapping[str, Any]) -> "Figure":
    """Test error through one row after the other, a line for each column; dotted where a row ends."""
    figure, ((axes,),) = style.panels(1, 1, 7, 4)
    columns = dict.fromkeys(name.partition("/")[2] for name in cells)
    for colour, column in zip(style.COLOURS, columns, strict=False):
        parts = [cells[name].history for row in wanted["rows"] if (name := f"{row}/{column}") in cells]
        errors = np.concatenate([part.epochs["test_error"] for part in parts if part])
        band(axes, np.arange(1, len(errors) + 1), errors, column, colour)
        for part in parts[:-1]:
            axes.axvline(len(part.epochs) + 0.5 if part else 0, color="grey", linestyle=":", linewidth=1)
    dress(axes, "test error, %", log=True)
    return figure


def _examples(cells: Ran, wanted: Mapping[str, Any]) -> "Figure":
    """Test loss, angle and agreement of the signals against the examples seen."""
    figure = _against_examples(
        cells,
        ("per_sample", "angle with backprop's delta, degrees", True),
        ("agreement", "samples with $e^T W B e > 0$, %", False),
    )
    figure.axes[2].set_ylim(-3, 103)
    return figure


def _align(cells: Ran, wanted: Mapping[str, Any]) -> "Figure":
    """Test loss, angle of the gradients and of feedback and weights against the examples seen."""
    return _against_examples(
        cells,
        ("gradient", "angle of the gradients, degrees", True),
        ("weight", "angle of weights and feedback, degrees", True),
    )


def _against_examples(cells: Ran, *probes: tuple[str, str, bool]) -> "Figure":
    figure, (panels,) = style.panels(1, 1 + len(probes), 5, 4)
    for (label, history, batch), colour in zip(_labelled(cells), style.COLOURS, strict=False):
        band(panels[0], history.epochs["step"] * batch, history.epochs["test_loss"], label, colour)
        for axes, (name, _, _) in zip(panels[1:], probes, strict=True):
            values = history.probes[name]
            if np.isfinite(values).any():
                band(axes, history.probes["step"] * batch, _over_layers(values), label, colour)
    dress(panels[0], "test loss", log=True, x="examples")
    for axes, (_, title, angle) in zip(panels[1:], probes, strict=True):
        dress(axes, title, angle=angle, x="examples")
    for axes in panels:
        axes.set_xscale("log")
    return figure


def _sweep(cells: Ran, wanted: Mapping[str, Any]) -> "Figure":
    """The cells' measure against one of their settings, a point and a deviation for each."""
    figure, ((axes,),) = style.panels(1, 1, 6, 4)
    points = {}
    for outcome in cells.values():
        value = getattr(outcome.cell.config(), wanted["setting"])
        points[value[wanted["index"]] if "index" in wanted else value] = outcome
    x = sorted(points)
    means, deviations = ([getattr(points[v], what) for v in x] for what in ("mean", "deviation"))
    axes.errorbar(x, means, yerr=deviations, color=style.COLOURS[0], marker="o", capsize=3)
    axes.set_xscale("log")
    dress(axes, wanted["y"], angle=True, x=wanted["x"])
    axes.set_xticks(x, [f"{v:g}" for v in x])
    axes.minorticks_off()
    return figure


def _bars(cells: Ran, wanted: Mapping[str, Any]) -> "Figure":
    """The cells' measure as bars, the best on top."""
    ranked = sorted(cells.items(), key=lambda pair: -np.nan_to_num(pair[1].mean, nan=np.inf))
    figure, ((axes,),) = style.panels(1, 1, 7, 1 + 0.24 * len(ranked))
    means, deviations = ([getattr(o, what) for _, o in ranked] for what in ("mean", "deviation"))
    labels = [name.partition("/")[2] for name, _ in ranked]
    axes.barh(labels, means, xerr=deviations, color=style.COLOURS[0], ecolor="black", capsize=2, log=True)
    for y, mean in enumerate(means):
        axes.annotate(f"{mean:.1f}", (axes.get_xlim()[0], y), (3, 0), textcoords="offset points", va="center",
                      color="white", fontsize=8)  # fmt: skip
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xlabel("test error, %")
    axes.margins(y=0.01)
    return figure


def _features(cells: Ran, wanted: Mapping[str, Any]) -> "Figure":
    """The longest rows of W_1 of the first seed as images, a panel for each cell."""
    figure, (panels,) = style.panels(1, len(cells), 3.6, 3.9)
    for axes, (name, outcome) in zip(panels, cells.items(), strict=True):
        net = storage.load(outcome.runs[0], "numpy")
        W = net.parameters["W1"] if net.single else net.parameters["W1"][0]
        grid = mosaic(as_images(W[np.argsort(-np.linalg.norm(W, axis=1), kind="stable")[:UNITS]]))[..., 0]
        peak = float(np.nanmax(np.abs(grid)))
        axes.imshow(grid, cmap="RdBu_r", vmin=-peak, vmax=peak)
        axes.set_axis_off()
        axes.set_title(name.partition("/")[2])
    return figure


FIGURES: dict[str, "Callable[[Ran, Mapping[str, Any]], Figure]"] = {
    "compare": _compare,
    "stages": _stages,
    "examples": _examples,
    "align": _align,
    "sweep": _sweep,
    "bars": _bars,
    "features": _features,
    "phase": phase,
}


def _labelled(cells: Ran) -> Iterator[tuple[str, History, int]]:
    """(label, history, batch size): a label names what tells the cells apart."""
    rows, columns = ({name.split("/")[i] for name in cells} for i in (0, 1))
    for name, outcome in cells.items():
        row, column = name.split("/")
        label = column if len(rows) == 1 else row if len(columns) == 1 else f"{row} {column}"
        if outcome.history:
            yield label, outcome.history, outcome.cell.config().batch_size or 64


def _over_layers(values: NDArray) -> NDArray:
    """The mean over the hidden layers that have a value, (probes, R)."""
    return style.mean_over_seeds(values, axis=2)
