"""Rows of one's own, one of each kind, all right."""

import numpy as np

from gpufa import Activation, Initialiser, Loss, Optimizer, Schedule


def cube(a, h):
    np.multiply(a * a, a, out=h)


def cube_slope(a, g, t):
    np.multiply(a, 3 * a, out=g)


def identity(a, yhat):
    yhat[...] = a


def huber(a, y, value, t):
    far = abs(a - y)
    value[...] = np.where(far > 1, far - 0.5, 0.5 * far**2).sum(axis=-2)


def huber_error(a, y, e):
    np.clip(a - y, -1, 1, out=e)


def signed(p, g, states, t, c):
    p -= c.lr * np.sign(g)


def uniform(w, seed, layer, scale):
    w[...] = np.random.default_rng([seed, layer]).uniform(-0.1, 0.1, w.shape)


CUBE = Activation("cube", "a", cube, cube_slope)
HUBER = Loss("huber", identity, huber, error=huber_error)
SIGNED = Optimizer("signed", (), signed, lr=0.01)
HALVE = Schedule("halve", lambda p: 0.5 ** (p.step / p.per_epoch))
SMALL = Initialiser("small", uniform)
OWN = CUBE, HUBER, SIGNED, HALVE, SMALL
