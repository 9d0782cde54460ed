"""What tests of local rules are made of: samples in the unit interval, and slopes."""

import numpy as np
from rulelab import rng

import gpufa

SIZES = [5, 6, 4, 3]
UNIT = gpufa.Data(rng.random((40, 6)), np.arange(40) % 3, rng.random((6, 6)), np.arange(6) % 3)


def slopes(f, *arrays, step=1e-5):
    """Central differences of f() with respect to arrays that it reads."""
    found = []
    for p in arrays:
        numeric = np.empty_like(p)
        for at in np.ndindex(p.shape):
            kept = p[at]
            p[at] = kept + step
            above = f()
            p[at] = kept - step
            numeric[at] = (above - f()) / (2 * step)
            p[at] = kept
        found.append(numeric)
    return found
