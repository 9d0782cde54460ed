"""Layers of classes of one's own: what is asked of them where something else goes by words, or shares a batch."""

from collections.abc import Iterable, Iterator

from ..basics.errors import InvalidValue
from .chain import Chain
from .protocol.layer import Layer
from .residual import Residual
from .units.act import Act
from .words import LAYERS, ROWS

GPUFAS = {*ROWS, Act, Chain, Residual}


def own_among(layers: Iterable[Layer]) -> Iterator[Layer]:
    """Those of the layers, and of what they are made of, whose class is not gpufa's."""
    for layer in layers:
        if type(layer) not in GPUFAS:
            yield layer
        if isinstance(layer, Chain):
            yield from own_among(layer.layers)
        if isinstance(layer, Residual) and layer.shortcut is not None:
            yield from own_among([layer.shortcut])


def check_worded(layers: Iterable[Layer]) -> None:
    """Raises InvalidValue where the words of layers would be read as others."""
    for layer in own_among(layers):
        name = type(layer).__name__
        if LAYERS.get(layer.word) is not type(layer):
            raise InvalidValue(
                f"layer {name} is a class of your own, and in settings, files and copies, which are words, '{layer}'"
                f" would be another or none; give it a word of its own, gpufa.layers.LAYERS[{name}.word] = {name}"
            )


def check_separable(layers: Iterable[Layer]) -> None:
    """Raises InvalidValue where what layers make of a batch may be more than what they make of its parts."""
    for layer in own_among(layers):
        if not layer.separable:
            raise InvalidValue(
                f"layer {type(layer).__name__} is a class of your own, which may draw or measure something of a whole"
                " batch, and processes would share it; let it say separable = True where it does that by at.batch"
                " alone, or leave --parallel data out"
            )
