"""Arrays of samples and their targets: what they must be like, and how a part is split off."""

from collections.abc import Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..basics.arguments import shown
from ..basics.errors import InvalidValue
from .scaling import SCALINGS, Scaling, fit_scaling, float_type  # noqa: F401 - datasets has them from here

SUBSET_KEY = 2  # a part of the training samples is the same for every seed
REAL = "biuf"  # the kinds of dtype that hold real numbers


class Data(NamedTuple):
    """x float or uint8 (samples, features); y int64 labels (samples,) from 0, or float targets (samples, outputs)."""

    x_train: NDArray
    y_train: NDArray
    x_test: NDArray
    y_test: NDArray


def validate(data: Sequence[Any]) -> Data:
    """(x_train, y_train, x_test, y_test) as arrays that fit together; the classes are 0 .. y_train.max().

    x of more than two dimensions is flattened to (samples, features). uint8 stays as it is, and is made floats as it is
    used; other numbers become what `float_type` says. Integer or boolean y are labels, float y real targets.
    Raises InvalidValue for what can't be trained on.
    """
    if not isinstance(data, Sequence) or len(data) != len(Data._fields):
        raise InvalidValue(f"data must be the four arrays {', '.join(Data._fields)}; got {_describe(data)}")
    x_train, y_train = pair(data[0], data[1], "_train")
    x_test, y_test = pair(data[2], data[3], "_test")
    if x_test.shape[1] != x_train.shape[1]:
        raise InvalidValue(
            f"x_test has {x_test.shape[1]} features, but x_train {x_train.shape[1]}; give both the same features"
        )
    kinds = ["labels" if has_labels(y) else "real targets" for y in (y_train, y_test)]
    if kinds[0] != kinds[1]:
        raise InvalidValue(
            f"y_train has {kinds[0]}, but y_test {kinds[1]}; give both as integers (labels) or both as floats"
        )
    if has_labels(y_train) and y_test.max() > y_train.max():
        raise InvalidValue(
            f"y_test has the label {y_test.max()}, but the labels of y_train end at {y_train.max()}; "
            "give training samples of every class"
        )
    if y_test.shape[1:] != y_train.shape[1:]:
        raise InvalidValue(
            f"y_test has {y_test.shape[1]} outputs, but y_train {y_train.shape[1]}; give both the same outputs"
        )
    return Data(x_train, y_train, x_test, y_test)


def pair(x: Any, y: Any, suffix: str = "") -> tuple[NDArray, NDArray]:
    """x (samples, features) and y as `validate` makes them; errors call them "x" and "y" with `suffix`."""
    x, y = inputs(x, f"x{suffix}"), targets(y, f"y{suffix}")
    if len(x) != len(y):
        raise InvalidValue(f"x{suffix} has {len(x)} samples, but y{suffix} {len(y)}; give one target per sample")
    return x, y


def inputs(x: Any, name: str = "x") -> NDArray:
    """x as finite floats or uint8 (samples, features), C-contiguous; raises InvalidValue that calls it `name`."""
    x = _numbers(x, name)
    if x.ndim < 2:
        raise InvalidValue(f"{name} has the shape {x.shape}; give (samples, features)")
    if x.dtype == np.uint8:
        return np.ascontiguousarray(x.reshape(len(x), -1))
    return _floats(x, name)


def targets(y: Any, name: str = "y") -> NDArray:
    """int64 labels (samples,) or finite floats (samples, outputs); raises InvalidValue that calls them `name`."""
    y = _numbers(y, name)
    if y.dtype.kind == "f" and y.ndim:
        return _floats(y, name)
    if y.ndim != 1:
        raise InvalidValue(
            f"{name} is {y.dtype} of the shape {y.shape}; give integer labels (samples,) or floats (samples, outputs)"
        )
    labels = y.astype(np.int64)
    if labels.min() < 0:
        raise InvalidValue(f"{name} has the label {labels.min()}; count labels from 0, or give real targets as floats")
    return labels


def has_labels(y: NDArray) -> bool:
    """Whether y are labels, not real targets."""
    return y.dtype.kind in "iu"


def split(y: NDArray, fraction: float, key: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sorted indices (kept, held out): round(fraction * samples) are held out at random, the same for the same `key`.

    With labels every class gives its share and keeps at least one sample. Raises InvalidValue where that leaves none.
    """
    if not isinstance(fraction, Real) or not 0 < fraction < 1:
        raise InvalidValue(
            f"the fraction {shown(fraction)} of the samples can't be held out; give a number between 0 and 1"
        )
    classes = y if has_labels(y) else np.zeros(len(y), np.int64)
    order = np.lexsort((np.random.Philox(key=key).random_raw(len(y)), classes))
    first_of_class = np.diff(classes[order], prepend=-1) != 0
    candidates = order[~first_of_class]
    count = min(round(fraction * len(y)), len(candidates))
    if not count:
        raise InvalidValue(
            f"a fraction of {fraction} of these {len(y)} samples holds out none; give more samples or a larger fraction"
        )
    held = np.zeros(len(y), bool)
    held[candidates[(2 * np.arange(count) + 1) * len(candidates) // (2 * count)]] = (
        True  # evenly spaced over the classes
    )
    return np.flatnonzero(~held), np.flatnonzero(held)


def subset(data: Data, count: int) -> Data:
    """`count` of the training samples, of every class its share and at least one; the same ones for the same data.

    Raises InvalidValue where there are not so many, or more classes.
    """
    x, y = data.x_train, data.y_train
    classes = len(np.unique(y)) if has_labels(y) else 1
    if not classes <= count <= len(y):
        raise InvalidValue(
            f"samples = {shown(count)} can't be taken of {len(y)} training samples of {classes} classes;"
            f" give --samples from {classes} to {len(y)}"
        )
    if count == len(y):
        return data
    kept, _ = split(y, 1 - count / len(y), SUBSET_KEY)
    return data._replace(x_train=x[kept], y_train=y[kept])


def real_numbers(values: Any, name: str) -> NDArray:
    """An array of real numbers; raises InvalidValue that calls the values `name`."""
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, OverflowError):
        raise InvalidValue(
            f"{name} can't be made a NumPy array; give numbers on the host, in rows of one length"
        ) from None
    if array.dtype.kind not in REAL:
        raise InvalidValue(f"{name} is of dtype {array.dtype}; give real numbers")
    return array


def _numbers(values: Any, name: str) -> NDArray:
    """A non-empty array of real numbers."""
    array = real_numbers(values, name)
    if not array.size:
        raise InvalidValue(f"{name} is empty (shape {array.shape}); give at least one sample with at least one value")
    return array


def _floats(array: NDArray, name: str) -> NDArray:
    """(samples, values), C-contiguous, of its `float_type`; all finite."""
    dtype = float_type(array)
    with np.errstate(over="ignore", invalid="ignore"):  # what becomes infinite is told in words
        array = np.ascontiguousarray(array.reshape(len(array), -1), dtype)
    if not np.isfinite([array.min(), array.max()]).all():  # two numbers tell, without a mask as large as the data
        row = np.flatnonzero(~np.isfinite(array).all(axis=1))[0]
        raise InvalidValue(
            f"{name} has a NaN or infinite value, first in row {row} (counted from 0); replace it or drop the row"
        )
    return array


def _describe(data: Any) -> str:
    return f"{len(data)} of them" if isinstance(data, Sequence) else f"a {type(data).__name__}"
