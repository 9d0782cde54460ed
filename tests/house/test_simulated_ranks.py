"""The model of steps by many processes, where its answers are known."""

from dataclasses import replace
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def benchmarks_can_be_imported(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2])


@pytest.fixture
def model():
    from benchmarks.simulate import model

    return model


@pytest.fixture
def net(model):
    return model.Net(blocks=8, units=100, outputs=10, batch=64, up=1e-3, down=1.5e-3, learn=2e-3, fixed=1e-4)


@pytest.fixture
def network(model):
    return model.Network(1e-5, 1e-9, 2e-10)


@pytest.fixture
def free(model):
    return model.Network(0.0, 0.0, 0.0)


def test_one_process_takes_what_one_takes(model, net, network):
    assert (
        model.data(net, network, 1, "dfa")
        == model.overlapped(net, network, 1)
        == pytest.approx(model.alone(net, "dfa"))
    )
    assert model.layers(net, network, 1) == model.hybrid(net, network, 1, 1) == pytest.approx(8 * 3e-3)
    assert model.data(net, network, 1, "bp") == model.pipelined(net, network, 1, 1) == pytest.approx(8 * 4.5e-3)


def test_messages_take_what_loggp_says(network):
    assert network.message(1000) == pytest.approx(1e-5 + 1e-6)
    assert network.broadcast(1000, 5) == pytest.approx(3 * 1.1e-5)
    assert network.allreduce(1000, 4) == pytest.approx(4e-5 + 1.5e-6 + 750 * 2e-10)


def test_nothing_is_lost_on_a_free_network_but_what_is_said(model, net, free):
    net = replace(net, fixed=0.0)
    assert model.efficiency(model.data(net, free, 16, "bp"), model.alone(net, "bp"), 16) == pytest.approx(1)
    assert model.efficiency(model.overlapped(net, free, 8), model.alone(net, "dfa"), 8) == pytest.approx(1)
    assert model.layers(net, free, 8) == pytest.approx(8 * 1e-3 + 2e-3)  # all rise one after the other
    assert model.efficiency(model.pipelined(net, free, 8, 8), model.alone(net, "bp"), 8) == pytest.approx(
        8 / 15
    )  # GPipe's bubble
    assert model.hybrid(net, free, 16, 4) == pytest.approx(2 * 3e-3 / 4)


def test_what_does_not_shrink_with_the_batch_limits_how_data_are_divided(model, net, free):
    from benchmarks.simulate.command import scaled

    assert model.data(net, free, 10**6, "dfa") == pytest.approx(8 * 2 * 1e-4, rel=1e-3)
    larger = scaled(net, 128)
    assert larger.up == pytest.approx(1e-4 + 2 * 9e-4)


def test_every_way_has_a_row_for_each_number_of_processes(net, network):
    from benchmarks.simulate.command import WAYS, simulated

    rows = simulated(replace(net, blocks=1024), network)
    assert len(rows) == 10 * len(WAYS)
    assert all(0 < row["efficiency"] <= 1 for row in rows)
