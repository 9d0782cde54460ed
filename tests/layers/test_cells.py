"""Recurrent layers: what they make of their input, their gradient through time, and what they say of themselves."""

from functools import partial

import numpy as np
import pytest
from celllab import WORDS, gradients, parts, states
from rulelab import close, gradients_are_slopes, host, network, replicas_are_single_runs, trainer

import gpufa
from gpufa.layers import GRU, LSTM, Recurrent, block

X = np.random.default_rng(0).normal(size=(4, 3, 5))
Y = np.array([0, 2, 1, 1])
each = pytest.mark.parametrize("word", WORDS)


def net_of(word, rule="bp", **kw):
    return network(["input 3x5", word, "dense 3"], rule, **kw)


def error(net, h):
    """e of (samples, n)."""
    a = np.exp(h @ net.parameters["W2"].T + net.parameters["b2"])
    return a / a.sum(1, keepdims=True) - np.eye(3)[Y]


@each
def test_what_goes_on_is_the_formulas(word, backend):
    for every in (False, True):
        layers = ["input 3x5", f"{word} all" if every else word, "dense 3"]
        net, single = network(layers, "bp", backend=backend), network(layers, "bp")
        layer, theta = parts(single)
        by_sample = [np.array(states(layer, theta, x)).T for x in X]
        found = net.signals(X, Y)["h1"]
        expected = [h.ravel() if every else h[:, -1] for h in by_sample]
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
        np.testing.assert_array_equal(found, net.signals(X.reshape(4, 15), Y)["h1"])


@each
def test_backprop_goes_back_through_all_steps(word, backend):
    net, single = net_of(word, backend=backend), net_of(word)
    layer, theta = parts(single)
    signal = np.zeros((4, 4, 5))
    signal[..., -1] = error(single, single.signals(X, Y)["h1"]) @ single.parameters["W2"]
    found = net.gradients(X, Y)
    close({name: found[f"{name}1"] for name in theta}, gradients(layer, theta, X, signal), 1e-12)


@each
def test_a_signal_at_every_step_is_added_on_the_way_back(word, backend):
    net = network(["input 3x5", f"{word} all", "dense 3"], "bp", backend=backend)
    layer, theta = parts(network(["input 3x5", f"{word} all", "dense 3"], "bp"))
    found, p = net.gradients(X, Y), net.pass_for(4)
    signal = np.moveaxis(host(net, p.delta[1])[0].reshape(4, 5, 4), -1, 0)
    assert (np.abs(signal).max(axis=(0, 1)) > 1e-3).all()
    close({name: found[f"{name}1"] for name in theta}, gradients(layer, theta, X, signal), 1e-12)


@each
@pytest.mark.parametrize("window", [1, 2, 4])
def test_truncated_backprop_goes_back_through_so_many_steps(word, window, backend):
    settings = {"rule": gpufa.rules.make_rule("bp", {"truncate": window}), "backend": backend}
    net, single = net_of(word, **settings), net_of(word)
    layer, theta = parts(single)
    signal = np.zeros((4, 4, 5))
    signal[..., -1] = error(single, single.signals(X, Y)["h1"]) @ single.parameters["W2"]
    found = {name: net.gradients(X, Y)[f"{name}1"] for name in theta}
    close(found, gradients(layer, theta, X, signal, cut=window), 1e-12)
    assert np.abs(found["W"] - single.gradients(X, Y)["W1"]).max() > 1e-4
    close(net.backprop_signals(X, Y), single.backprop_signals(X, Y), 1e-12)  # which is never truncated


def test_a_window_of_the_whole_sequence_is_backprop():
    whole = net_of("lstm 4", rule=gpufa.rules.make_rule("bp", {"truncate": 5}))
    close(whole.gradients(X, Y), net_of("lstm 4").gradients(X, Y), 0)


