"""Spiking layers: what they make of their input, backpropagation through time by surrogates, and what they say."""

import math
from functools import partial

import numpy as np
import pytest
from celllab import gradients, learned, parts, states
from rulelab import close, gradients_are_slopes, host, network, put, replicas_are_single_runs, trainer, values
from spikelab import ALIF_WORDS, LIF_WORDS, SPIKING

import gpufa
from gpufa.layers import ALIF, LIF, Lowpass, block
from gpufa.rules import make_rule

X = np.random.default_rng(3).normal(size=(4, 3, 7))
Y = np.array([0, 2, 1, 1])
each = pytest.mark.parametrize("word", SPIKING)


def made(word, rule="bp", **kw):
    return network(["input 3x7", f"{word} all", "dense 3"], rule, **kw)


def error(net, x=X):
    return net.predict(x) - np.eye(3)[Y]


@each
def test_spikes_are_the_formulas(word, backend):
    net, single = made(word, backend=backend), made(word)
    layer, theta = parts(single)
    expected = np.array([np.array(states(layer, theta, x)).real.T for x in X])
    assert 0.1 < expected.mean() < 0.9
    np.testing.assert_array_equal(net.signals(X, Y)["h1"].reshape(4, 4, 7), expected)


@each
def test_backprop_goes_back_through_spikes_by_what_stands_in_for_their_slope(word, backend):
    net, single = made(word, backend=backend), made(word)
    layer, theta = parts(single)
    signal = (error(single) @ single.parameters["W2"]).reshape(4, 4, 7)
    found = net.gradients(X, Y)
    close({name: found[f"{name}1"] for name in theta}, gradients(layer, theta, X, signal), 1e-12)
    assert all(np.abs(found[f"{name}1"]).max() > 1e-3 for name in theta)
    assert not np.diagonal(found["U1"]).any()


@each
@pytest.mark.parametrize("window", [1, 3])
def test_truncated_backprop_forgets_states_too(word, window):
    net, single = made(word, make_rule("bp", {"truncate": window})), made(word)
    layer, theta = parts(single)
    signal = (error(single) @ single.parameters["W2"]).reshape(4, 4, 7)
    found = net.gradients(X, Y)
    close({name: found[f"{name}1"] for name in theta}, gradients(layer, theta, X, signal, cut=window), 1e-12)


def test_refractory_units_keep_quiet_and_learn_nothing():
    net = network(["input 1x12", "lif 1 tau 1e9 threshold 1 refractory 4 all", "dense 2"], "bp")
    for name, value in (("W1", 3.0), ("U1", 0.0), ("b1", 0.0)):
        net.parameters[name][...] = value
    x = np.ones((1, 1, 12))
    found = net.signals(x, np.array([0]))["h1"][0]
    np.testing.assert_array_equal(found, [1, 0, 0, 0] * 3)
    tape = net.pass_for(1).blocks[1].at.leaves()
    place = next(tape)
    psi = np.array([float(one[0][0, 0, 0]) for one in place.layer.tape(place, 12).parts])
    assert not psi[found == 0].any()


def test_a_spike_raises_the_threshold_of_adapting_units_and_it_comes_back():
    """Spikes come at growing distances, and of a unit without adaptation at equal ones."""
    distances = {}
    for word in ("lif 1 tau 20 threshold 0.5 all", "alif 1 tau 20 threshold 0.5 tau_a 100 beta 0.2 all"):
        net = network(["input 1x200", word, "dense 2"], "bp")
        for name, value in (("W1", 0.12), ("U1", 0.0), ("b1", 0.0)):
            net.parameters[name][...] = value
        found = net.signals(np.ones((1, 1, 200)), np.array([0]))["h1"][0]
        distances[word[:4]] = np.diff(np.flatnonzero(found))
    assert np.ptp(distances["lif "][1:]) <= 1
    assert distances["alif"][-1] > distances["alif"][0] + 2


