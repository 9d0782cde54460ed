"""Convolution and pooling as naive loops over one sample, (channels, height, width), and nets of them."""

import numpy as np
from rulelab import host

from gpufa.backends.cpu.machine import convolution, pools
from gpufa.layers import block

# Words, and the shape that they are tried on: odd and even kernels, strides with something left over, zeros about.
CONVS = [
    ("conv 4 3x3", (2, 6, 5)),
    ("conv 4 2x4", (2, 5, 6)),
    ("conv 3 5x5", (1, 3, 4)),
    ("conv 4 3x2 stride 2", (2, 6, 7)),
    ("conv 4 3x3 stride 2x3 pad 1", (2, 7, 8)),
    ("conv 4 3x3 pad valid", (3, 5, 4)),
    ("conv 4 2x2 pad 2x1", (2, 3, 4)),
    ("conv 4 3x2 dilation 2", (2, 6, 5)),
    ("conv 6 3x3 groups 3", (3, 4, 5)),
    ("conv 4 3x3 stride 2 pad 3 dilation 2x1 groups 2 nobias", (4, 6, 5)),
    ("conv 5 1x1", (3, 4, 3)),
]
POOLS = [
    ("pool 2", (2, 4, 6)),
    ("pool 2", (2, 5, 5)),
    ("pool 3 stride 2", (3, 6, 8)),
    ("pool 2x3 stride 1x2", (2, 4, 8)),
    ("pool 2 stride 3", (2, 6, 7)),
    ("mean pool 2", (2, 4, 5)),
    ("mean pool 3x2 stride 2x1", (2, 6, 5)),
    ("global mean", (3, 3, 4)),
    ("flatten", (2, 3, 2)),
]


def layer_of(word):
    return block(word).layers[0]


def zeros_about(layer, kernel, dilation):
    """How many above and to the left of the maps, and how many below and to the right."""
    if layer.pad == "same":  # the middle of the kernel, the first of two, goes over every place
        total = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        return [(n // 2, n - n // 2) for n in total]
    both = (0, 0) if layer.pad == "valid" else two(layer.pad)
    return [(n, n) for n in both]


def two(value):
    return value if isinstance(value, tuple) else (value, value)


def conv_up(layer, W, b, x):
    """a[f, i, j] = b[f] + the sum of W[f, c, p, q] x[c, i s + p d - z, j s + q d - z]."""
    F, channels, *kernel = W.shape
    (s, t), (d, e) = two(layer.stride), two(layer.dilation)
    (top, bottom), (left, right) = zeros_about(layer, kernel, (d, e))
    height = (x.shape[1] + top + bottom - d * (kernel[0] - 1) - 1) // s + 1
    width = (x.shape[2] + left + right - e * (kernel[1] - 1) - 1) // t + 1
    a = np.zeros((F, height, width))
    for f, i, j, c, p, q in np.ndindex(F, height, width, channels, *kernel):
        row, column, own = i * s + p * d - top, j * t + q * e - left, f // (F // layer.groups) * channels + c
        if 0 <= row < x.shape[1] and 0 <= column < x.shape[2]:
            a[f, i, j] += W[f, c, p, q] * x[own, row, column]
    return a + b[:, None, None]


def conv_down(layer, W, x, delta):
    """(dW, the signal at x) of the signal at a, by the same sum."""
    F, channels, *kernel = W.shape
    (s, t), (d, e) = two(layer.stride), two(layer.dilation)
    (top, _), (left, _) = zeros_about(layer, kernel, (d, e))
    dW, down = np.zeros(W.shape), np.zeros(x.shape)
    for f, i, j, c, p, q in np.ndindex(*delta.shape, channels, *kernel):
        row, column, own = i * s + p * d - top, j * t + q * e - left, f // (F // layer.groups) * channels + c
        if 0 <= row < x.shape[1] and 0 <= column < x.shape[2]:
            dW[f, c, p, q] += delta[f, i, j] * x[own, row, column]
            down[own, row, column] += delta[f, i, j] * W[f, c, p, q]
    return dW, down


def pool(layer, x, delta=None):
    """What the pool makes of x and, of a signal there, the signal at x."""
    name, size = layer.word, two(getattr(layer, "size", x.shape[1:]))
    s, t = two(getattr(layer, "stride", None) or size)
    y = np.zeros((len(x), (x.shape[1] - size[0]) // s + 1, (x.shape[2] - size[1]) // t + 1))
    down = np.zeros(x.shape)
    for c, i, j in np.ndindex(*y.shape):
        places = [(c, i * s + p, j * t + q) for p in range(size[0]) for q in range(size[1])]
        values = [x[place] for place in places]
        y[c, i, j] = max(values) if name == "pool" else sum(values) / len(values)
        for n, place in enumerate(places):
            first = n == values.index(max(values))
            share = (1.0 if first else 0.0) if name == "pool" else 1 / len(places)
            down[place] += 0 if delta is None else share * delta[c, i, j]
    return y, down


class Standing:
    """A pass for a layer alone, on random parameters, with R replicas of m samples; `x` (R, *shape, m)."""

    def __init__(self, net, word, shape, x):
        from itertools import count

        from gpufa.layers.protocol.layer import At

        self.net, self.layer, self.shape = net, layer_of(word), shape
        p, m, R = net.pass_for(x.shape[-1]), x.shape[-1], len(net.seeds)
        draw = np.random.default_rng(5)
        made = {f"{name}9": draw.normal(size=(R, *one.shape)) for name, one in self.layer.parameters(shape).items()}
        self.w = {name[0]: array for name, array in made.items()}
        out = self.layer.out(shape)
        self.delta = draw.normal(size=(R, *out, m))
        y, delta = (net.backend.zeros((R, int(np.prod(out)), m), net.dtype) for _ in range(2))
        arrays = {name: net.backend.to_device(array, net.dtype) for name, array in made.items()}
        self.at = At(self.layer, p, shape, arrays, iter("9"), count(), y, delta, f"{word} alone")
        delta[...] = net.backend.to_device(self.delta.reshape(R, -1, m), net.dtype)
        flat = x.reshape(*x.shape[: -1 - len(shape)], -1, m)
        self.at.x = net.backend.to_device(flat, net.dtype)
        self.out, self.m, self.R = out, m, R

    def up(self):
        self.layer.forward(self.at)
        return host(self.net, self.at.y).reshape(self.R, *self.out, self.m)

    def down(self, carriers=None):
        signal = self.layer.pull(self.at, carriers)
        assert signal.matrix is None
        return host(self.net, signal.signal).reshape(self.R, *self.shape, self.m)


class Handed(dict):
    """What the layer that stands there hands over, on the host."""

    def __init__(self, at):
        super().__init__()
        self.net, self.w = at.net, at.at.parameters
        at.layer.gradients(at.at, self)

    def filters(self, name, maps):
        into = self.net.backend.zeros(self.w[name].shape, self.net.dtype)
        self.net.backend.filter_gradient(maps, out=into)
        self[name] = host(self.net, into)

    def sums(self, name, delta):
        self[name] = host(self.net, delta).sum(-1)


def by_columns(monkeypatch):
    """From here on NumPy does all by itself, as where there is no compiler."""
    monkeypatch.setattr(convolution, "convolver", lambda dtype: None)
    monkeypatch.setattr(pools, "pooler", lambda dtype: None)
