"""Filters on windows along any axes as naive loops over one sample, their kernels shared among places or not."""

import math

import numpy as np
from convlab import layer_of

from gpufa.layers import Local2d

# Words, and the shape that they are tried on.
ALONG = [
    ("conv1d 4 3", (2, 7)),
    ("conv1d 4 4", (2, 6)),
    ("conv1d 3 5", (1, 3)),
    ("conv1d 4 3 stride 2", (2, 8)),
    ("conv1d 4 2 stride 3 pad 2", (3, 9)),
    ("conv1d 4 3 pad valid", (3, 5)),
    ("conv1d 4 2 dilation 3", (2, 6)),
    ("conv1d 6 3 groups 3", (3, 5)),
    ("conv1d 4 3 stride 2 pad 3 dilation 2 groups 2 nobias", (4, 6)),
    ("conv1d 5 1", (3, 4)),
]
UNTIED = [
    ("local 4 3x3", (2, 4, 5)),
    ("local 4 2x4", (2, 5, 3)),
    ("local 3 5x5", (1, 3, 4)),
    ("local 4 3x2 stride 2", (2, 6, 7)),
    ("local 4 3x3 stride 2x3 pad 1", (2, 7, 8)),
    ("local 4 3x3 pad valid", (3, 5, 4)),
    ("local 4 3x2 dilation 2", (2, 4, 3)),
    ("local 6 3x3 groups 3", (3, 4, 3)),
    ("local 4 3x3 stride 2 pad 3 dilation 2x1 groups 2 nobias", (4, 4, 5)),
    ("local 5 1x1", (3, 4, 3)),
    ("local 5 3x4 pad valid", (3, 3, 4)),
]
TIMES = [
    *(("pool 2", (2, 6)), ("pool 2", (2, 5)), ("pool 3 stride 2", (3, 8)), ("mean pool 2", (2, 5))),
    *(("mean pool 3 stride 1", (2, 6)), ("global mean", (3, 4)), ("flatten", (2, 3))),
]


def each(value, axes):
    return value if isinstance(value, tuple) else (value,) * axes


def zeros_before(layer, kernel, dilation):
    """How many in front, and in all, along each axis."""
    if layer.pad == "same":
        return [(d * (k - 1) // 2, d * (k - 1)) for k, d in zip(kernel, dilation, strict=True)]
    return [(n, 2 * n) for n in each(0 if layer.pad == "valid" else layer.pad, len(kernel))]


def taps(layer, W, x):
    """Shape of the output, and each (unit, place in W, place in x) of the sum."""
    axes = x.ndim - 1
    kernel, stride, dilation = W.shape[-axes:], each(layer.stride, axes), each(layer.dilation, axes)
    zeros = zeros_before(layer, kernel, dilation)
    out = [
        (n + z[1] - d * (k - 1) - 1) // s + 1
        for n, z, d, k, s in zip(x.shape[1:], zeros, dilation, kernel, stride, strict=True)
    ]
    channels, found = W.shape[-axes - 1], []
    for f, *place in np.ndindex(len(W), *out):
        for c, *tap in np.ndindex(channels, *kernel):
            at = [i * s + p * d - z[0] for i, s, p, d, z in zip(place, stride, tap, dilation, zeros, strict=True)]
            if all(0 <= i < n for i, n in zip(at, x.shape[1:], strict=True)):
                own = (f, *place) if isinstance(layer, Local2d) else (f,)
                found.append(((f, *place), (*own, c, *tap), (f // (len(W) // layer.groups) * channels + c, *at)))
    return (len(W), *out), found


def up(layer, W, b, x):
    shape, found = taps(layer, W, x)
    a = np.zeros(shape)
    for unit, tap, place in found:
        a[unit] += W[tap] * x[place]
    return a + (b.reshape(shape) if isinstance(layer, Local2d) else b.reshape(-1, *[1] * (len(shape) - 1)))


def down(layer, W, x, delta):
    """(dW, the signal at x) of the signal at a."""
    dW, below = np.zeros(W.shape), np.zeros(x.shape)
    for unit, tap, place in taps(layer, W, x)[1]:
        dW[tap] += delta[unit] * x[place]
        below[place] += delta[unit] * W[tap]
    return dW, below


def biases(layer, delta):
    """The gradient of b of a signal over places."""
    return delta.ravel() if isinstance(layer, Local2d) else delta.reshape(len(delta), -1).sum(1)


def pooled(word, x, delta):
    """What a pool makes of x along time, and the signal at x."""
    layer = layer_of(word)
    size = x.shape[1] if word == "global mean" else layer.size
    step = size if word == "global mean" or layer.stride is None else layer.stride
    y, below = np.zeros((len(x), (x.shape[1] - size) // step + 1)), np.zeros(x.shape)
    for c, t in np.ndindex(*y.shape):
        seen = x[c, t * step : t * step + size]
        y[c, t] = seen.max() if layer.word == "pool" else seen.sum() / size
        share = np.arange(size) == seen.argmax() if layer.word == "pool" else np.full(size, 1 / size)
        below[c, t * step : t * step + size] += delta.reshape(y.shape)[c, t] * share
    return y, below


def repeated(net, kernel, k=1):
    """One kernel, (filters, channels, height, width), at every place of block k's untied ones."""
    places = net.sizes.shapes[k][1:]
    return np.broadcast_to(kernel[:, None, None], (len(kernel), *places, *kernel.shape[1:])), math.prod(places)
