"""What layers share that look at places: numbers by pairs, and whether they fit."""

from collections.abc import Callable, Collection
from typing import Any

from ...backends.operations.places import Pair, Windows
from ...basics.arguments import is_whole, shown
from ...basics.errors import InvalidValue
from ..protocol.layer import Layer
from ..protocol.terms import Shape

PADS = "same", "valid"
MAPS = {2: "channels x height x width, such as of 'input 3x32x32'", 1: "channels x time, such as of 'input 3x100'"}


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


def one(value: Any, what: str, least: int = 1) -> int:
    """A whole number for the only axis. Raises InvalidValue for anything else."""
    if not is_whole(value, least):
        raise InvalidValue(f"{what} along one axis can't be {shown(value)}; give one whole number of at least {least}")
    return int(value)


def pads(value: Any, what: str, number: Callable[[Any, str, int], int | Pair]) -> str | int | Pair:
    """What stands about maps; `number` is `pair` or `one`."""
    if isinstance(value, str):
        if value not in PADS:
            raise InvalidValue(f"{what} can't be {value!r}; give same, valid or a number of zeros")
        return value
    return number(value, what, 0)


def sides(value: Any, axes: int = 2, rest: int = 1) -> Pair:
    """Down and across; of one axis alone down, with `rest` across."""
    return value if isinstance(value, tuple) else (value, value if axes == 2 else rest)


def on_maps(layer: Layer, shape: Shape, axes: Collection[int] = (2, 1)) -> Pair:
    """The size of the maps, (time, 1) of those along one axis. Raises InvalidValue where the layer's input has not one
    of these numbers of axes behind its channels."""
    if len(shape) - 1 not in axes:
        takes = ", or ".join(MAPS[n] for n in axes)
        raise InvalidValue(
            f"'{layer}' can't take an input of the shape {shape}; it takes {takes}: say in front of all blocks what the"
            " inputs are, and put what makes units of them, such as dense layers, above"
        )
    return shape[1], shape[2] if len(shape) == 3 else 1


def along(layer: Layer, value: int | Pair, shape: Shape) -> Pair:
    """A number or two, down and across, on maps of that shape. Raises InvalidValue for two where there is one axis."""
    axes = len(shape) - 1
    if axes == 1 and isinstance(value, tuple):
        raise InvalidValue(
            f"'{layer}' can't take an input of the shape {shape}, channels x time; along one axis give one number in"
            f" place of {'x'.join(map(str, value))}"
        )
    return sides(value, axes)


def fitting(layer: Layer, shape: Shape, windows: Windows) -> Windows:
    """The windows. Raises InvalidValue where not one of them fits."""
    if min(windows.grid) < 1:
        most = "x".join(map(str, windows.padded[: len(shape) - 1]))
        raise InvalidValue(
            f"'{layer}' can't take an input of the shape {shape}; its windows are larger than the {most} places there"
            " are, zeros about them counted: make them smaller, or leave strides or pools below out"
        )
    return windows