@each
def test_layers_stand_on_each_other_and_hand_their_errors_down(word):
    """Of two in one block, and in a block each: the slope of the loss."""
    for layers in (
        [f"{word} all, {word}"],
        [f"{word} all", word],
        [f"turn, {word} all", f"turn, {word}, dense 4 tanh"],
    ):
        gradients_are_slopes(network(["input 3x5", *layers, "dense 3"], "bp"), X, Y)


@each
@pytest.mark.parametrize("rule", ["bp", "fa", "kp", "usf", "dfa", "rflo", "eprop", "decolle"])
@pytest.mark.filterwarnings("error")
def test_replicas_are_single_runs_and_the_backends_agree(word, rule, backend):
    """Nothing may be allocated in a recorded step."""
    if rule == "rflo" and word[0] in "gl":
        pytest.skip("of no gates")
    data = gpufa.Data(np.tile(X.reshape(4, 15), (8, 1)), np.tile(Y, 8), X.reshape(4, 15), Y)
    settings = {"hidden": None, "layers": ("input 3x5", f"{word} all", word), "rule": rule, "optimizer": "momentum"}
    settings |= {"lr": 0.05, "init": "uniform", "weight_decay": 0.0}
    replicas_are_single_runs(partial(trainer, data, **settings), backend)


def test_parameters_are_named_shaped_and_start_by_their_laws():
    net = gpufa.Network(["input 3x5", "lstm 40 all", "gru 20", "dense 3"], rule="bp", backend="numpy")
    shapes = {"W1": (160, 3), "U1": (160, 40), "b1": (160,), "W2": (60, 40), "U2": (60, 20), "b2": (60,), "c2": (20,)}
    assert {name: p.shape for name, p in net.parameters.items() if name[1] != "3"} == shapes
    for name, fan_in in (("W1", 3), ("U1", 40), ("W2", 40), ("U2", 20)):
        assert 0.95 * fan_in**-0.5 < np.abs(net.parameters[name]).max() <= fan_in**-0.5
    assert not net.parameters["c2"].any()
    assert net.sizes.words == ["input 3x5", "lstm 40 all", "gru 20", "dense 3"]
    inits = ["uniform", "orthogonal", "uniform"]
    net = gpufa.Network(["input 3x5", "recurrent 6", "dense 3"], rule="bp", init=inits, backend="numpy")
    np.testing.assert_allclose(net.parameters["U1"] @ net.parameters["U1"].T, np.eye(6), atol=1e-6)


