"""FORMULAS: what rules do element by element beyond activations, in NumPy and in CUDA C side by side; one row each.

On a GPU a formula is one launch, where CuPy's own arithmetic would be one for every sign in it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any

HIGHEST = 80.0  # exp of it is a float32 still


@dataclass(frozen=True)
class Formula:
    """value(*arrays, *numbers) writes the first of the arrays, or so many of them as are `written`, (R, n, m), from the
    others, which may be consumed; any axis of those may be 1 long. What is written may be read before.

    The CUDA form has one element of each, of type T, and the numbers in scope under their names.
    """

    name: str
    arrays: str
    numbers: str
    value: Callable[..., Any]
    cuda: str
    written: int = 1


def _difference(out: Array, x: Array, y: Array, factor: float) -> None:
    """factor * (x - y)."""
    np.subtract(x, y, out=out)
    out *= factor


def _concordant(out: Array, M: Array, W: Array) -> None:
    """|M| * sign(W), sign(0) being 0."""
    np.sign(W, out=out)
    np.multiply(out, M, out=out)
    np.copysign(out, W, out=out)


def _ternary(out: Array, e: Array, t: float) -> None:
    """1 from t on, -1 from -t down, else 0; NaN stays."""
    np.divide(e, t, out=out)
    np.trunc(out, out=out)
    np.minimum(out, 1, out=out)
    np.maximum(out, -1, out=out)


def _goodness_slope(out: Array, h: Array, G: Array, theta: float, sign: float) -> None:
    """-2 sign / (1 + exp(sign (G - theta))) * h.

    1 + tanh would be shorter, but is 0 in float32 for every sample that is well told apart.
    """
    G -= theta
    G *= sign
    np.minimum(G, HIGHEST, out=G)
    np.exp(G, out=G)
    G += 1
    np.divide(-2.0 * sign, G, out=G)
    np.multiply(h, G, out=out)


def _log_odds(out: Array, y: Array, right: Array, other: Array, wrong: Array, theta: float, share: float) -> None:
    """share * (y * right + other * wrong - theta)."""
    np.multiply(y, right, out=out)
    other *= wrong
    out += other
    out -= theta
    out *= share


def _wrong_label(out: Array, labels: Array, right: Array, ahead: Array, n: float) -> None:
    """One-hot: the label that is 1 .. n-1 places ahead of `right` in a circle, `ahead` being uniform in -1 .. 1."""
    ahead += 1
    ahead *= (n - 1) / 2
    np.floor(ahead, out=ahead)
    np.minimum(ahead, n - 2, out=ahead)  # a float32 below n - 1 may have been rounded up to it
    ahead += right
    ahead += 1
    np.remainder(ahead, n, out=ahead)
    np.equal(labels, ahead, out=out)


# fmt: off
ROWS = (
    Formula("difference", "out x y", "factor", _difference,
            "out = factor * (x - y);"),
    Formula("concordant", "out M W", "", _concordant,
            "out = W > 0 ? fabs(M) : W < 0 ? -fabs(M) : (T)0;"),
    Formula("ternary", "out e", "t", _ternary,
            "T z = trunc(e / t); out = z > 1 ? (T)1 : z < -1 ? (T)-1 : z;"),
    Formula("goodness_slope", "out h G", "theta sign", _goodness_slope,
            f"T z = sign * (G - theta); out = (T)-2 * sign / ((T)1 + exp(z < (T){HIGHEST} ? z : (T){HIGHEST})) * h;"),
    Formula("log_odds", "out y right other wrong", "theta share", _log_odds,
            "out = share * (y * right + other * wrong - theta);"),
    Formula("wrong_label", "out labels right ahead", "n", _wrong_label,
            "T far = floor((ahead + 1) * ((n - 1) / 2)); far = right + 1 + (far < n - 2 ? far : n - 2);"
            "out = labels == (far < n ? far : far - n);"),
)
# fmt: on
FORMULAS = {row.name: row for row in ROWS}
