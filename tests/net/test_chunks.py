"""How many samples go through a net at a time."""

import numpy as np
import pytest

import gpufa
from gpufa.net import learner
from gpufa.training.trainer import Trainer

draw = np.random.default_rng(0)


def net(*words, **kw):
    return gpufa.Network(list(words), **{"seed": 0, "backend": "numpy"} | kw)


def test_nets_of_usual_width_take_a_thousand():
    assert net(784, 800, 800, 10).chunk == learner.CHUNK == 1000
    assert net("input 1x32x32", "conv 4 5x5 pad valid relu, pool 2", "dense 10").chunk == 1000


@pytest.mark.parametrize("kw", [{}, {"dtype": "float64"}, {"seeds": range(5)}])
def test_wider_ones_take_what_has_room(kw):
    made = net(20, 30_000, 10, **kw)
    each = (2 * 30_000 + 10) * made.arena.flat.itemsize * len(made.seeds)
    assert made.chunk % learner.TOGETHER == 0
    assert made.chunk * each <= learner.WIDE < (made.chunk + learner.TOGETHER) * each


def test_it_is_never_less_than_machine_code_takes_at_a_time(monkeypatch):
    monkeypatch.setattr(learner, "WIDE", 1)
    assert net(4, 5, 3).chunk == learner.TOGETHER


def test_what_a_net_makes_is_what_its_layers_put_out():
    sizes = net("input 2x6x6", "conv 4 3x3 relu, pool 2", "dense 5 tanh", "dense 3").sizes
    assert sizes.made == 4 * 36 + 4 * 36 + 4 * 9 + 5 + 5 + 3


def test_narrow_chunks_come_to_the_same_outputs_and_scores(monkeypatch):
    words = "input 1x6x6", "conv 4 3x3 nobias, batch norm, relu", "dense 3"
    x, y = draw.normal(size=(50, 36)), np.arange(50) % 3
    made = net(*words, dtype="float64")
    outputs, scores = made.predict(x), made.evaluate(x, y)
    monkeypatch.setattr(learner, "WIDE", 1)
    np.testing.assert_allclose(made.predict(x), outputs, rtol=1e-12)
    for name, values in made.evaluate(x, y).items():
        np.testing.assert_allclose(values, scores[name], rtol=1e-12, err_msg=name)


def test_a_run_makes_no_pass_of_more_samples(monkeypatch):
    """Not for angles, nor for what a rule is tried on, nor for scores."""
    monkeypatch.setattr(learner, "WIDE", 1)
    x, y = draw.normal(size=(90, 6)), np.arange(90) % 3
    config = gpufa.Config(hidden=(8, 7), epochs=2, batch_size=8, seeds=(0, 1), backend="numpy", validation=0.3)
    trainer = Trainer(config, gpufa.Data(x, y, x[:40], y[:40]))
    seen, passes = set(), trainer.net.pass_for
    monkeypatch.setattr(trainer.net, "pass_for", lambda m, *more: (seen.add(m), passes(m, *more))[1])
    trainer.run()
    assert max(seen) == learner.TOGETHER