def test_words_are_the_objects():
    assert block("recurrent 6 relu leaky 0.5 all").layers == (Recurrent(6, True, 0.5, "relu"),)
    assert block("recurrent 6 leaky .3").layers == (Recurrent(6, leaky=0.3),)
    assert str(block("recurrent 6 leaky .30")) == "recurrent 6 leaky 0.3"
    assert block("gru 6 last").layers == (GRU(6),)
    assert str(block("lstm 6 all tanh")) == "lstm 6 all, tanh"
    assert str(block([LSTM(6), "recurrent 3 last tanh"])) == "lstm 6, recurrent 3"


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Recurrent(0), "the units of a recurrent layer can't be 0; give a whole number of at least 1"),
        (lambda: GRU(4, all=1), "all of a gru layer can't be 1; give True or False"),
        (
            lambda: Recurrent(4, leaky=1.5),
            "the leaky of a recurrent layer can't be 1.5; give a number above 0, up to 1",
        ),
        (lambda: Recurrent(4, f="gelu"), "a recurrent layer can't have 'gelu' units; give one of identity, tanh"),
        (lambda: block("recurrent 4 leaky ."), "layer 'recurrent 4 leaky .' can't be read; recurrent takes n, then"),
        (lambda: block("recurrent 4 leaky .e3"), "layer 'recurrent 4 leaky .e3' can't be read"),
        (lambda: block("recurrent 4 leaky"), "layer 'recurrent 4 leaky' can't be read; recurrent takes n, then all or"),
        (
            lambda: gpufa.Network(["input 8", "gru 4", "dense 3"]),
            r"'gru 4' can't take an input of the shape \(8,\); it takes channels x time, such as of 'input 3x7': say",
        ),
        (
            lambda: gpufa.Network(["input 3x7", "gru 6, gru 6", "dense 3"]),
            r"'gru 6' can't take an input of the shape \(6,\); .* that all its steps go on, such as 'gru 6 all'",
        ),
        (
            lambda: gpufa.Network(["input 2x3x3", "turn, gru 4", "dense 3"]),
            r"'turn' can't take an input of the shape \(2,",
        ),
        (
            lambda: net_of("gru 4", "weight_mirror"),
            "rule 'weight_mirror' sends noise through each matrix by itself, of",
        ),
        (lambda: net_of("gru 4", "dkp"), "rule 'dkp' knows no layers that go through time a step after the other, and"),
        (lambda: net_of("gru 4", "pepita"), "rule 'pepita' takes blocks in which one layer learns"),
        (lambda: net_of("gru 4", "eqprop"), "rule 'eqprop' takes blocks of one dense layer each"),
        (
            lambda: gpufa.Network([5, 4, 3], rule=gpufa.rules.make_rule("bp", {"truncate": 3})),
            "truncate = 3 is how many steps errors go back in time, and the net has no recurrent layer; leave",
        ),
        (
            lambda: gpufa.rules.make_rule("bp", {"truncate": -1}),
            "steps that errors go back -1 can't be used; set rule.tr",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(make, sentence):
    with pytest.raises(gpufa.InvalidValue, match=sentence):
        make()


@each
def test_above_tokens_every_token_goes_on(word):
    """A dense layer behind is at each, and nothing of a token reaches those before it."""
    net = network(["tokens 6 of 5", "embed 4", f"{word} all, dense 3 tanh", "dense 5"], "bp")
    assert net.sizes.shapes[2:] == ((3, 6), (5, 6))
    x = np.array([[0, 1, 2, 3, 4, 0], [0, 1, 2, 4, 4, 0]])
    found = net.predict(x)
    np.testing.assert_array_equal(found[0, :, :3], found[1, :, :3])
    assert (np.abs(found[0] - found[1])[:, 3:].max(axis=0) > 1e-9).all()


def test_behind_tokens_that_fill_up_nothing_is_asked_of_the_last():
    """All steps go on: those before them know nothing of them, and a mean leaves them out."""
    for word in ("gru 4", "lif 4", "gru 4 all, lowpass 3 last"):
        asked = word.split(", ")[-1]
        with pytest.raises(gpufa.InvalidValue, match=f"'{asked}' is asked what it is behind the last token, and"):
            network(["tokens 6 of 5 pad 0", f"embed 4, {word}", "dense 3"], "bp")
        assert network(["tokens 6 of 5", f"embed 4, {word}", "dense 3"], "bp")
    net = network(["tokens 6 of 5 pad 0", "embed 4, gru 4 all, mean", "dense 3"], "bp")
    short = network(["tokens 4 of 5 pad 0", "embed 4, gru 4 all, mean", "dense 3"], "bp")
    found = net.predict(np.array([[1, 2, 3, 4, 0, 0]]))
    np.testing.assert_allclose(found, short.predict(np.array([[1, 2, 3, 4]])), rtol=1e-13)


def test_images_of_one_channel_are_turned_by_their_rows():
    net = network(["input 1x4x3", "turn, gru 4", "dense 3"], "bp")
    other = network(["input 3x4", "gru 4", "dense 3"], "bp")
    x = np.random.default_rng(1).normal(size=(5, 1, 4, 3))
    for name, p in net.parameters.items():
        other.parameters[name][...] = p
    np.testing.assert_array_equal(net.predict(x), other.predict(x[:, 0].swapaxes(1, 2)))
