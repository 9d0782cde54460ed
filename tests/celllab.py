"""Recurrent layers as their formulas say, sample by sample: what they do, and how that hangs on a parameter, by complex
steps.

f(x + ih) has i h f'(x) in it to the last digit, so that these are derivatives to rounding, by no code of gpufa.
"""

import numpy as np
from rulelab import host
from spikelab import spiking_step

from gpufa.layers.time.recurrent import GRU, LSTM
from gpufa.layers.time.spiking import LIF
from gpufa.net.batch.passes import NOTHING, Pass
from gpufa.net.learning.gradients import Gradients
from gpufa.net.state.clock import Clock

WORDS = ["recurrent 4", "recurrent 4 leaky 0.3", "recurrent 4 leaky 0.6 logistic", "gru 4", "lstm 4"]
TINY = 1e-30
FUNCTIONS = {"tanh": np.tanh, "logistic": lambda a: 1 / (1 + np.exp(-a)), "identity": lambda a: a}


def step(layer, theta, state, held, x):
    """The state behind a step, h first, of the state before it, of h as U reads it, and of x, (channels,)."""
    if isinstance(layer, LIF):
        return spiking_step(layer, theta, state, held, x)
    a, u = theta["W"] @ x + theta["b"], theta["U"] @ held
    f, n = FUNCTIONS["logistic"], layer.n
    if isinstance(layer, GRU):
        an, ar, az = a.reshape(3, n)
        ur, uz, un = u.reshape(3, n)
        r, z = f(ar + ur), f(az + uz)
        candidate = np.tanh(an + r * (un + theta["c"]))
        return ((1 - z) * candidate + z * state[0],)
    if isinstance(layer, LSTM):
        i, f_, g, o = (a + u).reshape(4, n)
        c = f(f_) * state[1] + f(i) * np.tanh(g)
        return f(o) * np.tanh(c), c
    return ((1 - layer.leaky) * state[0] + layer.leaky * FUNCTIONS[layer.f](a + u),)


def begin(layer):
    """States of zero."""
    return (np.zeros(layer.n),) * layer.rows.states


def states(layer, theta, x, detached=False, cut=0):
    """h behind each step of x, (channels, time): [(n,), ...]. `detached`, U reads h without what it hangs on; with
    `cut` nothing hangs on what was so many steps ago, in stretches from the first step on."""
    state, found = begin(layer), []
    for t in range(x.shape[1]):
        if cut and t and t % cut == 0:
            state = tuple(one.real for one in state)
        state = step(layer, theta, state, state[0].real if detached else state[0], x[:, t])
        found.append(state[0])
    return found


def slopes(layer, theta, x, **how):
    """By parameter, dh_t/dtheta, [(n, *shape), ...] by step."""
    found = {}
    for name, p in theta.items():
        found[name] = [np.empty((layer.n, *p.shape)) for _ in range(x.shape[1])]
        for at in np.ndindex(p.shape):
            moved = {**theta, name: p.astype(complex)}
            moved[name][at] += 1j * TINY
            for own, h in zip(found[name], states(layer, moved, x, **how), strict=True):
                own[(slice(None), *at)] = h.imag / TINY
    return found


def gradients(layer, theta, x, signal, **how):
    """The mean over samples of the sum over steps of signal_t dh_t/dtheta: x is (samples, channels, time), and signal,
    (samples, n, time), what arrives at each h_t from above."""
    found = {name: np.zeros(p.shape) for name, p in theta.items()}
    for one, own in zip(x, signal, strict=True):
        for name, every in slopes(layer, theta, one, **how).items():
            for t, slope in enumerate(every):
                found[name] += np.tensordot(own[:, t], slope, 1) / len(x)
    return hollowed(layer, found)


def hollowed(layer, found):
    """Spiking units learn no weight to themselves."""
    if isinstance(layer, LIF):
        np.fill_diagonal(found["U"], 0)
    return found


def jacobians(layer, theta, state, x):
    """(ds/ds0, {name: ds/dtheta}) of one step, states one behind the other."""

    def after(theta, state):
        return np.concatenate(step(layer, theta, state, state[0], x))

    flat, n = np.concatenate(state).astype(complex), layer.n
    down = []
    for i in range(len(flat)):
        moved = flat.copy()
        moved[i] += 1j * TINY
        down.append(after(theta, tuple(moved.reshape(-1, n))).imag / TINY)
    own = {}
    for name, p in theta.items():
        columns = []
        for at in np.ndindex(p.shape):
            moved = {**theta, name: p.astype(complex)}
            moved[name][at] += 1j * TINY
            columns.append(after(moved, state).imag / TINY)
        own[name] = np.array(columns).T
    return np.array(down).T, own


def parts(net, k=1):
    """Block k's recurrent layer and its parameters by their own names, as the formulas have them."""
    layer = next(layer for layer, _ in net.sizes.walk(k) if layer.timed)
    return layer, {name[: -len(f"{k}")]: np.array(p) for name, p in net.parameters.items() if name[1:] == f"{k}"}


def learned(net, x, y):
    """What a step of training hands the optimizer, by name, mean over samples: where rules carry traces, by these."""
    p, grads = Pass(net, len(x), NOTHING, Clock(net.backend, 1, 1, net.dtype)), net.new_arena()
    net.backend.targets(net.backend.to_device(y), out=p.y)
    p.evaluate(net.rule.forward, net.backend.to_device(x.reshape(len(x), -1)))
    sums = Gradients(grads, [(1 / p.m, net.sizes.every)], extras=list(net.extras))
    net.rule.gradients(p, sums)
    sums.finish()
    return {name: host(net, g)[0] for name, g in grads.items()}