@each
@pytest.mark.parametrize("by", ["bp", "traces", "history", "dfa"])
def test_the_cost_of_rates_is_a_signal_at_every_step(word, by, backend):
    """cost / 2 times the sum of (spikes a ms - rate)^2: its slope in z is added to what arrives, unfiltered."""
    options = {} if by in ("bp", "dfa") else {"by": by, "signal": "symmetric"}
    rule = make_rule(by if by in ("bp", "dfa") else "eprop", options)
    net, bare = made(f"{word} rate 40 cost 3", rule, backend=backend), made(word, rule)
    layer, theta = parts(bare)
    spikes = bare.signals(X, Y)["h1"].reshape(4, 4, 7)
    cost = 3 / layer.dt * (spikes.mean(axis=(0, 2)) / layer.dt - 0.04) / 7
    down = np.repeat(cost[:, None], 7, axis=1)[None].repeat(4, axis=0)
    how = {"bp": {}, "dfa": {"cut": 1, "detached": True}}.get(by, {"detached": True})
    expected = gradients(layer, theta, X, down, **how)
    found, before = learned(net, X, Y), learned(bare, X, Y)
    for name in theta:
        difference = found[f"{name}1"] - before[f"{name}1"]
        np.testing.assert_allclose(difference, expected[name], rtol=1e-10, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("rule", ["bp", "eprop"])
def test_the_cost_of_rates_is_the_same_for_any_number_of_errors(rule, backend):
    """Of a step of training and of what the net says of itself, with a target at the end, at each step, and at some."""
    words, found = [f"{LIF_WORDS[0]} rate 40 cost {cost} all" for cost in (3, 0)], []
    for at in (None, slice(0), slice(3)):
        y, task = (Y, "classification") if at is None else (np.arange(28).reshape(4, 7) % 3, "places")
        if at:
            y[:, at] = -1
            y[0] = -1
        data = gpufa.load_data((X, y, X, y), task=task)
        settings = {"hidden": None, "batch_size": 4, "rule": rule, "optimizer": "sgd", "lr": 1.0, "weight_decay": 0.0}
        settings |= {"init": "normal", "init_scale": 1.0, "backend": backend}
        runs = [trainer(data, layers=("input 3x7", word), **settings) for word in words]
        said = [run.net.gradients(X, y)["W1"] for run in runs]
        before = values(runs[0].net)["W1"]
        for run in runs:
            run.step()
        with_cost, without = (values(run.net)["W1"] for run in runs)
        np.testing.assert_allclose(without - with_cost, said[0] - said[1], rtol=1e-9, atol=1e-12)
        assert np.abs(before - without).max() > 1e-3
        found.append(said[0] - said[1])
    np.testing.assert_allclose(found[1:], [found[0]] * 2, rtol=1e-9, atol=1e-12)
    assert np.abs(found[0]).max() > 1e-2


@pytest.mark.parametrize("every", [True, False])
def test_a_lowpass_is_a_leaky_sum_and_goes_back_by_the_same(every, backend):
    word = "conv1d 3 1, lowpass 4 dt 2" + " last" * (not every)
    net = network(["input 3x7", word, "dense 3"], "bp", backend=backend)
    put(net, net.parameters["W1"], np.eye(3)[..., None])
    put(net, net.parameters["b1"], np.zeros(3))
    k, y = math.exp(-0.5), np.zeros((4, 3))
    for t in range(7):
        y = k * y + (1 - k) * X[..., t]
        if every:
            np.testing.assert_allclose(net.signals(X, Y)["h1"].reshape(4, 3, 7)[..., t], y, rtol=1e-13)
    if not every:
        np.testing.assert_allclose(net.signals(X, Y)["h1"], y, rtol=1e-13)


def test_what_is_below_a_lowpass_has_the_slope_of_the_loss():
    for words in ("recurrent 4 all, lowpass 3", "recurrent 4 all, lowpass 3 last"):
        gradients_are_slopes(network(["input 3x7", words, "dense 3"], "bp"), X, Y)


def test_direct_feedback_goes_past_a_lowpass_to_every_step_of_what_is_below():
    over = network(["input 3x7", "lif 4 tau 5 threshold 0.3 all, lowpass 5 last", "dense 3"], "dfa")
    bare = network(["input 3x7", "lif 4 tau 5 threshold 0.3", "dense 3"], "dfa")
    put(over, over.feedback["B1"], bare.feedback["B1"])
    e = error(over)
    layer, theta = parts(bare)
    signal = (e @ np.array(over.feedback["B1"]).T).reshape(4, 4, 7)
    found = over.gradients(X, Y)
    expected = gradients(layer, theta, X, signal, cut=1, detached=True)
    close({name: found[f"{name}1"] for name in theta}, expected, 1e-12)


@pytest.mark.parametrize("word", [LIF_WORDS[1], ALIF_WORDS[1]])
@pytest.mark.parametrize("rule", ["bp", "fa", "kp", "usf", "dfa", "rflo", "eprop", "decolle"])
@pytest.mark.filterwarnings("error")
def test_replicas_are_single_runs_and_the_backends_agree(word, rule, backend):
    """Nothing may be allocated in a recorded step."""
    data = gpufa.Data(np.tile(X.reshape(4, 21), (4, 1)), np.tile(Y, 4), X.reshape(4, 21), Y)
    layers = ("input 3x7", f"{word} rate 20 cost 0.5 all, lowpass 5", f"{word} all, lowpass 5 last")
    settings = {"hidden": None, "batch_size": 4, "layers": layers, "rule": rule, "optimizer": "momentum"}
    settings |= {"lr": 0.05, "init": "normal", "init_scale": 1.0, "weight_decay": 0.0}
    for alone in replicas_are_single_runs(partial(trainer, data, **settings), backend):
        for name in ("U1", "U2"):
            assert not np.diagonal(values(alone.net)[name]).any()


def test_weights_start_without_any_from_a_unit_to_itself():
    net = gpufa.Network(["input 3x5", "alif 40 all", "lif 20", "dense 3"], rule="bp", backend="numpy")
    for name in ("U1", "U2"):
        assert not np.diagonal(net.parameters[name]).any()
        assert 0.9 * len(net.parameters[name]) ** -0.5 < np.abs(net.parameters[name]).max()
    assert host(net, net.parameters["W1"]).all()


def test_evolution_leaves_units_without_a_weight_to_themselves_and_knows_no_cost(backend):
    data, word = gpufa.Data(X.reshape(4, 21), Y, X.reshape(4, 21), Y), "lif 4 tau 5 threshold 0.3"
    settings = {"hidden": None, "batch_size": 4, "rule": "evolution", "backend": backend, "seeds": (0, 1)}
    run = trainer(data, layers=("input 3x7", word), init="normal", **settings)
    before = values(run.net)["U1"]
    run.step()
    U = values(run.net)["U1"]
    assert not np.diagonal(U, axis1=-2, axis2=-1).any()
    assert (before != U).sum() == 2 * 12
    with pytest.raises(gpufa.InvalidValue, match="rule 'evolution' knows the loss alone, and 'lif 4 tau 5 thr"):
        trainer(data, layers=("input 3x7", f"{word} cost 0.1"), **settings)


def test_words_are_the_objects():
    assert block("lif 6 all tau 30 threshold 0.5 reset zero").layers == (LIF(6, True, 30, threshold=0.5, reset="zero"),)
    assert block("alif 6 tau_a 2000 beta 0.0174 surrogate arctan").layers == (
        ALIF(6, tau_a=2000, beta=0.0174, surrogate="arctan"),
    )
    assert str(block("lif 6 all rate 20 cost 0.5, lowpass 20 last")) == "lif 6 all rate 20 cost 0.5, lowpass 20 last"
    assert block("lowpass 20 dt 2").layers == (Lowpass(20, 2),)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: LIF(0), "the units of a lif layer can't be 0; give a whole number of at least 1"),
        (lambda: LIF(4, tau=0), "the tau of lif can't be 0; give a number above 0"),
        (lambda: ALIF(4, beta=-1), "the beta of alif can't be -1; give a number above 0"),
        (lambda: LIF(4, cost=-1), "the cost of lif can't be -1; give a number of at least 0"),
        (lambda: LIF(4, threshold=math.inf), "the threshold of lif can't be inf; give a number above 0"),
        (lambda: LIF(4, reset="down"), "reset of lif 'down'.*subtract, zero"),
        (lambda: LIF(4, surrogate="step"), "surrogate of lif 'step'.*triangle, fast_sigmoid, arctan"),
        (lambda: Lowpass(0), "the tau of a lowpass can't be 0; give a number above 0"),
        (lambda: Lowpass(4, last=1), "last of a lowpass can't be 1; give True or False"),
        (
            lambda: gpufa.Network(["input 8", "lowpass 4", "dense 3"]),
            r"'lowpass 4' can't take an input of the shape \(8,\)",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(make, sentence):
    with pytest.raises(gpufa.InvalidValue, match=sentence):
        make()
