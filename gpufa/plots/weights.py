"""The first layer's weights as images."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..basics.errors import InvalidValue
from .style import panels
from .subject import Subject

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..network import Network

UNITS = 64  # units that are drawn, at most
GAP = 0.8  # the grey between two images
SMALLEST = 8  # pixels: a side of the smallest square that is taken for an image


def features(subject: Subject) -> "Figure":
    """W_1 of the first seed, the rows of largest norm, each as an image; of RGB images 0 is grey."""
    images, units = largest(subject.trained, UNITS)
    grid = mosaic(images)
    figure, ((axes,),) = panels(1, 1, 8, 0.6 + 6.6 * len(grid) / grid.shape[1])
    drawn = show(axes, grid)
    if images.shape[-1] == 1:
        figure.colorbar(drawn, ax=axes, label="weight", shrink=0.8)
    axes.set_title(f"$W_1$: {len(images)} of {units} units" if len(images) < units else f"$W_1$: {units} units")
    return figure


def largest(net: "Network", most: int) -> tuple[NDArray, int]:
    """The rows of W_1 of the first seed that are longest, as images, and how many rows there are."""
    W = net.parameters["W1"] if net.single else net.parameters["W1"][0]
    W = np.nan_to_num(net.backend.to_host(W), posinf=0.0, neginf=0.0)
    return as_images(W[np.argsort(-np.linalg.norm(W, axis=1), kind="stable")[:most]]), len(W)


def show(axes: "Axes", grid: NDArray) -> Any:
    """Draw a mosaic, zero being white, or grey where there are three colours."""
    from matplotlib import colormaps

    peak = float(np.nanmax(np.abs(grid))) or 1.0
    axes.set_axis_off()
    if grid.shape[-1] == 3:
        return axes.imshow(np.nan_to_num(0.5 + grid / (2 * peak), nan=GAP))
    colours = colormaps["RdBu_r"].with_extremes(bad=str(GAP))
    return axes.imshow(grid[..., 0], cmap=colours, vmin=-peak, vmax=peak)


def as_images(W: NDArray) -> NDArray:
    """Rows of inputs as images (units, side, side, channels). Raises InvalidValue where they are no square ones."""
    inputs = W.shape[1]
    for channels in (1, 3):
        side = math.isqrt(inputs // channels)
        if channels * side**2 == inputs and side >= SMALLEST:
            return W.reshape(-1, channels, side, side).transpose(0, 2, 3, 1)
    raise InvalidValue(
        f"the {inputs} inputs are no square image; weights are drawn for inputs of n * n or 3 * n * n pixels,"
        f" n at least {SMALLEST}"
    )


def mosaic(images: NDArray) -> NDArray:
    """Images (units, side, side, channels) in rows, filled as well as may be, with a pixel of NaN about each."""
    n, side, _, channels = images.shape
    fewest = math.ceil(math.sqrt(n))
    columns = min(range(fewest, 2 * fewest), key=lambda columns: -n % columns)
    rows, step = -(-n // columns), side + 1
    tiles = np.full((rows * columns, step, step, channels), np.nan)
    tiles[:n, 1:, 1:] = images
    tiles = tiles.reshape(rows, columns, step, step, channels).swapaxes(1, 2)
    whole = tiles.reshape(rows * step, columns * step, channels)
    return np.pad(whole, [(0, 1), (0, 1), (0, 0)], constant_values=np.nan)
