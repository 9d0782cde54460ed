"""Angles of a batch that goes through the net in parts: those of the whole batch."""

import numpy as np
import pytest
from rulelab import network, samples

import gpufa
from gpufa.measure.alignment import METRICS
from gpufa.net import learner

ZERO = 1e-5  # degrees: the arc cosine of 1 less a rounding
SIZES = [6, 8, 7, 3]
MAPS = ["input 1x6x6", "conv 5 3x3 relu, pool 2", "residual(conv 5 3x3 tanh)", "dense 9 tanh", "dense 3"]


def in_parts(net, x, y, monkeypatch):
    """The angles at once and in parts of 16 samples."""
    whole = net.alignment(x, y)
    monkeypatch.setattr(learner, "WIDE", 0)
    assert net.chunk == learner.TOGETHER < len(x)
    return whole, net.alignment(x, y)


@pytest.mark.parametrize("rule", ["bp", "fa", "dfa", "kp", "pepita", "layerwise", "shallow"])
def test_angles_in_parts_are_those_of_the_whole(rule, monkeypatch):
    net = network(SIZES, rule, seeds=(0, 1))
    whole, parts = in_parts(net, *samples(SIZES, m=41), monkeypatch)
    for name in METRICS:
        np.testing.assert_allclose(parts[name], whole[name], rtol=1e-10, atol=ZERO, err_msg=name)
    assert rule == "shallow" or np.isfinite(whole["gradient"]).all()


@pytest.mark.parametrize("rule", ["bp", "fa", "dfa"])
def test_so_are_those_of_layers_within_blocks(rule, monkeypatch):
    net = gpufa.Network(MAPS, rule=rule, seed=0, dtype="float64", backend="numpy", init="uniform")
    x, y = samples([36, 3], m=41)
    whole, parts = in_parts(net, x, y, monkeypatch)
    for name in METRICS:
        np.testing.assert_allclose(parts[name], whole[name], rtol=1e-10, atol=ZERO, err_msg=name)


def test_a_unit_is_dead_that_is_so_for_every_sample_of_every_part(monkeypatch):
    net = network([2, 4, 3], "bp", activation="relu")
    net.parameters["W1"][...] = [[1, 0], [-1, 0], [0, 1], [0, -1]]
    net.parameters["b1"][...] = 0
    x = np.ones((40, 2))
    x[35:, 0] = -1  # in the last part alone
    _, parts = in_parts(net, x, np.zeros(40, int), monkeypatch)
    assert parts["dead"].tolist() == [25.0]
