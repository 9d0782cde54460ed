"""A picture of where attention looks: of one window of tokens, head by head."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..basics.errors import InvalidValue
from ..data.samples.about import About
from ..layers.attention import Attention
from ..net.learner import Learner
from .style import panels, plain
from .subject import Subject

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEGIBLE = 40  # tokens that stand beside a map
HEADS = 8  # of a layer that are drawn, at most


def attention(subject: Subject) -> "Figure":
    """How much each token takes of which, on the first sample to be shown: a row for each layer of attention, a map for
    each head."""
    net, row = subject.trained, next(iter(subject.examples.values()))
    window = subject.samples[row]
    found = list(weights(net, window))
    if not found:
        raise InvalidValue("no layer is attention; train a net with one, such as 'attention 4 causal' in --layers")
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
            for i, (place, layer) in enumerate(layers, start=1):
                which = f" ({i})" if len(layers) > 1 else ""
                yield f"block {k}{which}", net.backend.to_host(layer.weights(place))[0, 0]


def _names(about: About | None, window: NDArray) -> list[str]:
    """What stands beside a map: the tokens, where they have names and there is room."""
    if about is None or not isinstance(about.vocabulary, tuple) or len(window) > LEGIBLE:
        return []
    said = {" ": "\u2423", "\n": "\u23ce", "\t": "\u21e5"}
    names = [about.vocabulary[int(token)] for token in window]
    return [said.get(name, plain(name, 8)) for name in names]
