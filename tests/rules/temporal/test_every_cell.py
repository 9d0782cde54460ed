"""What rules through time come to alike for every kind of recurrent layer, spiking ones among them, in float64."""

import numpy as np
import pytest
from celllab import WORDS, begin, gradients, hollowed, jacobians, parts, step
from rulelab import close, host, put
from spikelab import SPIKING
from timelab import Y, error, made

X = np.random.default_rng(5).normal(size=(4, 3, 8))
LAST = ["input 3x8", "{}", "dense 3"]
ALL = ["input 3x8", "{} all", "dense 3"]
READOUT = ["input 3x8", "{} all, lowpass 4 last", "dense 3"]
STACK = ["input 3x8", "{} all", "{}", "dense 3"]
each = pytest.mark.parametrize("word", [*WORDS, *SPIKING])


@each
def test_real_time_recurrent_learning_is_backprop_through_time(word):
    """RNN-1: the influence of every parameter on the states, carried forward exactly."""
    net = made(LAST, word, "bp")
    layer, theta = parts(net)
    signal, found = error(net, X) @ net.parameters["W2"], {name: np.zeros(p.shape) for name, p in theta.items()}
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
def test_direct_feedback_goes_to_every_step_and_nothing_back_in_time(word, places, backend):
    for layers in (LAST, ALL):
        net, single = made(layers, word, "dfa", {"places": places}, backend), made(layers, word, "bp")
        layer, theta = parts(single)
        signal = error(single, X) @ host(net, net.feedback["B1"]).T
        signal = signal.reshape(4, 4, 8) if places == "each" else np.repeat(signal[..., None], 8, axis=2)
        found, expected = net.gradients(X, Y), gradients(layer, theta, X, signal, cut=1, detached=True)
        close({name: found[f"{name}1"] for name in theta}, expected, 1e-12)


@each
@pytest.mark.parametrize("layers", [STACK, READOUT])
def test_feedback_alignment_by_the_true_matrices_is_backprop_through_time(word, layers, backend):
    """Another B for U alone is not."""
    net, bp = made(layers, word, "fa", backend=backend), made(layers, word, "bp")
    pairs = {"BU0": "U1", "B1": "W2"} | ({"BU1": "U2", "B2": "W3"} if layers is STACK else {})
    assert net.feedback.keys() == pairs.keys()
    for name, of in pairs.items():
        put(net, net.feedback[name], bp.parameters[of].T)
    close(net.gradients(X, Y), bp.gradients(X, Y), 1e-13)
    put(net, net.feedback["BU0"], bp.parameters["U1"].T * 1.5)
    assert np.abs(net.gradients(X, Y)["W1"] - bp.gradients(X, Y)["W1"]).max() > 1e-4


@each
def test_kolen_pollack_teaches_the_feedback_of_recurrent_weights(word):
    net = made(LAST, word, "kp")
    found = net.gradients(X, Y)
    np.testing.assert_allclose(found["BU0"], found["U1"].T, rtol=1e-13)
    np.testing.assert_allclose(found["B1"], found["W2"].T, rtol=1e-13)


@each
@pytest.mark.parametrize("layers", [LAST, READOUT])
def test_adaptive_feedback_learns_as_direct_kolen_pollack(word, layers):
    net = made(layers, word, "eprop", {"signal": "adaptive"})
    found, e, h = net.gradients(X, Y), error(net, X), net.signals(X, Y)["h1"]
    np.testing.assert_allclose(found["B1"], h.T @ e / 4, rtol=1e-13)
    assert "B1" not in made(layers, word, "eprop").gradients(X, Y)


@each
def test_frozen_units_learn_nothing_and_the_readout_as_ever(word):
    net, bp = made(READOUT, word, "shallow"), made(READOUT, word, "bp")
    found, expected = net.gradients(X, Y), bp.gradients(X, Y)
    close(found, expected, 1e-13, names=("W2", "b2"))
    assert not found.get("U1", np.zeros(1)).any()
