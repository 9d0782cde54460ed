"""Arrays of samples and their targets, and what they must be like."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...basics.arrays import taken
from ...basics.errors import InvalidValue
from .about import About
from .scaling import float_type

REAL = "biuf"  # the kinds of dtype that hold real numbers


class _Arrays(NamedTuple):
    x_train: Any
    y_train: NDArray
    x_test: Any
    y_test: NDArray


class Data(_Arrays):
    """x float or uint8 (samples, features); y int64 labels (samples,) from 0, or float targets (samples, outputs).
    Where they `stream`, by reason of that, x are Rows, which stay in their file, and labels whole numbers of any type.

    `about` says what they are of, where that was looked at; `weights`, float64 (samples,), are those of the training
    samples, None where all count alike; `places` is the shape that a sample was found in, (channels, height, width)
    say, where it was no row.

    Of a `graph` both x are all its nodes, and y, and y_validation beside them, have the label of each node that counts
    in that part, and -1 for all others.
    """

    about: About | None = None
    weights: NDArray | None = None
    places: tuple[int, ...] | None = None
    stream: str | None = None
    graph: Any = None
    y_validation: NDArray | None = None

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {array.shape} {array.dtype}" for name, array in self._asdict().items())
        return f"Data({shapes}{f'; target: {self.about.where}' if self.about else ''})"

    def told(self, about: About | None) -> "Data":
        """The same arrays with that `about`."""
        self.about = about
        return self

    def weighed(self, weights: NDArray | None) -> "Data":
        """The same arrays with those weights."""
        self.weights = weights
        return self

    def placed(self, places: tuple[int, ...] | None) -> "Data":
        """The same arrays with those places."""
        self.places = places
        return self

    def streamed(self, stream: str | None) -> "Data":
        """The same, streaming for that reason."""
        self.stream = stream
        return self

    def linked(self, graph: Any, y_validation: NDArray | None) -> "Data":
        """The same, of the nodes of that graph."""
        self.graph, self.y_validation = graph, y_validation
        return self

    def _replace(self, **arrays: Any) -> "Data":
        made = Data(**{**self._asdict(), **arrays}).told(self.about).weighed(self.weights)
        return made.placed(self.places).streamed(self.stream).linked(self.graph, self.y_validation)


def inputs(x: Any, name: str = "x", gaps: bool = False, row: Callable[[int], int] = int) -> NDArray:
    """x as finite floats, or NaN where `gaps` may be, or uint8 (samples, features), C-contiguous; raises InvalidValue
    that calls it `name`, and its samples by the numbers that `row` gives them."""
    x = numbers(x, name)
    if x.ndim < 2:
        raise InvalidValue(f"{name} has the shape {x.shape}; give (samples, features)")
    if x.dtype == np.uint8:
        return np.ascontiguousarray(x.reshape(len(x), -1))
    return floats(x, name, gaps, row)


def _decoded(texts: NDArray, name: str) -> NDArray:
    """Bytes as strings. Raises InvalidValue for what is no UTF-8, where different bytes would be one text."""
    try:
        return np.char.decode(texts, "utf-8")
    except UnicodeDecodeError as error:
        raise InvalidValue(
            f"{name} has bytes that are no UTF-8, such as {error.object!r}; decode them,"
            " np.char.decode(y, 'latin-1') say"
        ) from None


def targets(y: Any, name: str, gaps: bool = False) -> NDArray:
    """Strings, or real and finite numbers, (samples,), or (samples, outputs) where there are several; NaN among them
    where `gaps` may be. Raises InvalidValue for others."""
    array = host_array(y, name)
    if array.dtype.kind == "O" and array.size and all(isinstance(one, str) for one in array.flat):
        array = array.astype(str)
    if array.dtype.kind == "S":
        array = _decoded(array, name)
    if array.dtype.kind != "U" or not array.size:
        array = numbers(array, name)
    if not array.ndim or (array.ndim > 1 and array.dtype.kind == "U" and array.size != len(array)):
        raise InvalidValue(
            f"{name} is {array.dtype} of the shape {array.shape}; give integer labels (samples,) or floats (samples,"
            " outputs)"
        )
    if array.dtype.kind == "f":
        array = floats(array, name, gaps)
    return array.reshape(-1) if array.size == len(array) else array.reshape(len(array), -1)


def truths(texts: NDArray) -> NDArray:
    """Bools, where nothing but True and False is among the texts; else these as they are."""
    return texts == "True" if set(np.unique(texts)) <= {"True", "False"} else texts


def check_samples(given: tuple[int, ...], shape: tuple[int, ...], name: str) -> None:
    """Raise InvalidValue where an array of samples of the shape `given`, which `name` calls, has places in another
    order, or others, than inputs of `shape`; of one channel they need not have its axis."""
    if len(given) > 2 and len(shape) > 1 and given[1:] not in (shape, shape[1:] if shape[0] == 1 else shape):
        raise InvalidValue(
            f"{name} has the shape {given}; expected (samples, {', '.join(map(str, shape))}), channels before"
            f" {'height and width' if len(shape) == 3 else 'time'}, or (samples, {math.prod(shape)})"
        )


def check_tokens(x: Any, of: int, said: str, name: str) -> None:
    """Raise InvalidValue where an array on the host or the device has other numbers than 0 .. `of` - 1, whole ones; a
    net's word `said` that these are what it takes."""
    whole = x == np.floor(x) if x.dtype.kind == "f" else x == x
    good = whole & (x >= 0) & (x < of)
    if not bool(good.all()):
        at = int((~good).reshape(-1).argmax())
        row, column = divmod(at, x.shape[1])
        raise InvalidValue(
            f"{name}: {float(x[row, column]):g} in row {row}, column {column} (counted from 0), is no number of a"
            f" token; '{said}' takes whole numbers from 0 to {of - 1}"
        )


