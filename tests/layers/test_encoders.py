"""Encoders: numbers as spikes."""

from functools import partial

import numpy as np
import pytest
from rulelab import host, network, put, replicas_are_single_runs, trainer

import gpufa
from gpufa.layers import Delta, Latency, Poisson, block
from gpufa.layers.words import inputs
from gpufa.net.batch.passes import NOTHING, Pass
from gpufa.net.state.clock import Clock


def told(word, x, backend, shape):
    """The spikes of samples, (samples, channels, time)."""
    channels = block(word).out(inputs(f"input {shape}"))[0]
    net = network([f"input {shape}", f"{word}, conv1d {channels} 1", "dense 2"], "bp", backend=backend)
    put(net, net.parameters["W1"], np.eye(channels)[..., None])
    put(net, net.parameters["b1"], np.zeros(channels))
    return net.signals(x, np.zeros(len(x), int))["h1"].reshape(len(x), *net.sizes.shapes[1])


def test_poisson_spikes_come_as_often_as_said_and_alike_on_all_backends(backend):
    x = np.array([[0.0, 0.25, 0.5, 1.0, -1.0, 2.0]])
    found = told("poisson 4000 rate 0.5", x, backend, 6)
    assert set(np.unique(found)) == {0, 1}
    np.testing.assert_allclose(found[0].mean(axis=1), [0, 0.125, 0.25, 0.5, 0, 1], atol=0.03)
    np.testing.assert_array_equal(found, told("poisson 4000 rate 0.5", x, "numpy", 6))


def test_poisson_spikes_are_others_at_each_step_of_training_and_for_each_seed():
    net = network(["input 5", "poisson 20, lif 4 all", "dense 2"], "dfa", seeds=(0, 1))
    clock = Clock(net.backend, 1, 1, net.dtype)
    p, seen = Pass(net, 8, NOTHING, clock), []
    for step in range(2):
        clock.set(step, 0, np.zeros((1, 1)))
        clock.tick()
        p.evaluate(net.rule.forward, np.full((8, 5), 0.5))
        seen.append(host(net, next(p.blocks[1].at.leaves()).y))
    assert (seen[0][0] != seen[0][1]).any()
    assert (seen[0] != seen[1]).any()
    assert 0.4 < seen[0].mean() < 0.6


def test_of_a_net_that_is_judged_no_sample_hangs_on_others(monkeypatch):
    """Nor on how many are judged at a time, and what stands beside them: more seeds, or other samples."""
    monkeypatch.setattr("gpufa.net.learner.WIDE", 1)  # 16 at a time
    words, x = ["input 5", "poisson 20, lif 4 all threshold 0.5, lowpass 5 last", "dense 2"], np.full((40, 5), 0.4)
    x[7] = 0.7
    both, net = (
        gpufa.Network(words, rule="dfa", init="normal", dtype="float64", backend="numpy", seeds=seeds)
        for seeds in ((0, 3), (0,))
    )
    found = net.predict(x)
    assert net.chunk == 16
    np.testing.assert_allclose(found[:7], found[[0]].repeat(7, axis=0), rtol=1e-13)
    np.testing.assert_allclose(found[8:], found[[0]].repeat(32, axis=0), rtol=1e-13)
    assert np.abs(found[7] - found[0]).max() > 1e-3
    np.testing.assert_allclose(net.predict(x[7:8])[0], found[7], rtol=1e-13)
    np.testing.assert_allclose(both.predict(x)[0], found, rtol=1e-13)


def test_latency_is_the_shorter_the_larger_a_number(backend):
    x = np.array([[1.0, 0.75, 0.5, 0.01, 0.0, -1.0, 3.0]])
    found = told("latency 5", x, backend, 7)[0]
    times = [np.flatnonzero(one).tolist() for one in found]
    assert times == [[0], [1], [2], [3], [], [], [0]]


def test_delta_tells_of_rises_and_falls_by_a_threshold(backend):
    x = np.array([[[0.0, 0.3, 0.6, 2.0, 2.0, 0.0, 0.0]]])
    up, down = told("delta 0.5", x, backend, "1x7")[0]
    np.testing.assert_array_equal(up, [0, 0, 1, 1, 1, 0, 0])
    np.testing.assert_array_equal(down, [0, 0, 0, 0, 0, 1, 1])


def test_they_stand_in_front_of_what_learns():
    words = ["input 6", "poisson 9 rate 0.5, lif 4 all, lowpass 5 last", "dense 2"]
    net = gpufa.Network(words, rule="eprop", backend="numpy")
    assert net.parameters["W1"].shape == (4, 6)
    assert net.sizes.words == words
    with pytest.raises(
        gpufa.InvalidValue, match="no error goes down through 'poisson 9' of block 2 to 'dense 4', which"
    ):
        gpufa.Network(["input 6", "dense 4", "poisson 9, lif 4", "dense 2"], rule="bp")


@pytest.mark.filterwarnings("error")
def test_replicas_are_single_runs_and_the_backends_agree(backend):
    draw = np.random.default_rng(0)
    data = gpufa.Data(draw.uniform(size=(16, 5)), np.arange(16) % 3, draw.uniform(size=(4, 5)), np.arange(4) % 3)
    words = ("input 5", "poisson 8, lif 6 all threshold 0.5, lowpass 5 last")
    settings = {
        "hidden": None,
        "batch_size": 4,
        "layers": words,
        "rule": "eprop",
        "optimizer": "momentum",
        "lr": 0.05,
        "init": "normal",
    }
    replicas_are_single_runs(partial(trainer, data, **settings), backend)


def test_words_are_the_objects():
    assert block("poisson 20 rate 0.5").layers == (Poisson(20, 0.5),)
    assert block("latency 20").layers == (Latency(20),)
    assert str(block("delta 0.1, lif 4")) == "delta 0.1, lif 4"


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Poisson(0), "the steps of poisson can't be 0; give a whole number of at least 1"),
        (lambda: Poisson(4, 0), "the rate of poisson can't be 0; give a number above 0"),
        (lambda: Latency(2.5), "the steps of latency can't be 2.5; give a whole number of at least 1"),
        (lambda: Delta(-1), "the threshold of delta can't be -1; give a number above 0"),
        (
            lambda: gpufa.Network(["input 8", "delta 0.1", "dense 3"]),
            r"'delta 0.1' can't take an input of the shape \(8,\)",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(make, sentence):
    with pytest.raises(gpufa.InvalidValue, match=sentence):
        make()
