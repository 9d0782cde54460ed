"""Gradients that an optimizer takes a stretch at a time: the same weights as of all of it."""

from unittest import mock

import numpy as np
import pytest
from threadpoolctl import threadpool_limits
from traininglab import DATA, config, same

import gpufa
from gpufa.backends.cpu.backend import NumpyBackend
from gpufa.net.learning.piecewise import Room, Window
from gpufa.rules import RULES
from gpufa.training.trainer import Trainer

SIGNALS = [name for name, rule in RULES.items() if rule().makes == {"signals"}]
NONE = {"x_test": np.zeros((0, 64), np.float32), "y_test": np.zeros(0, int)}
IMAGES = gpufa.Data(np.random.default_rng(1).normal(size=(60, 64)).astype(np.float32), np.arange(60) % 3, **NONE)
MAPS = ("input 1x8x8", "conv 5 3x3 nobias, batch norm, relu, pool 2", "residual(conv 5 3x3 relu)", "dense 9 tanh")


@pytest.fixture
def bound(monkeypatch):
    """Sets how many bytes of a gradient there are at a time."""
    return lambda size: monkeypatch.setattr(NumpyBackend, "gradient_bytes", size)


def trained(steps=12, data=DATA, **kw):
    trainer = Trainer(config(**{"optimizer": "adam", "eps": 1e-3, "init": "uniform", **kw}), data)
    trainer.begin_epoch()
    for _ in range(steps):
        if trainer.progress.batch == trainer.batches.per_epoch:
            trainer.progress.start_epoch()
            trainer.begin_epoch()
        trainer.step()
    return trainer


def kept(trainer):
    """All that the steps have changed."""
    states = {f"{name} {k}": v for name, arena in trainer.update.states.items() for k, v in arena.items()}
    return {**trainer.net.arena, **states}


def compared(bound, sizes=(8, 200, 700), **kw):
    """The weights under whole gradients, and under pieces of each size."""
    bound(None)
    whole = trained(**kw)
    assert whole.update.room is None
    for size in sizes:
        bound(size)
        pieces = trained(**kw)
        assert pieces.update.grads is None
        assert pieces.update.room.flat.nbytes < whole.net.arena.flat.nbytes
        same(kept(whole), kept(pieces), exact=False)


@pytest.mark.parametrize("rule", SIGNALS)
def test_every_rule_of_signals_comes_to_the_same_weights(rule, bound):
    compared(bound, (300,), rule=rule)


@pytest.mark.parametrize("optimizer", ["momentum", "nesterov", "rmsprop", "adam", "adamw"])
def test_every_optimizer_comes_to_the_same_weights(optimizer, bound):
    compared(bound, optimizer=optimizer)


@pytest.mark.parametrize(
    "more",
    [
        {"optimizer": "sgd", "weight_decay": 0.01},
        {"weight_decay": 0.01, "decay_on": "matrices"},
        {"layer_lr": (0.1, 0.01, 0.001)},
        {"freeze": (2,)},
        {"freeze": (1, 3), "layer_lr": (0.1, 0.01, 0.001)},
        {"hidden": (8, 8, 8), "residual": True},
        {"dropout": 0.3, "gradient": "sum"},
        {"calibrate": 1},
        {"adversarial": 0.1, "adversarial_mix": "beside"},
    ],
    ids=str,
)
def test_every_setting_comes_to_the_same_weights(more, bound):
    compared(bound, **more)


@pytest.mark.parametrize("rule", ["dfa", "fa", "bp"])
def test_layers_within_blocks_do_so_too(rule, bound):
    compared(bound, (8, 400, 2000), rule=rule, layers=MAPS, hidden=None, data=IMAGES, batch_size=10)


def test_replicas_that_have_stopped_keep_their_weights(bound):
    bound(300)
    trainer = trained(3)
    before = trainer.net.arena.flat.copy()
    trainer.progress.status[1] = 3
    trainer._activate()
    trainer.step()
    changed = (trainer.net.arena.flat != before).any(axis=1)
    assert changed.tolist() == [True, False, True]


