"""Pictures of what the hidden layers send: histograms of their signals, and principal components of their activity."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..basics.errors import InvalidValue
from ..data.samples.data import has_labels
from .lines import beside
from .style import COLOURS, MARKS, panels, plain_numbers, spread
from .subject import Subject

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BINS = 60
LEGIBLE = 20  # classes that are named in the picture, at most


def activity(subject: Subject) -> "Figure":
    """Histograms of h_k, and below them of delta_k where the rule has any, of four layers at most."""
    layers = spread(subject.hidden, 4)
    kinds = [("h", "h", COLOURS[0]), ("delta", r"\delta", COLOURS[1])]
    kinds = [kind for kind in kinds if f"{kind[0]}{layers[0]}" in subject.signals]
    figure, axes = panels(len(kinds), len(layers), 3.2, 3)
    for row, (kind, symbol, colour) in zip(axes, kinds, strict=True):
        for one, k in zip(row, layers, strict=True):
            _histogram(one, subject.signals[f"{kind}{k}"], colour, log=kind == "delta")
            one.set_title(f"layer {k}: ${symbol}_{{{k}}}$")
        row[0].set_ylabel("share of the values, %")
    return figure


def _histogram(axes: "Axes", values: NDArray, colour: str, log: bool) -> None:
    """The shares of what is finite, and what is left to say of it in numbers."""
    from matplotlib.ticker import MaxNLocator

    values = values[np.isfinite(values)].astype(float)
    axes.grid()
    if not len(values):
        axes.set_xlabel("no value is finite")
        return
    axes.hist(values, BINS, weights=np.full(len(values), 100 / len(values)), color=colour, histtype="stepfilled")
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.set_xlabel(f"deviation {values.std():.2g}, {100 * (values == 0).mean():.3g} % zero")
    if log:
        axes.set_yscale("log")
        axes.set_ylim(50 / len(values), 200)  # from half of one value's share on
        plain_numbers(axes.yaxis)


def hidden(subject: Subject) -> "Figure":
    """The first two principal components of each hidden layer, of six at most, coloured by class or by the target."""
    layers = spread(subject.hidden, 6)
    activities, y = [subject.signals[f"h{k}"] for k in layers], subject.targets
    finite = np.logical_and.reduce([np.isfinite(h).all(axis=1) for h in activities])
    if not finite.any():
        raise InvalidValue("the hidden activity is finite for no test sample; train with a smaller --lr")
    columns = min(3, len(layers))
    figure, axes = panels(-(-len(layers) // columns), columns, 4.1, 4)
    for one, k, h in zip(axes.flat, layers, activities, strict=False):
        scores, shares = principal(h[finite])
        _scatter(one, scores, y[finite], subject.classes)
        one.set_title(f"layer {k}, {h.shape[1]} units")
        one.set_xlabel(f"1st component, {100 * shares[0]:.0f} % of variance")
        one.set_ylabel(f"2nd component, {100 * shares[1]:.0f} %")
    for one in axes.flat[len(layers) :]:
        one.remove()
    if not has_labels(y):
        figure.colorbar(axes.flat[0].collections[0], ax=axes, label="target" if y.shape[1] == 1 else "first target")
    elif len(named := axes.flat[0].get_legend_handles_labels()[0]) <= LEGIBLE:
        beside(figure, named, title="class", markerscale=1.6)
    return figure


def principal(h: NDArray) -> tuple[NDArray, NDArray]:
    """The scores of h, (samples, units), on its first two principal components, (samples, 2), and the shares of the
    variance that they hold, (2,); zero where there is no second one."""
    centred = h.astype(float) - h.mean(axis=0, dtype=float)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    scores, shares = np.zeros((len(h), 2)), np.zeros(2)
    scores[:, : len(s)] = u[:, :2] * s[:2]
    if s.any():
        shares[: len(s)] = s[:2] ** 2 / (s**2).sum()
    return scores, shares


def _scatter(axes: "Axes", scores: NDArray, y: NDArray, names: tuple[str, ...]) -> None:
    """A point per sample; classes are told apart by colour and mark."""
    points: dict[str, Any] = {"s": 18, "linewidths": 0, "alpha": 0.7, "rasterized": True}
    axes.grid()
    if not has_labels(y):
        axes.scatter(scores[:, 0], scores[:, 1], c=y[:, 0], cmap="viridis", **points)
        return
    for c in np.unique(y):
        own, i = scores[y == c], int(c)
        colour, mark = COLOURS[i % len(COLOURS)], MARKS[(i + i // len(COLOURS)) % len(MARKS)]
        axes.scatter(own[:, 0], own[:, 1], color=colour, marker=mark, label=names[i], **points)
