"""Nets of tokens: their samples, and what an embedding, attention and norms of each token are in plain NumPy."""

import numpy as np
from rulelab import host, network

POOLED = [
    "tokens 6 of 9",
    "embed 8",
    "residual(layernorm, attention 2), residual(layernorm, dense 12 gelu, dense 8)",
    "mean, dense 5 tanh",
    "dense 3",
]
PADDED = [
    "tokens 5 of 7 pad 0",
    "embed 6, positions",
    "residual(layer norm, attention 3 causal), residual(layer norm, dense 4 softplus, dense 6)",
    "residual(attention 2 nobias, layer norm), dense 4 tanh",
    "mean, dense 4 tanh",
    "dense 3",
]
TIED = [
    "tokens 4 of 7",
    "embed 6 tied, positions",
    "residual(layer norm, attention 2 causal), residual(layer norm, dense 5 gelu, dense 6)",
    "residual(layer norm, attention 1 causal), layer norm",
    "dense 7",
]
EACH = [
    "tokens 5 of 6",
    "embed 4, positions sinusoidal",
    "residual(layer norm, attention 2 causal)",
    "residual(layer norm, dense 6 gelu, dense 4)",
    "dense 6",
]
SEEN = [
    "input 3x4x2",
    "conv 6 2x2 stride 2, as tokens, positions",
    "residual(attention 3), layer norm, tanh",
    "mean, dense 4 tanh",
    "dense 3",
]
NETS = {"pooled": POOLED, "padded": PADDED, "tied": TIED, "each": EACH, "seen": SEEN}


def data(net, m=5, seed=2):
    """Numbers of tokens, or what stands for images, and labels: of a net with outputs at tokens one for each."""
    draw, (shape, sizes) = np.random.default_rng(seed), (net.sizes.shapes[0], net.sizes)
    x = draw.normal(size=(m, sizes.inputs)) if len(shape) > 1 else draw.integers(0, shape.of, (m, shape[0]))
    if len(shape) == 1 and shape.pad is not None:
        x[0, 2:], x[1, :2] = shape.pad, shape.pad
    if sizes.places > 1:
        return x, draw.integers(0, sizes.at_place, (m, sizes.places))
    return x, draw.integers(0, sizes.outputs, m)


def made(words, rule="bp", backend="numpy", **kw):
    """A float64 net of them with random weights, gains and shifts."""
    return network(words, rule, backend=backend, **kw)


def zeroed(net):
    """Every residual branch adds nothing: what each ends in is 0."""
    for name, p in net.parameters.items():
        if name[0] in "Uc" or name in ("W2.2", "b2.2", "W3.3", "b3.3"):
            p[...] = 0
    return net


def signals(net, x, y):
    return {name: host(net, value) for name, value in net.signals(x, y).items()}
