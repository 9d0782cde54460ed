"""Arrays of any library."""

from typing import Any

Array = Any  # numpy.ndarray or cupy.ndarray


def T(W: Array) -> Array:
    """The transposes of the matrices in W, (..., n, m) to (..., m, n): a view."""
    return W.swapaxes(-1, -2)
