"""What tests of targets are made of: nets of several activations, passed through in plain NumPy."""

import numpy as np
from rulelab import network, put

from gpufa.basics.random import Generator, Purpose
from gpufa.functions.activations import ACTIVATIONS
from gpufa.rules.targets.dni import DNI

SIZES, NAMES = [5, 6, 4, 5, 3], ["tanh", "gelu", "logistic"]
MODELS = [DNI(), DNI(width=7), DNI(conditional=False), DNI(conditional=False, width=7)]


def value(name, a):
    h = np.empty_like(a)
    ACTIVATIONS[name].value(a.copy(), h)
    return h


def slope(name, a):
    """f'(a)."""
    row, g = ACTIVATIONS[name], np.empty_like(a)
    row.derivative(a if row.of == "a" else value(name, a), g, np.empty_like(a))
    return g


def bumped(net, scale=0.5):
    """The net with random numbers in the rule's own parameters too."""
    draw = np.random.default_rng(2)
    for name in net.extras:
        p = net.parameters[name]
        put(net, p, draw.normal(0, scale / np.sqrt(p.shape[-1]), p.shape))
    return net


def lab(rule, loss="cross_entropy", backend="numpy"):
    return bumped(network(SIZES, rule, NAMES, loss, backend))


def forward(P, x, names, mask=None):
    """a_k, h_k and what is sent on, lists by layer, of samples in columns."""
    a, h, sent = [None], [x.T], [x.T]
    for k in range(1, len(names) + 2):
        a.append(P[f"W{k}"] @ sent[-1] + P[f"b{k}"][:, None])
        h.append(value(names[k - 1], a[k]) if k <= len(names) else a[k])
        sent.append(h[k] * mask[k] if mask and k <= len(names) else h[k])
    return a, h, sent


def softmax_error(a, y):
    yhat = np.exp(a - a.max(0))
    return yhat / yhat.sum(0) - np.eye(len(a))[y].T


def unit_by_unit(P, x, y, names, model):
    """delta_k by layer of one sample after the other, given model(a, h, e, y) of one sample."""
    L = len(names) + 1
    delta = {k: np.empty((len(P[f"b{k}"]), len(x))) for k in range(1, L + 1)}
    for i, (sample, label) in enumerate(zip(x, y, strict=True)):
        a, h, _ = forward(P, sample[None], names)
        e = softmax_error(a[L], [label])
        delta[L][:, i] = e[:, 0]
        for k, dLdh in model(h, e, np.eye(len(e))[:, [label]]).items():
            for j in range(len(dLdh)):
                delta[k][j, i] = dLdh[j, 0] * slope(names[k - 1], a[k])[j, 0]
    return delta


def weight_gradients(delta, h):
    found = {}
    for k, d in delta.items():
        found[f"W{k}"], found[f"b{k}"] = d @ h[k - 1].T / d.shape[1], d.mean(1)
    return found


def noise(shape, k, deviation, seed=0, step=0):
    return Generator().fill("normal", np.empty(shape), seed, Purpose.RULE, stream=k, step=step, scale=deviation)


def predicted(P, k, h, one_hot):
    """M_k(h, y), samples in columns."""
    u = P[f"A{k}"] @ h + P[f"c{k}"][:, None]
    if f"C{k}" in P:
        u = u + P[f"C{k}"] @ one_hot
    return P[f"U{k}"] @ np.maximum(u, 0) + P[f"d{k}"][:, None] if f"U{k}" in P else u
