"""Rules of spiking nets are their formulas, in float64: e-prop by traces is autodiff with the spikes held that other
units and the reset see, its equation 1 is backpropagation through time, and what others send back meets the same
slopes."""

import numpy as np
import pytest
from celllab import begin, gradients, hollowed, jacobians, learned, parts, slopes, step
from rulelab import close, host, network, put
from spikelab import ALIF_WORDS, LIF_WORDS, SPIKING, TINY

import gpufa
from gpufa.net.clock import Clock
from gpufa.net.gradients import Gradients
from gpufa.net.passes import NOTHING, Pass
from gpufa.rules import make_rule

X = np.random.default_rng(5).normal(size=(4, 3, 8))
Y = np.array([0, 2, 1, 1])
LAST = ["input 3x8", "{}", "dense 3"]
ALL = ["input 3x8", "{} all", "dense 3"]
READOUT = ["input 3x8", "{} all, lowpass 4 last", "dense 3"]
each = pytest.mark.parametrize("word", SPIKING)
every_way = pytest.mark.parametrize("by", ["traces", "history"])


def made(layers, word, rule, options=None, backend="numpy", **kw):
    return network([text.format(word) for text in layers], make_rule(rule, options or {}), backend=backend, **kw)


def error(net):
    return net.predict(X) - np.eye(3)[Y]


def arriving(net, layers):
    """What comes to z of every step, (samples, n, time), of a net on NumPy, down through its own weights."""
    down = error(net) @ net.parameters["W2"]
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


@each
def test_real_time_recurrent_learning_is_backprop_through_time(word):
    """RNN-1."""
    net = made(LAST, word, "bp")
    layer, theta = parts(net)
    signal, found = error(net) @ net.parameters["W2"], {name: np.zeros(p.shape) for name, p in theta.items()}
    for x, own in zip(X, signal, strict=True):
        state = begin(layer)
        M = {name: np.zeros((layer.n * len(state), p.size)) for name, p in theta.items()}
        for t in range(8):
            J, local = jacobians(layer, theta, state, x[:, t])
            M = {name: J @ M[name] + local[name] for name in M}
            state = step(layer, theta, state, state[0], x[:, t])
        for name, p in theta.items():
            found[name] += (own @ M[name][: layer.n]).reshape(p.shape) / len(X)
    own = net.gradients(X, Y)
    close({name: own[f"{name}1"] for name in theta}, hollowed(layer, found), 1e-12)


@each
@pytest.mark.parametrize("places", ["each", "shared"])
def test_direct_feedback_meets_each_step_alone(word, places, backend):
    for layers in (LAST, ALL):
        net, single = made(layers, word, "dfa", {"places": places}, backend), made(layers, word, "bp")
        layer, theta = parts(single)
        signal = error(single) @ host(net, net.feedback["B1"]).T
        signal = signal.reshape(4, 4, 8) if places == "each" else np.repeat(signal[..., None], 8, axis=2)
        found, expected = net.gradients(X, Y), gradients(layer, theta, X, signal, cut=1, detached=True)
        close({name: found[f"{name}1"] for name in theta}, expected, 1e-12)


@each
def test_feedback_alignment_by_the_true_matrices_is_backprop_through_time(word, backend):
    net, bp = made(READOUT, word, "fa", backend=backend), made(READOUT, word, "bp")
    put(net, net.feedback["BU0"], bp.parameters["U1"].T)
    put(net, net.feedback["B1"], bp.parameters["W2"].T)
    close(net.gradients(X, Y), bp.gradients(X, Y), 1e-13)
    put(net, net.feedback["BU0"], bp.parameters["U1"].T * 1.5)
    assert np.abs(net.gradients(X, Y)["W1"] - bp.gradients(X, Y)["W1"]).max() > 1e-4


@each
def test_kolen_pollack_teaches_the_feedback_of_recurrent_weights(word):
    net = made(LAST, word, "kp")
    found = net.gradients(X, Y)
    np.testing.assert_allclose(found["BU0"], found["U1"].T, rtol=1e-13)
    np.testing.assert_allclose(found["B1"], found["W2"].T, rtol=1e-13)


@pytest.mark.parametrize("word", [LIF_WORDS[0], ALIF_WORDS[1]])
def test_adaptive_feedback_learns_as_direct_kolen_pollack(word):
    net = made(READOUT, word, "eprop", {"signal": "adaptive"})
    found, e, h = net.gradients(X, Y), error(net), net.signals(X, Y)["h1"]
    np.testing.assert_allclose(found["B1"], h.T @ e / 4, rtol=1e-13)


@each
def test_frozen_units_learn_nothing_and_the_readout_as_ever(word):
    net, bp = made(READOUT, word, "shallow"), made(READOUT, word, "bp")
    found, expected = net.gradients(X, Y), bp.gradients(X, Y)
    close(found, expected, 1e-13, names=("W2", "b2"))
    assert not found.get("U1", np.zeros(1)).any()


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
