"""Figures from histories: error, loss and alignment angle against epoch, a band over seeds."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .errors import FileProblem
from .history import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colours, told apart by the colour-blind too.
DASHES = "-", "--", ":", "-."
COLOURS = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442"


def curves(history: History, path: Path) -> None:
    """Draw one run: errors (or RMSE), loss, alignment angles. Raises FileProblem where it can't be written."""
    figure, (left, middle, right) = _panels(3)
    epochs = history.epochs
    score = _score(history)
    shown = {"running_error": "training (running)", f"validation_{score}": "validation", f"test_{score}": "test"}
    for colour, (name, label) in zip(COLOURS, shown.items(), strict=False):
        if name in epochs:
            _band(left, epochs["epoch"], epochs[name], label, colour)
    _dress(left, _title(score), "error" in score)
    losses = {"loss": "training", "validation_loss": "validation", "test_loss": "test"}
    for colour, (name, label) in zip(COLOURS, losses.items(), strict=False):
        if name in epochs:
            _band(middle, epochs["epoch"], epochs[name], label, colour)
    _dress(middle, "loss", True)
    if len(history.probes):
        angles = history.probes["per_sample"]
        layers = range(angles.shape[2])
        colours = _shades(len(layers))
        for k in layers:
            _band(right, _probe_epochs(history), angles[:, :, k], f"layer {k + 1}", colours[k])
    _dress(right, "angle with backprop's delta, degrees", False, angle=True)
    _save(figure, path)


def compare(histories: Mapping[str, History], path: Path) -> None:
    """Draw several runs by name in one figure: test score, training loss, alignment angle (mean over hidden layers).

    More runs than there are colours are told apart by dashes too, have their names beside the panels, and no bands.
    """
    figure, (left, middle, right) = _panels(3)
    score, many = "error", len(histories) > len(COLOURS)
    for i, (name, history) in enumerate(histories.items()):
        look = {"color": COLOURS[i % len(COLOURS)], "linestyle": DASHES[i // len(COLOURS) % len(DASHES)]}
        epochs, score = history.epochs, _score(history)
        if not len(epochs):
            continue
        if f"test_{score}" in epochs:
            _band(left, epochs["epoch"], epochs[f"test_{score}"], name, look, not many)
        _band(middle, epochs["epoch"], epochs["loss"], name, look, not many)
        if len(history.probes) and history.probes["per_sample"].shape[2]:
            _band(right, _probe_epochs(history), history.probes["per_sample"].mean(axis=2), name, look, not many)
    _dress(left, f"test {_title(score)}", "error" in score)
    _dress(middle, "training loss", True)
    _dress(right, "angle with backprop, mean over layers, degrees", False, angle=True)
    if many:
        for axes in (left, middle, right):
            if axes.get_legend():
                axes.get_legend().remove()
        figure.legend(
            *middle.get_legend_handles_labels(), loc="outside right upper", fontsize=6, labelspacing=0.2, frameon=False
        )
    _save(figure, path)


def _panels(n: int) -> tuple[Any, Any]:
    # The object-oriented interface: no global state, no display, safe beside a program's own figures.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5 * n, 4), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(1, n)


def _score(history: History) -> str:
    return "rmse" if "test_rmse" in history.epochs or "validation_rmse" in history.epochs else "error"


def _title(score: str) -> str:
    return "error, %" if score == "error" else "RMSE"


def _probe_epochs(history: History) -> NDArray:
    """When each probe was made, in epochs."""
    epochs = history.epochs
    per_epoch = epochs["step"][0] / epochs["epoch"][0] if len(epochs) else 1
    return history.probes["step"] / per_epoch


def _band(axes: "Axes", x: NDArray, y: NDArray, label: str, look: Any, band: bool = True) -> None:
    """Mean over seeds, and a band of one deviation on each side; `look` is a colour, or words for a line."""
    if not np.isfinite(y).any():
        return
    alive = np.isfinite(y).any(axis=1)
    x, y = x[alive], y[alive]
    mean, deviation = np.nanmean(y, axis=1), np.nanstd(y, axis=1)
    line = look if isinstance(look, dict) else {"color": look}
    axes.plot(x, mean, **line, label=label, marker="o" if len(x) == 1 else None)
    if band and y.shape[1] > 1:
        # On a logarithmic axis mean - deviation may be nowhere; no seed lies below the lowest.
        low = np.maximum(mean - deviation, np.nanmin(y, axis=1))
        axes.fill_between(x, low, mean + deviation, color=line["color"], alpha=0.2, linewidth=0)


def _dress(axes: "Axes", title: str, log: bool, angle: bool = False) -> None:
    axes.set_title(title)
    axes.set_xlabel("epoch")
    axes.grid(alpha=0.3)
    if not axes.lines:
        axes.text(0.5, 0.5, "nothing measured", ha="center", transform=axes.transAxes)
        return
    if log:
        _logarithmic(axes)
    if angle:
        axes.axhline(90, color="grey", linestyle=":", linewidth=1)
        axes.set_ylim(-3, max(95, axes.get_ylim()[1]))
    if len(axes.lines) <= 12:
        axes.legend(frameon=False)


def _logarithmic(axes: "Axes") -> None:
    """A logarithmic axis in plain numbers; where a curve touches zero it ends linearly, below a tenth."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    lowest = min(float(np.nanmin(np.asarray(line.get_ydata()))) for line in axes.lines)
    if lowest > 0:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    else:
        axes.set_yscale("symlog", linthresh=0.1)
        axes.set_ylim(bottom=min(0.0, lowest))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _shades(n: int) -> Any:
    from matplotlib import colormaps

    return COLOURS[:n] if n <= len(COLOURS) else colormaps["viridis"](np.linspace(0, 0.95, n))


def _save(figure: Any, path: Path) -> None:
    try:
        figure.savefig(path, dpi=120)
    except OSError as error:
        raise FileProblem(f"figure {str(path)!r} can't be written ({error.strerror}); check the folder") from error
