"""Whether a run's samples have time in front of channels, which the net that it trains takes behind."""

from contextlib import suppress
from typing import Any

from ...basics.errors import InvalidValue, warn
from ...data.samples.data import Data
from ...data.timefirst import is_time_first, turned
from ...layers.time.encode import Timed
from ...layers.time.turn import Turn
from ...layers.words import block, inputs
from ...net.shape.layout import Layout


def channels_first(config: Any, data: Data) -> Data:
    """The data, whose samples are turned where they have time first for a net of words that goes through time. Where
    both axes are as long it can't be told, and a warning says how they are read."""
    shape = inputs(config.layers[0]) if config.layers else None
    if not shape or len(shape) != 2 or data.places is None:
        return data
    with suppress(InvalidValue):  # which the net itself raises
        layout = Layout.of(shape, [*(block(words, config.parts) for words in config.layers[1:]), block("dense 1")])
        if layout.recurrent and is_time_first(data.places, shape):
            return turned(data, shape)
        if data.places == shape == shape[::-1] and _along_the_inputs(layout):
            warn(
                f"samples of {shape[0]}x{shape[1]} are read as channels x time; where they are time x channels, put"
                f" 'turn' in front: --layers 'input {shape[0]}x{shape[1]}' 'turn, {config.layers[1]}' ..."
            )
    return data


def _along_the_inputs(layout: Layout) -> bool:
    """Whether a layer goes through time as the inputs have it, turned by no layer below, nor made there."""
    for k in layout.every:
        for layer, _ in layout.walk(k):
            if layer.timed or isinstance(layer, Turn | Timed):
                return layer.timed
    return False
