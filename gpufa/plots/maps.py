"""Pictures of what has a place: the maps of single samples, and how the error signal points place by place."""

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..basics.errors import InvalidValue
from ..data.samples.data import has_labels
from ..measure.alignment import by_place
from .style import COLOURS, panels, spread
from .subject import Subject
from .weights import COLOURED, mosaic, show

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLOCKS = 4  # that are drawn, at most
MAPS = 16  # of a block that are drawn, at most


def maps(subject: Subject) -> "Figure":
    """What the blocks that have places make of a few test samples: a row for each sample, the input in front, and of a
    block the maps that are most active on them, each block on one scale."""
    layers, examples = spread(subject.placed, BLOCKS), subject.examples
    rows, sizes = list(examples.values()), subject.trained.sizes
    if len(sizes.shapes[0]) < 2:
        raise InvalidValue("maps stand beside inputs that have places, and these are tokens; draw attention or places")
    figure, axes = panels(len(rows), 1 + len(layers), 2.9, 3.1)
    inputs = images_of(np.asarray(subject.samples[rows], float), sizes.shapes[0])
    for one, number, row, image in zip(axes[:, 0], examples, rows, inputs, strict=True):
        unit = (image - image.min()) / (np.ptp(image) or 1)
        one.imshow(unit, cmap="gray", vmin=0, vmax=1, aspect="auto" if len(sizes.shapes[0]) == 2 else "equal")
        one.set_axis_off()
        y = subject.targets[row]
        said = f": {subject.classes[int(y)]}" if has_labels(subject.targets) else ""
        one.set_title(f"test sample {number}{said}")
    for column, k in zip(axes[:, 1:].T, layers, strict=True):
        h, shape = subject.signals[f"h{k}"][rows].astype(float), sizes.shapes[k]
        h = np.nan_to_num(h, posinf=0.0, neginf=0.0).reshape(len(rows), *shape)
        chosen = most_active(h) if len(shape) == 3 else np.arange(len(h[0]))
        peak = float(np.abs(h[:, chosen]).max()) or 1.0
        for one, own in zip(column, h, strict=True):
            drawn = show(one, mosaic(own[chosen][..., None]) if len(shape) == 3 else own[..., None], peak)
            one.set_aspect("equal" if len(shape) == 3 else "auto")
        part = f"{len(chosen)} of {shape[0]}" if len(chosen) < shape[0] else f"{shape[0]}"
        column[0].set_title(f"layer {k}: {part} {'maps' if len(shape) == 3 else 'channels by time'}")
        figure.colorbar(drawn, ax=list(column), location="bottom", label=f"$h_{{{k}}}$", shrink=0.8, panchor=False)
    return figure


def most_active(h: NDArray) -> NDArray:
    """Which maps have the largest norm over the samples, (samples, channels, height, width), MAPS at most, in order."""
    norm = np.sqrt((h**2).sum(axis=(0, 2, 3)))
    return np.sort(np.argsort(-norm, kind="stable")[:MAPS])


def images_of(x: NDArray, shape: tuple[int, ...]) -> NDArray:
    """Samples as images (samples, height, width, 1 or 3); channels that no image has by their mean, and a series as
    channels by time."""
    placed = x.reshape(len(x), *shape)
    if len(shape) == 2:
        return placed[..., None]
    return placed.transpose(0, 2, 3, 1) if shape[0] in COLOURED else placed.mean(axis=1)[..., None]


def places(subject: Subject) -> "Figure":
    """The angle of a block's error signal with backprop's at each place of its maps, over the channels there, mean over
    the test samples."""
    from matplotlib import colormaps

    layers, sizes = spread(subject.placed, BLOCKS), subject.trained.sizes
    if f"delta{layers[0]}" not in subject.signals:
        raise InvalidValue(f"rule {subject.rule!r} has no error signals to hold against backprop's")
    colours = colormaps["viridis"].with_extremes(over=COLOURS[1], bad="lightgrey")
    figure, (axes,) = panels(1, len(layers), 3.6, 3.8)
    measured = False
    for one, k in zip(axes, layers, strict=True):
        channels, *size = sizes.shapes[k]
        ours, true = (
            found[f"delta{k}"].astype(float).reshape(-1, channels, math.prod(size))
            for found in (subject.signals, subject.backprop_signals)
        )
        degrees = by_place(ours, true).reshape(size if len(size) == 2 else (1, *size))
        measured |= bool(np.isfinite(degrees).any())
        drawn = one.imshow(degrees, cmap=colours, vmin=0, vmax=90, aspect="equal" if len(size) == 2 else "auto")
        one.set_title(f"layer {k}: mean {np.nanmean(degrees):.0f}°" if np.isfinite(degrees).any() else f"layer {k}")
        one.set_xlabel("time" if len(size) == 1 else "across")
        one.set_ylabel("" if len(size) == 1 else "down")
        if len(size) == 1:
            one.set_yticks([])
    if not measured:
        raise InvalidValue(
            "no angle is defined: the rule sends the layers that have maps no error, or it is not finite"
        )
    bar = figure.colorbar(drawn, ax=list(axes), label="angle, degrees", extend="max", ticks=range(0, 91, 30))
    bar.ax.minorticks_off()
    return figure
