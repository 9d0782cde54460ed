"""Activations without kinks."""

import math

import numpy as np

from .row import Activation, Array, constant

STEEP, FLAT = 1.7159, 2 / 3  # LeCun's scaled tanh
ROOT_HALF, NORMAL = math.sqrt(0.5), 1 / math.sqrt(2 * math.pi)


def _identity(a: Array, h: Array) -> None:
    h[...] = a


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


# fmt: off
ROWS = (
    Activation("identity", "h", _identity, constant(1.0),
               "h = a;",
               "g = 1;", rising=True),
    Activation("tanh", "h", _tanh, _tanh_derivative,
               "h = tanh(a);",
               "g = 1 - h * h;", zero_init=True, rising=True),
    Activation("scaled_tanh", "h", _scaled_tanh, _scaled_tanh_derivative,
               f"h = (T){STEEP} * tanh(a * (T){FLAT});",
               f"g = (T){FLAT * STEEP} - h * h * (T){FLAT / STEEP};", zero_init=True, rising=True),
    Activation("logistic", "h", logistic, _logistic_derivative,
               "h = (T)0.5 + (T)0.5 * tanh((T)0.5 * a);",
               "g = h * (1 - h);", zero_init=True, rising=True),
    Activation("softplus", "h", _softplus, _softplus_derivative,
               "h = (a > 0 ? a : (T)0) + log1p(exp(a > 0 ? -a : a));",
               "g = -expm1(-h);", rising=True),
    Activation("gelu", "a", _gelu, _gelu_derivative,
               f"h = (T)0.5 * a * erfc(a * (T){-ROOT_HALF});",
               f"g = (T)0.5 * erfc(a * (T){-ROOT_HALF}) + a * exp((T)-0.5 * a * a) * (T){NORMAL};"),
    Activation("silu", "a", _silu, _silu_derivative,
               "h = a * ((T)0.5 + (T)0.5 * tanh((T)0.5 * a));",
               "T s = (T)0.5 + (T)0.5 * tanh((T)0.5 * a); g = s * (1 + a * (1 - s));"),
)
# fmt: on
