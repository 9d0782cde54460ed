"""ACTIVATIONS: value, derivative, and both in CUDA C, side by side; a new activation is one row.

The derivative is written in h where it can be, so that the pre-activation need not be kept. The NumPy forms write
into what they are given and allocate nothing. The CUDA forms find a, h and g, of type T, in scope.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from .parts import Part, far_apart, slope_of

Array = Any

SLOPE = 0.01  # of leaky_relu, left of zero
STEEP, FLAT = 1.7159, 2 / 3  # LeCun's scaled tanh
ROOT_HALF, NORMAL = math.sqrt(0.5), 1 / math.sqrt(2 * math.pi)


@dataclass(frozen=True)
class Activation(Part):
    """h = f(a) and g = f'(z), z being h or a as `of` says; without CUDA texts it runs on NumPy alone.

    value        value(a, h) writes h; h may be a itself where `of` is "h"
    derivative   derivative(z, g, t) writes g; t is scratch of the same shape
    learns       False where f' is zero almost everywhere
    zero_init    whether Nokland's runs start nets of such units from zero weights
    """

    kind: ClassVar[str] = "activation"

    of: Literal["h", "a"]
    value: Callable[[Array, Array], Any]
    derivative: Callable[[Array, Array, Array], Any]
    cuda: str = ""
    cuda_derivative: str = ""
    learns: bool = True
    zero_init: bool = False

    @property
    def on_gpu(self) -> bool:
        return bool(self.cuda and self.cuda_derivative)

    def fault(self) -> str:
        """Tried on -4 .. 4, but for kinks, in float64."""
        if self.of not in ("h", "a"):
            return f'has a derivative of {self.of!r}; say "h" or "a"'
        a = np.linspace(-4.003, 4.001, 401).reshape(1, 401)
        h, g = (np.full_like(a, np.nan) for _ in range(2))
        self.value(a.copy(), h)
        if not np.isfinite(h).all():
            return "has values that are not finite, or not written into h; let value(a, h) write all of h"
        if self.of == "h":
            self.value(again := a.copy(), again)
            if not np.array_equal(again, h):
                return 'has other values where h is a itself; mend value(a, h), or give the derivative in a, of="a"'
        self.derivative((a if self.of == "a" else h).copy(), g, np.empty_like(a))
        slope, smooth = slope_of(self._values, a)
        wrong = np.argwhere(smooth & far_apart(g, slope))
        for i in wrong[:1]:
            return (
                f"has the derivative {g[*i]:.6g} at {a[*i]:.4g}, where central differences give {slope[*i]:.6g}; mend"
                " derivative(z, g, t)"
            )
        return "" if self.learns == bool(g.any()) else f"has learns = {self.learns}, against its derivative; mend that"

    def _values(self, a: Array) -> Array:
        self.value(a, h := np.empty_like(a))
        return h


def _identity(a: Array, h: Array) -> None:
    h[...] = a


def _constant(value: float) -> Callable[[Array, Array, Array], None]:
    def derivative(h: Array, g: Array, t: Array) -> None:
        g[...] = value

    return derivative


def _tanh(a: Array, h: Array) -> None:
    np.tanh(a, out=h)


def _tanh_derivative(h: Array, g: Array, t: Array) -> None:
    np.multiply(h, h, out=g)
    np.subtract(1, g, out=g)


def _scaled_tanh(a: Array, h: Array) -> None:
    np.multiply(a, FLAT, out=h)
    np.tanh(h, out=h)
    np.multiply(h, STEEP, out=h)


def _scaled_tanh_derivative(h: Array, g: Array, t: Array) -> None:
    np.multiply(h, h, out=g)
    np.multiply(g, -FLAT / STEEP, out=g)
    np.add(g, FLAT * STEEP, out=g)


def logistic(a: Array, h: Array) -> None:
    """1 / (1 + exp(-a)) as (1 + tanh(a / 2)) / 2, which overflows nowhere."""
    np.multiply(a, 0.5, out=h)
    np.tanh(h, out=h)
    np.multiply(h, 0.5, out=h)
    np.add(h, 0.5, out=h)


def _logistic_derivative(h: Array, g: Array, t: Array) -> None:
    np.subtract(1, h, out=g)
    np.multiply(g, h, out=g)


def _relu(a: Array, h: Array) -> None:
    np.maximum(a, 0, out=h)


def _step(a: Array, h: Array, t: Array = None) -> None:
    np.heaviside(a, 0, out=h)


def _leaky_relu(a: Array, h: Array) -> None:
    np.multiply(a, SLOPE, out=h)
    np.maximum(a, h, out=h)


def _leaky_relu_derivative(a: Array, g: Array, t: Array) -> None:
    np.heaviside(a, 0, out=g)
    np.maximum(g, SLOPE, out=g)


def _elu(a: Array, h: Array) -> None:
    """max(a, exp(min(a, 0)) - 1): exp(a) - 1 is above a for every a < 0."""
    np.minimum(a, 0, out=h)
    np.expm1(h, out=h)
    np.maximum(a, h, out=h)


def _elu_derivative(a: Array, g: Array, t: Array) -> None:
    np.minimum(a, 0, out=g)
    np.exp(g, out=g)


def _softplus(a: Array, h: Array) -> None:
    np.logaddexp(a, 0, out=h)


def _softplus_derivative(h: Array, g: Array, t: Array) -> None:
    """1 - exp(-h), by expm1: the plain difference is 0 at a = -20 in float32."""
    np.negative(h, out=g)
    np.expm1(g, out=g)
    np.negative(g, out=g)


def _gelu(a: Array, h: Array) -> None:
    """a * Phi(a), Phi being the normal distribution function."""
    from scipy.special import ndtr

    ndtr(a, out=h)
    np.multiply(h, a, out=h)


def _gelu_derivative(a: Array, g: Array, t: Array) -> None:
    """Phi(a) + a * phi(a)."""
    from scipy.special import ndtr

    np.multiply(a, a, out=g)
    np.multiply(g, -0.5, out=g)
    np.exp(g, out=g)
    np.multiply(g, NORMAL, out=g)
    np.multiply(g, a, out=g)
    ndtr(a, out=t)
    np.add(g, t, out=g)


def _silu(a: Array, h: Array) -> None:
    logistic(a, h)
    np.multiply(h, a, out=h)


def _silu_derivative(a: Array, g: Array, t: Array) -> None:
    """s * (1 + a * (1 - s)) with s = logistic(a)."""
    logistic(a, g)
    np.subtract(1, g, out=t)
    np.multiply(t, a, out=t)
    np.add(t, 1, out=t)
    np.multiply(g, t, out=g)


def _hard_tanh(a: Array, h: Array) -> None:
    np.clip(a, -1, 1, out=h)


def _hard_tanh_derivative(h: Array, g: Array, t: Array) -> None:
    np.absolute(h, out=g)
    np.subtract(1, g, out=g)
    np.heaviside(g, 0, out=g)


def _hard_logistic(a: Array, h: Array) -> None:
    np.clip(a, 0, 1, out=h)


def _hard_logistic_derivative(a: Array, g: Array, t: Array) -> None:
    """1 on the closed interval: a state that is kept in 0 .. 1 can leave its bounds again (rules/energy/eqprop.py)."""
    np.subtract(1, a, out=t)
    np.heaviside(t, 1, out=t)
    np.heaviside(a, 1, out=g)
    np.multiply(g, t, out=g)


def _sign(a: Array, h: Array) -> None:
    np.sign(a, out=h)


# fmt: off
ROWS = (
    Activation("identity", "h", _identity, _constant(1.0),
               "h = a;",
               "g = 1;"),
    Activation("tanh", "h", _tanh, _tanh_derivative,
               "h = tanh(a);",
               "g = 1 - h * h;", zero_init=True),
    Activation("scaled_tanh", "h", _scaled_tanh, _scaled_tanh_derivative,
               f"h = (T){STEEP} * tanh(a * (T){FLAT});",
               f"g = (T){FLAT * STEEP} - h * h * (T){FLAT / STEEP};", zero_init=True),
    Activation("logistic", "h", logistic, _logistic_derivative,
               "h = (T)0.5 + (T)0.5 * tanh((T)0.5 * a);",
               "g = h * (1 - h);", zero_init=True),
    Activation("relu", "h", _relu, _step,
               "h = a > 0 ? a : (T)0;",
               "g = h > 0;"),
    Activation("leaky_relu", "a", _leaky_relu, _leaky_relu_derivative,
               f"h = a > 0 ? a : (T){SLOPE} * a;",
               f"g = a > 0 ? (T)1 : (T){SLOPE};"),
    Activation("elu", "a", _elu, _elu_derivative,
               "h = a > 0 ? a : expm1(a);",
               "g = a > 0 ? (T)1 : exp(a);"),
    Activation("softplus", "h", _softplus, _softplus_derivative,
               "h = (a > 0 ? a : (T)0) + log1p(exp(a > 0 ? -a : a));",
               "g = -expm1(-h);"),
    Activation("gelu", "a", _gelu, _gelu_derivative,
               f"h = (T)0.5 * a * erfc(a * (T){-ROOT_HALF});",
               f"g = (T)0.5 * erfc(a * (T){-ROOT_HALF}) + a * exp((T)-0.5 * a * a) * (T){NORMAL};"),
    Activation("silu", "a", _silu, _silu_derivative,
               "h = a * ((T)0.5 + (T)0.5 * tanh((T)0.5 * a));",
               "T s = (T)0.5 + (T)0.5 * tanh((T)0.5 * a); g = s * (1 + a * (1 - s));"),
    Activation("hard_tanh", "h", _hard_tanh, _hard_tanh_derivative,
               "h = a > 1 ? (T)1 : a < -1 ? (T)-1 : a;",
               "g = h < 1 && h > -1;"),
    Activation("hard_logistic", "a", _hard_logistic, _hard_logistic_derivative,
               "h = a > 1 ? (T)1 : a < 0 ? (T)0 : a;",
               "g = a >= 0 && a <= 1;"),
    Activation("sign", "h", _sign, _constant(0.0),
               "h = (a > 0) - (a < 0);",
               "g = 0;", learns=False),
    Activation("step", "h", _step, _constant(0.0),
               "h = a > 0;",
               "g = 0;", learns=False),
)
# fmt: on
ACTIVATIONS: Mapping[str, Activation] = {row.name: row for row in ROWS}
Activation.table = ACTIVATIONS


def activation(given: Any, parts: Sequence[Part] = ()) -> Activation:
    """The row, as Part.find."""
    return Activation.find(given, parts)
