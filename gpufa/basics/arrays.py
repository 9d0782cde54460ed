"""Arrays of any library."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

Array = Any  # numpy.ndarray or cupy.ndarray
ALL = slice(None)
UNTIED = 6  # axes of kernels of which each place has one: (filters, down, across, channels, height, width)


@runtime_checkable
class Shared(Protocol):
    """An array of any library that hands its memory out by DLPack."""

    def __dlpack__(self, **options: Any) -> Any: ...

    def __dlpack_device__(self) -> tuple[int, int]: ...


def taken(values: Any) -> np.ndarray:
    """What NumPy makes of the values: an array on their own memory where that can be, of a GPU's a copy."""
    if isinstance(values, Shared) and not isinstance(values, np.ndarray):
        with suppress(Exception):  # types that DLPack, or a library's version of it, lacks
            return np.from_dlpack(values, device="cpu")
    return np.asarray(values)


def T(W: Array) -> Array:
    """The transposes of the matrices in W, (..., n, m) to (..., m, n): a view."""
    return W.swapaxes(-1, -2)


@dataclass(frozen=True)
class Product:
    """left @ right, (R, rows, n) and (R, n, columns), of which some rows, [:, rows], are made as they are asked for."""

    left: Array
    right: Array

    def __getitem__(self, part: Any) -> Any:
        return self.left[part] @ self.right


def as_matrix(W: Array) -> Array:
    """(R, n, ...) as (R, n, all else): a kernel as the matrix that its windows' columns are multiplied with. A view."""
    return W.reshape(*W.shape[:2], -1)


def tied(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of one kernel, (filters, channels, ...), of that of kernels which differ from place to place; another
    shape itself."""
    return (shape[0], *shape[3:]) if len(shape) == UNTIED else shape


def kernels(W: Array, places: slice = ALL) -> Array:
    """What the columns of windows are multiplied with: `as_matrix`, or of kernels that differ from place to place those
    of some places, row by row, (R, places, filters, what a filter sees). A view."""
    if W.ndim <= UNTIED:
        return as_matrix(W)
    return W.reshape(*W.shape[:2], W.shape[2] * W.shape[3], -1)[:, :, places].swapaxes(1, 2)


def without_diagonal(g: Array) -> Array:
    """g, (R, n, n), with zeros there."""
    g.reshape(len(g), -1)[:, :: g.shape[-1] + 1] = 0
    return g