def test_large_layers_come_to_the_same_bits(bound):
    """Of float32, where products and the optimizer's machine code go by vectors."""
    draw = np.random.default_rng(2)
    x, y = draw.normal(size=(64, 100)).astype(np.float32), np.arange(64) % 10
    data = gpufa.Data(x, y, x[:0], y[:0])
    kw = {"hidden": (300, 300), "dtype": "float32", "seeds": (0, 1), "data": data, "steps": 4, "batch_size": 32}
    with threadpool_limits(1, "blas"):  # several threads part a product by its rows
        bound(None)
        whole = trained(**kw)
        bound(400_000)
        same(kept(whole), kept(trained(**kw)))


def stretches(trainer):
    """What a step hands to the optimizer."""
    found, apply = [], trainer.update.apply
    handed = mock.Mock(side_effect=lambda span, grad, now: (found.append(span), apply(span, grad, now)))
    with mock.patch.object(trainer.update, "apply", handed):
        trainer.step()
    return [(span.start, span.stop) for span in found]


@pytest.mark.parametrize("size", [8, 300, 1000])
def test_stretches_are_all_that_is_trained_each_once_and_in_one_order(size, bound):
    bound(size)
    trainer = trained(1)
    first, second = stretches(trainer), stretches(trainer)
    assert first == second
    seen = [i for start, stop in first for i in range(start, stop)]
    assert len(seen) == len({*seen})
    assert {*seen} >= {i for span in trainer.net.arena.spans.values() for i in range(span.start, span.stop)}


def test_what_lies_between_two_parameters_stays_zero(bound):
    bound(1000)
    trainer = trained(weight_decay=0.1)
    used = np.zeros(trainer.net.arena.flat.shape[1], bool)
    for span in trainer.net.arena.spans.values():
        used[span] = True
    assert not used.all()
    for arena in (trainer.net.arena, *trainer.update.states.values()):
        assert not arena.flat[:, ~used].any()


@pytest.mark.parametrize("more", [{"clip": 1.0}, {"rule": "kp"}, {"rule_options": {"staleness": 1}}], ids=str)
def test_what_needs_all_of_the_gradient_has_it(more, bound):
    bound(8)
    update = Trainer(config(optimizer="adam", **more), DATA).update
    assert update.room is None
    assert update.grads is not None


def test_small_nets_have_all_of_it_at_once():
    assert Trainer(config(optimizer="adam"), DATA).update.room is None


def test_a_matrix_is_parted_by_rows_and_all_else_is_whole():
    net = gpufa.Network(["input 2x6x6", "conv 4 3x3 relu", "dense 40 tanh", "dense 3"], seed=0, backend="numpy")
    room = Room(net.arena, 8)
    assert room.size == 144  # a row of W2
    assert [*room.rows("W1")] == [slice(0, 4)]
    assert [*room.rows("W2")] == [slice(i, i + 1) for i in range(40)]
    assert Room(net.arena, 1 << 30).size == net.arena.flat.shape[1]
    assert [*Room(net.arena, 30 * 144 * 4).rows("W2")] == [slice(0, 30), slice(30, 40)]
    net = gpufa.Network([4, 100, 3], seed=0, backend="numpy")
    assert [*Room(net.arena, 60 * 4 * 4).rows("W1")] == [slice(0, 48), slice(48, 96), slice(96, 100)]


def test_a_window_is_handed_over_where_the_next_does_not_follow_or_fit():
    net, taken = gpufa.Network([4, 5, 3], seed=0, backend="numpy"), []
    spans = net.arena.spans
    window = Window(Room(net.arena, 50 * 4), lambda span, grad: taken.append((span, grad.copy())))
    window.at(spans["W1"]).fill(1)
    window.at(spans["W2"]).fill(2)
    assert not taken
    window.at(spans["b2"]).fill(3)
    window.close()
    window.close()
    assert [span for span, _ in taken] == [slice(0, spans["W2"].stop), spans["b2"]]
    gap = slice(spans["W1"].stop, spans["W2"].start)
    assert gap.stop > gap.start
    np.testing.assert_array_equal(taken[0][1][0, gap], 0)


class Twice(RULES["dfa"]):
    name = "twice"

    def gradients(self, net, grads):
        super().gradients(net, grads)
        grads.layers_of(net)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_rule_of_signals_hands_its_layers_over_once(optimizer, bound):
    bound(8)
    trainer = Trainer(config(optimizer=optimizer), DATA, Twice)
    trainer.begin_epoch()
    with pytest.raises(gpufa.InvalidValue, match="'twice' hands over the gradients of its layers twice; let its"):
        trainer.step()
