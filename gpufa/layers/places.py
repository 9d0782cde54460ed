"""What layers share that look at places: numbers by pairs, and whether they fit."""

from typing import Any

from ..backends.places import Pair, Windows
from ..basics.arguments import is_whole, shown
from ..basics.errors import InvalidValue
from .layer import Layer, Shape

PADS = "same", "valid"


def pair(value: Any, what: str, least: int = 1) -> int | Pair:
    """A whole number for down and across, or both of them. Raises InvalidValue for anything else."""
    both = tuple(value) if isinstance(value, list | tuple) else (value, value)
    if len(both) != 2 or not all(is_whole(n, least) for n in both):
        raise InvalidValue(
            f"{what} can't be {shown(value)}; give a whole number of at least {least}, or two, down and across, such as"
            " 3x5"
        )
    down, across = map(int, both)
    return down if down == across else (down, across)


def pads(value: Any) -> str | int | Pair:
    """What stands about the maps of a convolution."""
    if isinstance(value, str):
        if value not in PADS:
            raise InvalidValue(f"the pad of a convolution can't be {value!r}; give same, valid or a number of zeros")
        return value
    return pair(value, "the pad of a convolution", least=0)


def sides(value: Any) -> Pair:
    """Down and across."""
    return value if isinstance(value, tuple) else (value, value)


def on_maps(layer: Layer, shape: Shape) -> Pair:
    """The size of the maps. Raises InvalidValue where the layer's input has no places."""
    if len(shape) != 3:
        raise InvalidValue(
            f"'{layer}' can't take an input of the shape {shape}; it takes channels x height x width, such as of 'input"
            " 3x32x32', and stands below what makes units of them, such as dense layers"
        )
    return shape[1], shape[2]


def fitting(layer: Layer, shape: Shape, windows: Windows) -> Windows:
    """The windows. Raises InvalidValue where not one of them fits."""
    if min(windows.grid) < 1:
        most = "x".join(map(str, windows.padded))
        raise InvalidValue(
            f"'{layer}' can't take an input of the shape {shape}; its windows are larger than the {most} places there"
            " are, zeros about them counted: make them smaller, or leave strides or pools below out"
        )
    return windows
