"""Lines over epochs, or examples: the mean over seeds with a band, and what stands around them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .style import plain_numbers

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

DRAWN = 2000  # rows of a line, about: of more, the lowest and the highest of each stretch are drawn
MANY = 1e3  # from this ratio on a logarithmic axis is marked at powers of ten alone


def band(axes: "Axes", x: NDArray, y: NDArray, label: str, look: Any, banded: bool = True) -> None:
    """Mean over seeds, and a band of one sample deviation on each side; `look` is a colour, or words for a line."""
    finite = np.isfinite(y)
    if not finite.any():
        return
    alive = finite.any(axis=1)
    x, y = x[alive], np.where(finite, y, np.nan)[alive]
    mean, several = np.nanmean(y, axis=1), np.isfinite(y).sum(axis=1) > 1
    deviation = np.zeros(len(y))
    deviation[several] = np.nanstd(y[several], axis=1, ddof=1)
    rows = _drawn(mean)
    x, y, mean, deviation = x[rows], y[rows], mean[rows], deviation[rows]
    line = look if isinstance(look, dict) else {"color": look}
    point = {"marker": "o", "markevery": None} if len(x) == 1 else {}
    axes.plot(x, mean, **{**line, **point}, label=label)
    if banded and y.shape[1] > 1:
        # On a logarithmic axis mean - deviation may be nowhere; no seed lies below the lowest.
        low = np.maximum(mean - deviation, np.nanmin(y, axis=1))
        axes.fill_between(x, low, mean + deviation, color=line["color"], alpha=0.2, linewidth=0)


def _drawn(mean: NDArray) -> NDArray:
    """Which points of a line to draw: no more than a picture can show, the ends and every spike among them."""
    n = len(mean)
    if n <= DRAWN:
        return np.arange(n)
    starts = np.linspace(0, n, DRAWN // 2, endpoint=False).astype(int)
    parts = np.split(mean, starts[1:])
    extremes = [start + at for start, part in zip(starts, parts, strict=True) for at in (part.argmin(), part.argmax())]
    return np.unique([0, *extremes, n - 1])


def dress(
    axes: "Axes", title: str, log: bool = False, angle: bool = False, x: str = "epoch", legend: bool = True
) -> None:
    """Title, labels, grid and, if it is wanted, legend of a panel of lines; of angles, with 90 degrees marked."""
    axes.set_title(title)
    axes.set_xlabel(x)
    whole_numbers(axes.xaxis)
    axes.grid()
    if not axes.lines:
        axes.text(0.5, 0.5, "nothing measured", ha="center", transform=axes.transAxes)
        return
    if log:
        _logarithmic(axes)
    if angle:
        axes.axhline(90, color="grey", linestyle=":", linewidth=1)
        axes.set_ylim(-3, max(95, axes.get_ylim()[1]))
    if legend and 0 < len(axes.get_legend_handles_labels()[0]) <= 12:
        axes.legend()


def beside(figure: "Figure", named: Sequence["Artist"], **look: Any) -> None:
    """One legend to the right of all panels, in room of its own; none where nothing has a name."""
    if named:
        legend = figure.legend(handles=named, loc="outside right upper", **look)
        figure.set_figwidth(figure.get_figwidth() + legend.get_window_extent().width / figure.dpi)


def whole_numbers(axis: "Axis") -> None:
    """Ticks at whole numbers alone."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))


def _logarithmic(axes: "Axes") -> None:
    """A logarithmic axis in plain numbers; where a curve touches zero it ends linearly, below a tenth."""
    values = np.concatenate([np.asarray(line.get_ydata(), float) for line in axes.lines])
    lowest, highest = np.nanmin(values), np.nanmax(values)
    if lowest > 0:
        axes.set_yscale("log")
        marked(axes.yaxis, highest / lowest)
    else:
        axes.set_yscale("symlog", linthresh=0.1)
        axes.set_ylim(bottom=min(0.0, lowest))
        plain_numbers(axes.yaxis)


def marked(axis: "Axis", ratio: float) -> None:
    """Ticks of a logarithmic axis in plain numbers; `ratio` is that of its highest value to its lowest."""
    from matplotlib.ticker import LogLocator

    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if ratio < MANY else (1,)))
    plain_numbers(axis)
