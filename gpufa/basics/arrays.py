"""Arrays of any library."""

from typing import Any

Array = Any  # numpy.ndarray or cupy.ndarray


def T(W: Array) -> Array:
    """The transposes of the matrices in W, (..., n, m) to (..., m, n): a view."""
    return W.swapaxes(-1, -2)


def as_matrix(W: Array) -> Array:
    """(R, n, ...) as (R, n, all else): a kernel as the matrix that its windows' columns are multiplied with. A view."""
    return W.reshape(*W.shape[:2], -1)
