"""Spiking units as their formulas say, one sample's step in plain NumPy; and nets of them.

Numbers are complex, with a slope as their imaginary part (see celllab.py): a spike is 0 or 1, and its slope is that of
what stands in for its derivative."""

import math

import numpy as np

TINY = 1e-30
SURROGATES = {
    "triangle": lambda x: max(0.0, 1 - abs(x)),
    "fast_sigmoid": lambda x: (1 + abs(x)) ** -2,
    "arctan": lambda x: 1 / (1 + x**2),
}
# Words of units that spike a few times in five steps of normal-like inputs.
LIF_WORDS = [
    "lif 4 tau 5 threshold 0.3",
    "lif 4 tau 5 threshold 0.3 refractory 2 surrogate arctan sharp 2",
    "lif 4 tau 9 dt 2 threshold 0.3 reset zero surrogate fast_sigmoid damping 0.5",
]
ALIF_WORDS = [
    "alif 4 tau 5 threshold 0.3 tau_a 8 beta 0.4",
    "alif 4 tau 5 threshold 0.3 tau_a 8 beta 0.4 reset zero refractory 3 surrogate arctan",
    "alif 4 tau 5 threshold 0.3 tau_a 8 beta 0.4 adapting 2",
]
SPIKING = LIF_WORDS + ALIF_WORDS


def spiking_step(layer, theta, state, held, x):
    """(z, v, a of ALIF, r) behind a step; `held` is z before it as other units, and the reset, see it."""
    z0, v0, *a0, r0 = state
    decay = math.exp(-layer.dt / layer.tau)
    current = theta["W"] @ x + theta["b"] + theta["U"] @ held
    brought = decay * v0 * (1 - held) if layer.reset == "zero" else decay * v0 - layer.threshold * held
    v = brought + current
    above, a = v - layer.threshold, []
    if a0:
        a = [math.exp(-layer.dt / layer.tau_a) * a0[0] + z0]
        adapts = np.arange(layer.n) >= layer.n - (layer.adapting or layer.n)
        above = above - layer.beta * adapts * a[0]
    able = r0.real <= 0
    slope = [SURROGATES[layer.surrogate](layer.sharp * one / layer.threshold) for one in above.real]
    psi = np.array(slope) * layer.damping / layer.threshold * able
    z = (above.real > 0) * able + 1j * psi * above.imag
    r = np.maximum(r0.real + round(layer.refractory / layer.dt) * z.real - 1, 0)
    return (z, v, *a, r + 0j)
