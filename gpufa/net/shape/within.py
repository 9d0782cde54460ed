"""Where within blocks an error may arrive straight, and where tokens go no further."""

from collections.abc import Iterator, Sequence

from ...layers.chain import Chain
from ...layers.maps.pool import Mean
from ...layers.protocol.layer import Layer
from ...layers.protocol.terms import Shape
from ...layers.units.act import Act
from ...layers.units.dropout import Dropout


def arrivals(layer: Layer, shape: Shape) -> Iterator[Shape | None]:
    """Of the layers of `walk`, the shape of the output at which an error may arrive straight, past all that stands
    above in its chain: of an activation, or the dropout behind one, that has something to learn below it there and is
    not the last; None of all others."""
    if not isinstance(layer, Chain):
        yield from (None for _ in layer.walk(shape))
        return
    parts, learning = list(layer.parts(shape)), False
    for i, (one, own) in enumerate(parts):
        if isinstance(one, Chain):
            yield from arrivals(one, own)
        else:
            between = i + 1 < len(layer.layers) and learning
            found = between and _activated(layer.layers, i)
            yield from (one.out(own) if found else None for _ in one.walk(own))
        learning = learning or any(leaf.parameters(at) for leaf, at in one.walk(own))


def _activated(layers: tuple[Layer, ...], i: int) -> bool:
    """Whether what layer i puts out is what an activation makes, behind its dropout where there is one."""
    if isinstance(layers[i], Act):
        return not isinstance(layers[i + 1], Dropout)
    return isinstance(layers[i], Dropout) and isinstance(layers[i - 1], Act)


def unheard(layers: Sequence[Layer]) -> Iterator[int]:
    """Of the layers of a net of tokens, one above the other, those behind which a token that fills up goes no further:
    what stands above takes each by itself, or leaves these out, up to the mean of the others."""
    for i in reversed(range(next((n for n, one in enumerate(layers) if type(one) is Mean), 0))):
        yield i
        if not layers[i].deaf:
            return
