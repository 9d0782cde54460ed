"""Activations in pieces: with kinks, and steps, which don't learn. What is no number stays that, so that it shows."""

import numpy as np

from .row import Activation, Array, constant

SLOPE = 0.01  # of leaky_relu, left of zero


def _relu(a: Array, h: Array) -> None:
    np.maximum(a, 0, out=h)


def _relu_derivative(h: Array, g: Array, t: Array) -> None:
    """As heaviside of what is never below 0; NumPy is many times faster at it."""
    np.sign(h, out=g)


def _step(a: Array, h: Array) -> None:
    np.heaviside(a, 0, out=h)


def _leaky_relu(a: Array, h: Array) -> None:
    np.multiply(a, SLOPE, out=h)
    np.maximum(a, h, out=h)


def _leaky_relu_derivative(a: Array, g: Array, t: Array) -> None:
    np.sign(a, out=g)
    np.maximum(g, SLOPE, out=g)


def _elu(a: Array, h: Array) -> None:
    """max(a, exp(min(a, 0)) - 1): exp(a) - 1 is above a for every a < 0."""
    np.minimum(a, 0, out=h)
    np.expm1(h, out=h)
    np.maximum(a, h, out=h)


def _elu_derivative(a: Array, g: Array, t: Array) -> None:
    np.minimum(a, 0, out=g)
    np.exp(g, out=g)


def _hard_tanh(a: Array, h: Array) -> None:
    np.clip(a, -1, 1, out=h)


def _hard_tanh_derivative(h: Array, g: Array, t: Array) -> None:
    np.absolute(h, out=g)
    np.subtract(1, g, out=g)
    np.sign(g, out=g)


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
    Activation("relu", "h", _relu, _relu_derivative,
               "h = a < 0 ? (T)0 : a;",
               "g = h != h ? h : (T)(h > 0);", rising=True),
    Activation("leaky_relu", "a", _leaky_relu, _leaky_relu_derivative,
               f"h = a > 0 ? a : (T){SLOPE} * a;",
               f"g = a != a ? a : a > 0 ? (T)1 : (T){SLOPE};", rising=True),
    Activation("elu", "a", _elu, _elu_derivative,
               "h = a > 0 ? a : expm1(a);",
               "g = a > 0 ? (T)1 : exp(a);", rising=True),
    Activation("hard_tanh", "h", _hard_tanh, _hard_tanh_derivative,
               "h = a > 1 ? (T)1 : a < -1 ? (T)-1 : a;",
               "g = h != h ? h : (T)(h < 1 && h > -1);", rising=True),
    Activation("hard_logistic", "a", _hard_logistic, _hard_logistic_derivative,
               "h = a > 1 ? (T)1 : a < 0 ? (T)0 : a;",
               "g = a != a ? a : (T)(a >= 0 && a <= 1);", rising=True),
    Activation("sign", "h", _sign, constant(0.0),
               "h = a != a ? a : (T)((a > 0) - (a < 0));",
               "g = 0;", learns=False, rising=True),
    Activation("step", "h", _step, constant(0.0),
               "h = a != a ? a : (T)(a > 0);",
               "g = 0;", learns=False, rising=True),
)
# fmt: on
