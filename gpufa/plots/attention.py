"""Pictures of attention, head by head: where it looks, of one window of tokens, and how it learns."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..basics.errors import InvalidValue
from ..data.samples.about import About
from ..data.samples.target import by_name
from ..layers.tokens.attention import Attention
from ..measure.heads import by_head, called
from ..measure.seeds import mean_over_seeds
from ..net.given import network_samples
from ..net.learner import Learner
from .anglemap import angle_map
from .style import panels, plain
from .subject import Subject

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEGIBLE = 40  # tokens that stand beside a map
NONE = "no layer is attention; train a net with one, such as 'attention 4 causal' in --layers"
HEADS = 8  # of a layer that are drawn, at most


def attention(subject: Subject) -> "Figure":
    """How much each token takes of which, on the first sample to be shown: a row for each layer of attention, a map for
    each head."""
    net, row = subject.trained, next(iter(subject.examples.values()))
    window = subject.samples[row]
    found = list(weights(net, window))
    if not found:
        raise InvalidValue(NONE)
    columns = max(min(HEADS, len(heads)) for _, heads in found)
    figure, axes = panels(len(found), columns, 3.2, 3.4)
    names = _names(net.about, window)
    for line, (title, heads) in zip(axes, found, strict=True):
        for one in line[len(heads) :]:
            one.remove()
        for i, (one, head) in enumerate(zip(line, heads, strict=False)):
            drawn = one.imshow(head, cmap="viridis", vmin=0, vmax=1)
            one.set_title(f"{title}, head {i + 1}")
            one.set_xticks(range(len(names)), names, fontsize=6)
            one.set_yticks(range(len(names)) if not i else [], names if not i else [], fontsize=6)
            one.set_xlabel("is taken of")
        line[0].set_ylabel("token")
    figure.colorbar(drawn, ax=figure.axes, label="share", shrink=0.8)
    return figure


def weights(net: Learner, window: NDArray) -> Iterator[tuple[str, NDArray]]:
    """By layer of attention, of the first seed, the shares (heads, tokens, tokens) on that window."""
    p = net.pass_for(1)
    with net.backend.working():
        net.rule.forward(p, net.scaled_inputs(np.asarray(window, float)[None]))
        for k, block in p.layered.items():
            layers = [(place, place.layer) for place in block.at.leaves() if isinstance(place.layer, Attention)]
            for title, (place, layer) in zip(called(k, len(layers)), layers, strict=True):
                yield title, net.backend.to_host(layer.weights(place))[0, 0]


def heads(subject: Subject) -> "Figure":
    """The angle of each head's gradient with backprop's, mean over the seeds: a row for each layer of attention."""
    net = subject.trained
    with net.backend.working():
        found = by_head(net, *network_samples(net, subject.inputs, by_name(subject.taught, net.about)))
    if not found:
        raise InvalidValue(NONE)
    columns = max(angles.shape[1] for angles in found.values())
    degrees = np.full((len(found), columns), np.nan)
    for row, angles in zip(degrees, found.values(), strict=True):
        row[: angles.shape[1]] = mean_over_seeds(angles, axis=0)
    if not np.isfinite(degrees).any():
        raise InvalidValue("no angle is defined: the rule hands attention no gradient, or it is not finite")
    figure, ((axes,),) = panels(1, 1, 2.4 + 0.7 * columns, min(1.6 + 0.5 * len(found), 12))
    angle_map(figure, axes, degrees, np.arange(columns) + 1)
    axes.set_xlabel("head")
    axes.set_xticks(range(1, columns + 1))
    axes.set_yticks(range(1, len(found) + 1), list(found))
    return figure


def _names(about: About | None, window: NDArray) -> list[str]:
    """What stands beside a map: the tokens, where they have names and there is room."""
    if about is None or not isinstance(about.vocabulary, tuple) or len(window) > LEGIBLE:
        return []
    said = {" ": "\u2423", "\n": "\u23ce", "\t": "\u21e5"}
    names = [about.vocabulary[int(token)] for token in window]
    return [said.get(name, plain(name, 8)) for name in names]