def has_labels(y: NDArray) -> bool:
    """Whether y are labels, not real targets."""
    return y.dtype.kind in "iu"


def real_numbers(values: Any, name: str) -> NDArray:
    """An array of real numbers; raises InvalidValue that calls the values `name`."""
    array = host_array(values, name)
    if array.dtype.kind not in REAL:
        raise InvalidValue(f"{name} is of dtype {array.dtype}; give real numbers")
    return array


def host_array(values: Any, name: str) -> NDArray:
    """What NumPy makes of the values; raises InvalidValue that calls them `name` where it can't, or some are masked."""
    mask = np.ma.getmask(values)
    if mask.dtype == bool and mask.any():  # one of several fields is refused for its dtype
        raise InvalidValue(f"{name} has masked values; give NaN in their place, as {name}.filled(numpy.nan) does")
    try:
        return taken(values)
    except MemoryError:
        raise
    except Exception as error:  # arrays of other libraries raise what they will: of gradients, devices, closed files
        raise InvalidValue(
            f"{name} can't be made a NumPy array ({error}); give numbers on the host, in rows of one length"
        ) from None


def numbers(values: Any, name: str) -> NDArray:
    """A non-empty array of real numbers."""
    array = real_numbers(values, name)
    if not array.size:
        raise InvalidValue(f"{name} is empty (shape {array.shape}); give at least one sample with at least one value")
    return array


def floats(array: NDArray, name: str, gaps: bool = False, row: Callable[[int], int] = int) -> NDArray:
    """(samples, values), C-contiguous, of its `float_type`; all finite, or NaN where `gaps` may be."""
    dtype = float_type(array)
    with np.errstate(over="ignore", invalid="ignore"):  # what becomes infinite is told in words
        array = np.ascontiguousarray(array.reshape(len(array), -1), dtype)
    if not np.isfinite([array.min(), array.max()]).all():  # two numbers tell, without a mask as large as the data
        for i, j in np.argwhere(np.isinf(array) if gaps else ~np.isfinite(array))[:1]:
            which = f", column {j}" if array.shape[1] > 1 else ""
            raise InvalidValue(
                f"{name} has {'an' if gaps else 'a NaN or'} infinite value, first in row {row(i)}{which} (counted from"
                " 0); replace it or drop the row, or fill NaN in with --missing mean"
            )
    return array
