"""The first layer's weights as images: what a unit sees, or a filter."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..basics.arrays import UNTIED, tied
from ..basics.errors import InvalidValue
from ..layers.protocol.sequences import numbered
from .style import panels
from .subject import Subject

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..network import Network

UNITS = 64  # units that are drawn, at most
COLOURED = 1, 3  # channels that make an image
GAP = 0.8  # the grey between two images
SMALLEST = 8  # pixels: a side of the smallest square that is taken for an image


def features(subject: Subject) -> "Figure":
    """W_1 of the first seed, the units or filters of largest norm, each as an image; of RGB images 0 is grey."""
    net = subject.trained
    (images, units), name = largest(net, UNITS), net.sizes.all_matrices[0]
    kind = "filters at their places" if net.arena[name].ndim > UNTIED else "filters"
    kind = kind if net.arena[name].ndim > 3 else "units"
    grid = mosaic(images)
    figure, ((axes,),) = panels(1, 1, 8, 0.6 + 6.6 * len(grid) / grid.shape[1])
    drawn = show(axes, grid)
    if images.shape[-1] == 1:
        figure.colorbar(drawn, ax=axes, label="weight", shrink=0.8)
    shown = f"{len(images)} of {units}" if len(images) < units else f"{units}"
    axes.set_title(f"$W_{{{name[1:]}}}$: {shown} {kind}")
    return figure


def largest(net: "Network", most: int) -> tuple[NDArray, int]:
    """The rows of W_1 of the first seed that are longest, as images, and how many rows there are. A row that sees more
    channels than an image has is an image for each, and their number that of all; one that sees channels along time is
    an image of channels by time.

    Raises InvalidValue as `as_images`, where inputs are numbers of tokens, and where each place is seen by itself.
    """
    if found := numbered(net.sizes.shapes[0]):
        raise InvalidValue(f"weights are drawn as images of what they see, and '{found.word}' are none; draw others")
    W = np.nan_to_num(net.backend.to_host(net.arena[net.sizes.all_matrices[0]][0]), posinf=0.0, neginf=0.0)
    shape = tied(W.shape)[1:] if W.ndim > 2 else next(s for layer, s in net.sizes.walk(1) if layer.parameters(s))
    if (seen := math.prod(W.shape[1:])) != math.prod(shape):
        raise InvalidValue(
            f"weights are drawn as images of what they see, and those of the first layer see {seen} channels at one"
            f" step or place of {shape[-1]}; draw others"
        )
    W = W.reshape(-1, math.prod(shape))
    W = W[np.argsort(-np.linalg.norm(W, axis=1), kind="stable")]
    if len(shape) == 1:
        return as_images(W[:most]), len(W)
    if len(shape) == 2:  # channels by time
        return W.reshape(-1, *shape, 1)[:most], len(W)
    images = W.reshape(-1, *(shape if shape[0] in COLOURED else (1, *shape[1:])))
    return images.transpose(0, 2, 3, 1)[:most], len(images)


def show(axes: "Axes", grid: NDArray, peak: float | None = None) -> Any:
    """Draw a mosaic, zero being white, or grey where there are three colours; the scale ends at `peak`, or at the
    largest number."""
    from matplotlib import colormaps

    peak = peak or float(np.nanmax(np.abs(grid))) or 1.0
    axes.set_axis_off()
    if grid.shape[-1] == 3:
        return axes.imshow(np.nan_to_num(0.5 + grid / (2 * peak), nan=GAP))
    colours = colormaps["RdBu_r"].with_extremes(bad=str(GAP))
    return axes.imshow(grid[..., 0], cmap=colours, vmin=-peak, vmax=peak)


def as_images(W: NDArray) -> NDArray:
    """Rows of inputs as images (units, side, side, channels). Raises InvalidValue where they are no square ones."""
    inputs = W.shape[1]
    for channels in COLOURED:
        side = math.isqrt(inputs // channels)
        if channels * side**2 == inputs and side >= SMALLEST:
            return W.reshape(-1, channels, side, side).transpose(0, 2, 3, 1)
    raise InvalidValue(
        f"the {inputs} inputs are no square image; weights are drawn for inputs of n * n or 3 * n * n pixels,"
        f" n at least {SMALLEST}"
    )


def mosaic(images: NDArray) -> NDArray:
    """Images (units, height, width, channels) in rows, filled as well as may be, with a pixel of NaN about each."""
    n, height, width, channels = images.shape
    fewest = math.ceil(math.sqrt(n))
    columns = min(range(fewest, 2 * fewest), key=lambda columns: -n % columns)
    rows, down, across = -(-n // columns), height + 1, width + 1
    tiles = np.full((rows * columns, down, across, channels), np.nan)
    tiles[:n, 1:, 1:] = images
    tiles = tiles.reshape(rows, columns, down, across, channels).swapaxes(1, 2)
    whole = tiles.reshape(rows * down, columns * across, channels)
    return np.pad(whole, [(0, 1), (0, 1), (0, 0)], constant_values=np.nan)
