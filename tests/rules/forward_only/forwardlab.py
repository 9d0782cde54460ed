"""What tests of rules of forward passes are made of: activations in plain NumPy."""

import numpy as np

from gpufa.functions.activations import ACTIVATIONS

SIZES = [6, 5, 4, 5, 3]
FUNCTIONS = ["relu", "tanh", "gelu"]  # f' of a, of h, and of a that is kept


def f(name, a):
    """f(a) and f'(a)."""
    row, a = ACTIVATIONS[name], np.array(a)
    h, g = np.empty_like(a), np.empty_like(a)
    row.value(a, h)
    row.derivative(h if row.of == "h" else a, g, np.empty_like(a))
    return h, g


def softmax(a):
    a = np.exp(a - a.max())
    return a / a.sum()
