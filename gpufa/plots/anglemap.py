"""A map of angles: a cell each, with its figure where there is room."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .style import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEGIBLE = 200  # cells that have their figures written in, at most


def angle_map(figure: "Figure", axes: "Axes", degrees: NDArray, across: NDArray) -> None:
    """Angles (rows, columns), rows from 1 up and columns about `across`; the scale always ends at 90 degrees."""
    from matplotlib import colormaps

    colours = colormaps["viridis"].with_extremes(over=COLOURS[1], bad="lightgrey")
    up = np.arange(len(degrees) + 1) + 0.5
    drawn = axes.pcolormesh(_edges(across), up, degrees, cmap=colours, vmin=0, vmax=90, rasterized=True)
    bar = figure.colorbar(drawn, ax=axes, label="angle, degrees", extend="max", ticks=range(0, 91, 30))
    bar.ax.minorticks_off()
    if degrees.size <= LEGIBLE and len(across) <= LEGIBLE // 10:
        for k, i in zip(*np.isfinite(degrees).nonzero(), strict=True):
            colour = "black" if degrees[k, i] > 55 else "white"
            axes.text(across[i], k + 1, f"{degrees[k, i]:.0f}", ha="center", va="center", color=colour, fontsize=9)


def _edges(centres: NDArray) -> NDArray:
    """Where cells about these centres, (n,), begin and end, (n + 1,)."""
    if len(centres) == 1:
        return np.asarray(centres[0] + np.array([-0.5, 0.5]))
    between = (centres[1:] + centres[:-1]) / 2
    return np.array([2 * centres[0] - between[0], *between, 2 * centres[-1] - between[-1]])
