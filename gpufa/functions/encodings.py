"""How numbers become spikes, a step of time after the other, in NumPy and in CUDA C side by side."""

from typing import Any

import numpy as np

from .formulas import Formula

Array = Any


def _poisson(z: Array, x: Array, rate: float) -> None:
    """z, uniform in -1 .. 1, becomes 1 with probability rate * x, else 0."""
    np.add(z, 1, out=z)
    np.multiply(z, 0.5, out=z)
    np.divide(z, rate, out=z)
    np.less(z, x, out=z)


def _latency(z: Array, x: Array, t: float, last: float) -> None:
    """1 at step (1 - x) * last, rounded down, of x above 0; 1 and more is at step 0."""
    np.subtract(1, x, out=z)
    np.maximum(z, 0, out=z)
    np.multiply(z, last, out=z)
    np.floor(z, out=z)
    np.equal(z, t, out=z)
    np.copyto(z, 0, where=x <= 0)


def _delta(up: Array, down: Array, seen: Array, x: Array, threshold: float) -> None:
    """Whether x has risen, or fallen, by the threshold since what was last told of it, which goes along."""
    np.subtract(x, seen, out=down)
    np.greater_equal(down, threshold, out=up)
    np.less_equal(down, -threshold, out=down)
    np.multiply(up, threshold, out=up)
    np.add(seen, up, out=seen)
    np.multiply(down, threshold, out=down)
    np.subtract(seen, down, out=seen)
    np.divide(up, threshold, out=up)
    np.divide(down, threshold, out=down)


# fmt: off
POISSON = Formula("poisson", "z in", "rate", _poisson, "z = (z + 1) * (T)0.5 / rate < in ? (T)1 : (T)0;")
LATENCY = Formula("latency", "z in", "t last", _latency,
                  "z = in > 0 && floor(fmax((T)0, 1 - in) * last) == t ? (T)1 : (T)0;")
DELTA = Formula("delta", "up down seen in", "threshold", _delta,
                "const T off = in - seen; up = off >= threshold ? (T)1 : (T)0; down = off <= -threshold ? (T)1 : (T)0;"
                "seen += threshold * (up - down);", 3)
# fmt: on
