"""Where a run's samples are images: what shape they have, and how they are changed in training."""

import math
from collections.abc import Sequence

from ...backends.operations.operands import Augmenting
from ...basics.errors import InvalidValue
from ...data.samples.data import Data
from ...data.samples.scaling import SAY_PLACES
from ...functions.augmentations import augmentations, fitting
from ...layers.protocol.terms import Shape
from ...net.learner import Learner

MOST = 4  # channels of images as files have them


def places_of(net: Learner, data: Data) -> Shape | None:
    """The shape of a sample, channels first: of the net's input, or else as the data had it, of two dimensions those of
    one channel. None where neither says. Raises InvalidValue where the data may have channels last."""
    if len(shape := net.sizes.shapes[0]) > 1:
        return shape
    found = data.places
    if found and channels_last(found) and math.prod(found) == net.sizes.inputs:
        raise InvalidValue(
            f"samples have the shape {found}, which looks like height x width x channels; hand x in with channels"
            f" first, or say with --layers 'input {'x'.join(map(str, found))}' ... that they are"
        )
    return handed_in(data, net.sizes.inputs)


def handed_in(data: Data, features: int) -> Shape | None:
    """The shape that samples of so many features were handed in, channels first, of two dimensions those of one
    channel; None where they were rows, or may have channels last."""
    found = data.places
    if found is None or math.prod(found) != features or channels_last(found):
        return None
    return (1, *found) if len(found) == 2 else found


def channels_last(places: Shape) -> bool:
    """Whether it looks like height x width x channels."""
    return len(places) == 3 and places[-1] <= MOST < places[0]


def augmenting_of(words: Sequence[str] | None, places: Shape | None, seeds: Sequence[int]) -> Augmenting | None:
    """How images of these places are changed. Raises InvalidValue where they are none, or smaller than is asked for."""
    if words is None:
        return None
    if places is None or len(places) != 3:
        raise InvalidValue(
            f"augment = '{', '.join(words)}' is for images, and neither the data nor the net say so; {SAY_PLACES}"
        )
    channels, height, width = places
    chosen = augmentations(words)
    fitting(chosen, (channels, height, width))
    return Augmenting(chosen, (channels, height, width), tuple(seeds))
