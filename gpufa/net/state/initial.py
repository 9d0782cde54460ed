"""What the parameters of a net are to begin with."""

from collections.abc import Sequence
from functools import partial

from ...basics.arrays import without_diagonal
from ...functions.initialisers import Initialiser, initialiser
from .model import Model


def draw_weights(net: Model, inits: Sequence[Initialiser], scale: float | None) -> None:
    """The weight matrices by these initialisers, one each, and what the rule trains by its own. All are counted, those
    too that another process holds, so that each has the numbers that it has in one."""
    laws = [(name, init, scale) for name, init in zip(net.sizes.all_matrices, inits, strict=True)]
    laws += [(name, initialiser(extra.init), None) for name, extra in net.extras.items()]
    for stream, (name, init, size) in enumerate(laws, start=1):
        if name not in net.arena:
            continue
        w = net.arena[name]
        for r, seed in enumerate(net.seeds):
            net.backend.write(w[r], partial(init.draw, seed=seed, layer=stream, scale=size))
        if name in net.sizes.hollow:
            without_diagonal(w)
