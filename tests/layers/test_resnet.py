"""ResNet-20 in words, as examples/resnet20.toml has it: its parts, and a small step by rules of several kinds."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rulelab import host

import gpufa
from gpufa.training.settings.toml import read_toml
from gpufa.training.trainer import Trainer

EXAMPLE = read_toml(Path(__file__).parents[2] / "examples" / "resnet20.toml")
draw = np.random.default_rng(0)
PIXELS = draw.integers(0, 256, (6, 3072)).astype(np.uint8)
IMAGES = gpufa.Data(PIXELS, np.array([0, 9, 3, 4, 5, 6]), PIXELS[:2], np.array([0, 9]))


def test_it_has_as_many_weights_as_published():
    net = gpufa.Network([*EXAMPLE.layers, "dense 10"], rule="bp", backend="numpy")
    assert sum(p.size for p in net.parameters.values()) == 269_722
    assert net.sizes.shapes == ((3, 32, 32), *[(16, 32, 32)] * 4, *[(32, 16, 16)] * 3, *[(64, 8, 8)] * 2, (64,), (10,))
    assert len(net.sizes.all_matrices) == 20
    assert sum(state.size for name, state in net.state.items() if name[0] == "m") == 688


@pytest.mark.parametrize("rule", ["bp", "fa", "usf", "dfa", "shallow"])
def test_it_takes_a_step(rule):
    settings = {"rule": rule, "batch_size": 6, "backend": "numpy", "epochs": 1, "probe_samples": 2, "lr": 0.01}
    run = Trainer(replace(EXAMPLE, **settings), IMAGES)
    before = {name: host(run.net, p) for name, p in run.net.arena.items()}
    run.run()
    moved = {name for name, p in run.net.arena.items() if not np.array_equal(host(run.net, p), before[name])}
    trained = {name for k in run.net.rule.trained(run.net.sizes) for name in run.net.sizes.parameters[k]}
    assert moved == trained
    assert np.isfinite(run.history.epochs["loss"]).all()
    assert np.isfinite(run.net.predict(IMAGES.x_test)).all()
    assert not np.allclose(host(run.net, run.net.state["mean1.2"]), 0)
