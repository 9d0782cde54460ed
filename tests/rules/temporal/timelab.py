"""Nets of one recurrent layer, as rules through time are tested on them."""

import numpy as np
from rulelab import network

from gpufa.rules import make_rule

Y = np.array([0, 2, 1, 1])


def made(layers, word, rule, options=None, backend="numpy", **kw):
    """A net of these layers, of which "{}" stands for the word."""
    return network([text.format(word) for text in layers], make_rule(rule, options or {}), backend=backend, **kw)


def error(net, x):
    """e, (samples, n_L), of a net on NumPy."""
    return net.predict(x) - np.eye(3)[Y]
