"""The papers' figures, drawn of what the cells' runs left: FIGURES by kind; a new kind is one function."""

from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..checkpoints import networks
from ..measure.seeds import mean_over_seeds
from ..plots import comparison, style, weights
from ..plots.lines import band, dress
from .bylayer import angles
from .experiment import Experiment
from .labelled import Ran, labelled, labels, resolved
from .outcome import MEASURES, Outcome
from .toyflow import phase

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = "png", "svg"
UNITS = 36  # first-layer units that are drawn of each net


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
    return comparison({label: history for label, history, _ in labelled(cells)})


def _stages(cells: Ran, wanted: Mapping[str, Any]) -> "Figure":
    """Test error through one row after the other, a line for each column; dotted where a row ends."""
    figure, ((axes,),) = style.panels(1, 1, 7, 4)
    columns = dict.fromkeys(name.partition("/")[2] for name in cells)
    ends: set[int] = set()
    for column, colour in zip(columns, style.shades(len(columns)), strict=True):
        stages = list(takewhile(bool, (cells.get(f"{row}/{column}") for row in wanted["rows"])))
        errors = [_by_seed(outcome, "test_error") for outcome in stages if outcome]
        if not errors:
            continue
        seeds = sorted(set(errors[0]).intersection(*errors))
        joined = np.concatenate([np.stack([part[seed] for seed in seeds], axis=1) for part in errors])
        band(axes, np.arange(1, len(joined) + 1), joined, column, colour)
        ends.update(np.cumsum([len(part[seeds[0]]) for part in errors[:-1]]).tolist())
    dress(axes, "test error, %", log=True)
    for end in sorted(ends):
        axes.axvline(end + 0.5, color="grey", linestyle=":", linewidth=1)
    return figure


def _by_seed(outcome: Outcome, name: str) -> dict[int, NDArray]:
    """A column of the history, (epochs,) for each seed."""
    assert outcome.history
    return dict(zip(outcome.history.seeds, outcome.history.epochs[name].T, strict=True))


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
    for (label, history, batch), colour in zip(labelled(cells), style.shades(len(cells)), strict=True):
        band(panels[0], history.epochs["step"] * batch, history.epochs["test_loss"], label, colour)
        for axes, (name, _, _) in zip(panels[1:], probes, strict=True):
            if name in history.probes:
                over_layers = mean_over_seeds(history.probes[name], axis=2)
                band(axes, history.probes["step"] * batch, over_layers, label, colour)
    dress(panels[0], "test loss", log=True, x="examples")
    for axes, (_, title, angle) in zip(panels[1:], probes, strict=True):
        dress(axes, title, angle=angle, x="examples")
    for axes in panels:
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter("")
    return figure


def _sweep(cells: Ran, wanted: Mapping[str, Any]) -> "Figure":
    """The cells' measure against one of their settings, a point and a deviation for each, a line for each column."""
    figure, ((axes,),) = style.panels(1, 1, 6, 4)
    columns = list(dict.fromkeys(name.partition("/")[2] for name in cells))
    at = {name: _setting(outcome, wanted) for name, outcome in cells.items()}
    for column, colour in zip(columns, style.shades(len(columns)), strict=True):
        names = sorted((name for name in cells if name.endswith(f"/{column}")), key=at.__getitem__)
        means, deviations = ([getattr(cells[name], what) for name in names] for what in ("mean", "deviation"))
        label = column if len(columns) > 1 else None
        axes.errorbar([at[n] for n in names], means, deviations, color=colour, marker="o", capsize=3, label=label)
    axes.set_xscale("log")
    unit = MEASURES[next(iter(cells.values())).cell.measure].unit
    dress(axes, wanted["y"], angle=unit == "°", x=wanted["x"])
    marks = sorted(set(at.values()))
    axes.set_xticks(marks, [f"{v:g}" for v in marks])
    axes.minorticks_off()
    return figure


def _setting(outcome: Outcome, wanted: Mapping[str, Any]) -> float:
    """The setting that a sweep is over, or one of its numbers."""
    value = getattr(resolved(outcome), wanted["setting"])
    return float(value[wanted["index"]] if "index" in wanted else value)


def _ranking(cells: Ran, wanted: Mapping[str, Any]) -> "Figure":
    """The cells' measure with its deviation, the lowest on top; those without a figure at the bottom."""
    from matplotlib.ticker import LogLocator

    ranked = sorted(cells.items(), key=lambda pair: -np.nan_to_num(pair[1].mean, nan=np.inf))
    figure, ((axes,),) = style.panels(1, 1, 7, 1 + 0.24 * len(ranked))
    heights, measure = range(len(ranked)), MEASURES[ranked[0][1].cell.measure]
    means, deviations = (np.array([getattr(o, what) for _, o in ranked]) for what in ("mean", "deviation"))
    axes.errorbar(means, heights, xerr=deviations, color=style.COLOURS[0], fmt="o", capsize=2)
    for y, mean in zip(heights, means, strict=True):
        text = f"{mean:.1f}" if np.isfinite(mean) else "diverged"
        axes.annotate(
            text, (1, y), (-4, 0), ("axes fraction", "data"), "offset points", ha="right", va="center", size=8
        )
    called = dict(zip(cells, labels(cells), strict=True))
    axes.set_yticks(heights, [called[name] for name, _ in ranked])
    if np.nanmin(means) > 0:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        style.plain_numbers(axes.xaxis)
    axes.set_xlim(right=1.2 * axes.get_xlim()[1])
    axes.set_xlabel(f"{measure.what}, {measure.unit}")
    axes.grid(axis="x")
    axes.set_ylim(-0.6, len(ranked) - 0.4)
    return figure


def _features(cells: Ran, wanted: Mapping[str, Any]) -> "Figure":
    """The longest rows of W_1 of the first seed as images, a panel for each cell."""
    figure, (panels,) = style.panels(1, len(cells), 3.6, 3.9)
    for axes, (name, outcome) in zip(panels, cells.items(), strict=True):
        images, _ = weights.largest(networks.load(outcome.runs[0], "numpy"), UNITS)
        weights.show(axes, weights.mosaic(images))
        axes.set_title(name.partition("/")[2])
    return figure


FIGURES: dict[str, "Callable[[Ran, Mapping[str, Any]], Figure]"] = {
    "compare": _compare,
    "stages": _stages,
    "examples": _examples,
    "align": _align,
    "sweep": _sweep,
    "ranking": _ranking,
    "features": _features,
    "layers": angles,
    "phase": phase,
}
