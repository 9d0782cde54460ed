"""SURROGATES: what stands in for the derivative of a spike, which is 0 or 1, in the potential; one row each, in NumPy
and in CUDA C side by side.

A unit spikes where x > 0, x being how far its potential is above its threshold, in thresholds: -1 where it rests.
Learning takes dz/dx to be damping * f(sharp * x), f being the row: 1 at the threshold, less on either side."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any


@dataclass(frozen=True)
class Surrogate:
    """value(x) makes f of x in place; the CUDA form makes it of x into f."""

    name: str
    value: Callable[[Array], Any]
    cuda: str
    paper: str


def _triangle(x: Array) -> None:
    """max(0, 1 - |x|)."""
    np.abs(x, out=x)
    np.subtract(1, x, out=x)
    np.maximum(x, 0, out=x)


def _fast_sigmoid(x: Array) -> None:
    """1 / (1 + |x|)^2, the slope of x / (1 + |x|)."""
    np.abs(x, out=x)
    np.add(x, 1, out=x)
    np.multiply(x, x, out=x)
    np.reciprocal(x, out=x)


def _arctan(x: Array) -> None:
    """1 / (1 + x^2)."""
    np.multiply(x, x, out=x)
    np.add(x, 1, out=x)
    np.reciprocal(x, out=x)


# fmt: off
ROWS = (
    Surrogate("triangle", _triangle, "f = fmax((T)0, 1 - fabs(x));", "Bellec et al. 2018"),
    Surrogate("fast_sigmoid", _fast_sigmoid, "f = 1 / ((1 + fabs(x)) * (1 + fabs(x)));", "Zenke & Ganguli 2018"),
    Surrogate("arctan", _arctan, "f = 1 / (1 + x * x);", "Fang et al. 2021"),
)
# fmt: on
SURROGATES = {row.name: row for row in ROWS}
