"""Rules of spiking nets are their formulas, in float64: e-prop by traces is autodiff with the spikes held that other
units and the reset see, its equation 1 is backpropagation through time, and what others send back meets the same
slopes."""

import numpy as np
import pytest
from celllab import begin, gradients, learned, parts, slopes, step
from rulelab import close, host, put
from spikelab import ALIF_WORDS, LIF_WORDS, SPIKING, TINY
from timelab import Y, error, made

import gpufa
from gpufa.net.batch.passes import NOTHING, Pass
from gpufa.net.learning.gradients import Gradients
from gpufa.net.state.clock import Clock

X = np.random.default_rng(5).normal(size=(4, 3, 8))
LAST = ["input 3x8", "{}", "dense 3"]
ALL = ["input 3x8", "{} all", "dense 3"]
READOUT = ["input 3x8", "{} all, lowpass 4 last", "dense 3"]
each = pytest.mark.parametrize("word", SPIKING)
every_way = pytest.mark.parametrize("by", ["traces", "history"])


def arriving(net, layers):
    """What comes to z of every step, (samples, n, time), of a net on NumPy, down through its own weights."""
    down = error(net, X) @ net.parameters["W2"]
    if layers is ALL:
        return down.reshape(4, 4, 8)
    signal = np.zeros((4, 4, 8))
    signal[..., -1] = down
    if layers is READOUT:
        k = np.exp(-1 / 4)
        signal = (1 - k) * k ** np.arange(7, -1, -1) * down[..., None]
    return signal


@every_way
@each
def test_eprop_holds_the_spikes_that_others_and_the_reset_see(word, by, backend):
    """RNN-6, with B = W_L^T; the adaptation's own path is kept, and a leaky readout's kernel filters the traces."""
    for layers in (LAST, ALL, READOUT):
        net, single = made(layers, word, "eprop", {"by": by}, backend), made(layers, word, "bp")
        layer, theta = parts(single)
        put(net, net.feedback["B1"], single.parameters["W2"].T)
        expected = gradients(layer, theta, X, arriving(single, layers), detached=True)
        found = learned(net, X, Y)
        close({n: found[f"{n}1"] for n in theta}, expected, 1e-12)
        close(net.gradients(X, Y), found, 1e-12)
        symmetric = made(layers, word, "eprop", {"by": by, "signal": "symmetric"}, backend)
        close(learned(symmetric, X, Y), found, 1e-12)
        assert not np.diagonal(found["U1"]).any()
    assert np.abs(found["U1"] - single.gradients(X, Y)["U1"]).max() > 1e-5


def total(layer, theta, x, signal):
    """dE/dz_t by all that comes of it but the unit's own adaptation, (n, time)."""
    found = np.zeros(signal.shape)
    for at in np.ndindex(signal.shape):
        state = begin(layer)
        for t in range(x.shape[1]):
            moved = np.array(state[0], complex)
            moved[at[0]] += 1j * TINY * (t == at[1] + 1)
            state = step(layer, theta, state, moved, x[:, t])
            found[at] += (signal[:, t] * state[0].imag / TINY).sum()
    return found + signal


@each
def test_equation_1_is_backprop_through_time(word):
    """dE/dW = sum over t of dE/dz_t trace_t, by the traces of the layer, with the whole derivative as learning
    signal."""
    net, bp = made(ALL, word, "eprop"), made(ALL, word, "bp")
    layer, theta = parts(bp)
    whole = [total(layer, theta, x, own) for x, own in zip(X, arriving(bp, ALL), strict=True)]
    p, arena = Pass(net, 4, NOTHING, Clock(net.backend, 1, 1, net.dtype)), net.new_arena()
    net.backend.targets(Y, out=p.y)
    p.evaluate(net.rule.forward, X.reshape(4, -1))
    p.send(2, p.e)
    p.send(1, np.moveaxis(np.array(whole), 0, -1).reshape(1, 32, 4))
    grads = Gradients(arena, [(1 / 4, net.sizes.every)], extras=list(net.extras))
    grads.layers_of(p)
    grads.finish()
    expected = bp.gradients(X, Y)
    close({n: host(net, arena[f"{n}1"])[0] for n in theta}, {n: expected[f"{n}1"] for n in theta}, 1e-11)


@pytest.mark.parametrize("wrong", ["diagonal", "adaptation", "reset", "refractory"])
def test_a_wrong_trace_would_be_seen(wrong):
    """The likeliest mistakes make slopes that differ from the tests' by more than rounding."""
    layer, theta = parts(made(LAST, ALIF_WORDS[1] if wrong != "adaptation" else ALIF_WORDS[0], "bp"))
    signal = np.random.default_rng(2).normal(size=(4, 4, 8))
    right = gradients(layer, theta, X, signal, detached=True)
    if wrong == "diagonal":
        other = {"U": sum(np.tensordot(own[:, t], slope, 1) / 4 for x, own in zip(X, signal, strict=True)
                          for t, slope in enumerate(slopes(layer, theta, x, detached=True)["U"]))}  # fmt: skip
    elif wrong == "reset":
        other = gradients(layer, theta, X, signal)
    else:
        change = {"adaptation": {"beta": 0.3}, "refractory": {"refractory": 0.0}}[wrong]
        other = gradients(type(layer)(**{**vars(layer), **change}), theta, X, signal, detached=True)
    assert np.abs(right["U"] - other["U"]).max() > 1e-3


def test_rules_that_know_no_time_refuse_spiking_units():
    with pytest.raises(gpufa.InvalidValue, match="rule 'weight_mirror' sends noise through each matrix by itself"):
        made(LAST, LIF_WORDS[0], "weight_mirror")
