"""ACTIVATIONS: value, derivative, and both in CUDA C, side by side; a new activation is one row.

The derivative is written in h where it can be, so that the pre-activation need not be kept. The NumPy forms write
into what they are given and allocate nothing. The CUDA forms find a, h and g, of type T, in scope.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ..parts import Part
from . import kinked, smooth
from .row import Activation

__all__ = ["ACTIVATIONS", "Activation", "activation"]

ACTIVATIONS: Mapping[str, Activation] = {row.name: row for row in (*smooth.ROWS, *kinked.ROWS)}
Activation.table = ACTIVATIONS


def activation(given: Any, parts: Sequence[Part] = ()) -> Activation:
    """The row, as Part.find."""
    return Activation.find(given, parts)
