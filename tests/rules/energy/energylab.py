"""What tests of rules of energies are made of: slopes, and distances to them."""

import numpy as np
from rulelab import put, values

SIZES = [5, 6, 4, 3]


def slopes(net, f, step=1e-5):
    """The central differences of f() in every parameter."""
    found = {}
    for name, p in net.parameters.items():
        found[name] = np.empty_like(p)
        for at in np.ndindex(p.shape):
            kept = p[at]
            p[at] = kept + step
            above = f()
            p[at] = kept - step
            found[name][at] = (above - f()) / (2 * step)
            p[at] = kept
    return found


def distance(a, b):
    return max(np.abs(a[name] - b[name]).max() for name in a)


def weak(net, factor=0.6):
    """Weights so small that the net has one state of rest."""
    for name, p in values(net).items():
        put(net, net.parameters[name], factor * p)
    return net
