"""Targets at each place of a sample, a token or a time step: whole numbers (samples, places), -1 where there is none,
or numbers (samples, outputs, places), flattened, NaN where there is none."""

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...basics.errors import InvalidValue, warn
from .data import float_type, has_labels, host_array, numbers

IGNORED = -1


def targets_at_places(y: Any, name: str) -> tuple[NDArray, int]:
    """The targets, int64 (samples, places) or floats (samples, outputs * places), and how many places there are. Raises
    InvalidValue that calls them `name`."""
    array = numbers(host_array(y, name), name)
    if has_labels(array) and array.ndim == 2:
        _warn_of_a_mark(array, name)
        return checked_labels(array.astype(np.int64), name), array.shape[1]
    if array.dtype.kind == "f" and array.ndim == 3:
        return checked_amounts(array, name), array.shape[2]
    raise InvalidValue(
        f"{name} is {array.dtype} of the shape {array.shape}; a target at each place is a whole number of"
        f" (samples, places), {IGNORED} for none, or floats (samples, outputs, places), NaN for none: give these, or"
        " leave --task places out"
    )


def _warn_of_a_mark(y: NDArray, name: str) -> None:
    """Of unsigned labels the largest that there can be is what -1 becomes when it is written as one."""
    if y.dtype.kind == "u" and (y == (most := np.iinfo(y.dtype).max)).any():
        warn(
            f"{name} is {y.dtype} and has the label {most}, which is taken as a class; where it marks places without a"
            f" target, write {IGNORED} in its place, into whole numbers with a sign"
        )


def checked_labels(y: NDArray, name: str, classes: int | None = None) -> NDArray:
    """Labels (samples, places). Raises InvalidValue for one that is no class, of so many where that is known, and where
    no place has any."""
    most = y.max() if classes is None else classes - 1
    if y.min() < IGNORED or y.max() > most:
        bad = y.min() if y.min() < IGNORED else y.max()
        up_to = "" if classes is None else f" to {most}"
        raise InvalidValue(
            f"{name} has the label {bad}; labels at places are whole numbers from 0{up_to}, and {IGNORED} where a place"
            " has no target"
        )
    if y.max() < 0:
        raise InvalidValue(f"{name} has no target at any place, {IGNORED} everywhere; give some")
    return y


def checked_amounts(y: NDArray, name: str) -> NDArray:
    """Numbers (samples, outputs, places), as rows. Raises InvalidValue where some are infinite, a place has some of its
    outputs alone, or no place has any."""
    nan = np.isnan(y)
    if np.isinf(y).any():
        raise InvalidValue(
            f"{name} has infinite values; give numbers, or NaN at all outputs of a place without a target"
        )
    if (nan.any(axis=1) != nan.all(axis=1)).any():
        raise InvalidValue(f"{name} has NaN at some outputs of a place alone; a place has all its targets, or none")
    if nan.all():
        raise InvalidValue(f"{name} has no target at any place, NaN everywhere; give some")
    return np.ascontiguousarray(y.reshape(len(y), -1), float_type(y))


def counted(y: Any, places: int) -> Any:
    """Which places have a target, (samples, places) bools, of such targets on the host or a device."""
    if has_labels(y):
        return y > IGNORED
    first = y.reshape(len(y), -1, places)[:, 0]
    return first == first


def without_gaps(xp: ModuleType, y: Any) -> Any:
    """Targets with 0 in place of NaN; labels as they are."""
    return y if has_labels(y) else xp.where(y == y, y, 0)
