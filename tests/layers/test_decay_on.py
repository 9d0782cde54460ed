"""What weight decay acts on, and what else holds for all that is trained: convolutions, norms, residual blocks."""

import re

import numpy as np
import pytest
from layerlab import layered
from normlab import training_gradients, training_loss
from rulelab import close, host, network, put, trainer

import gpufa
from gpufa.functions.optimizers import DECAYS
from gpufa.training.settings.toml import from_mapping, read_toml, to_mapping, to_toml

LAYERS = (
    "input 2x6x5",
    "conv 4 3x3, batch norm, tanh, pool 2, dropout 0.25",
    "residual(conv 6 3x3 stride 2, batch norm, tanh, conv 6 3x3, layer norm | conv 6 1x1 stride 2, batch norm), tanh",
    "residual(conv 6 2x2 gelu), dropout 0.5, dense 5 tanh",
)
draw = np.random.default_rng(0)
IMAGES = gpufa.Data(draw.normal(size=(40, 60)), np.arange(40) % 3, draw.normal(size=(6, 60)), np.arange(6) % 3)


def stepped(rule="bp", layers=LAYERS, data=IMAGES, **settings):
    """(before, after, trainer) of one step from parameters that are all far from 0."""
    defaults = {"rule": rule, "optimizer": "sgd", "lr": 0.1, "seeds": (0, 1), "weight_decay": 0.0}
    run = trainer(**defaults | settings) if layers is None else layered(layers, data=data, **defaults | settings)
    random = np.random.default_rng(7)
    for p in run.net.arena.values():
        put(run.net, p, random.normal(0, 0.3, p.shape) + 0.1)
    before = {name: host(run.net, p) for name, p in run.net.arena.items()}
    run.step()
    return before, {name: host(run.net, p) for name, p in run.net.arena.items()}, run


@pytest.mark.parametrize("decay", DECAYS)
@pytest.mark.parametrize(("rule", "layers"), [("bp", LAYERS), ("kp", LAYERS), ("dfa", None), ("layerwise", None)])
@pytest.mark.parametrize(
    "more", [{}, {"optimizer": "adam", "eps": 1e-3}, {"layer_lr": True}, {"freeze": (1,)}], ids=str
)
def test_decay_on_matrices_spares_all_else(decay, rule, layers, more, backend):
    rates = (0.1, 0.3, 0.2, 0.1) if layers else (0.1, 0.3, 0.2)
    more = {name: rates if value is True else value for name, value in more.items()}
    settings = {"rule": rule, "layers": layers, "backend": backend, "decay": decay, **more}
    before, none, run = stepped(**settings)
    _, every, _ = stepped(**settings, weight_decay=0.05)
    _, found, _ = stepped(**settings, weight_decay=0.05, decay_on="matrices")
    for name, p in found.items():
        matrix = name[0] in "WBH"
        assert matrix == (p.ndim > 2), name
        np.testing.assert_allclose(p, (every if matrix else none)[name], rtol=1e-12, atol=1e-13, err_msg=name)
        assert np.array_equal(every[name], none[name]) == (name not in run.update.rates), name
        assert name in run.update.rates or np.array_equal(p, before[name]), name


def test_kp_still_brings_its_feedback_to_the_weights(backend):
    """Both decay alike, so that W - B^T shrinks by 1 - lr * decay."""
    before, after, _ = stepped("kp", weight_decay=0.5, decay_on="matrices", backend=backend)
    shrunk = 1 - 0.1 * 0.5
    np.testing.assert_allclose(after["W2.3"] - after["B1.3"], shrunk * (before["W2.3"] - before["B1.3"]), rtol=1e-10)


def test_it_is_a_setting_like_others_and_leaves_no_trace_where_it_is_not_used(tmp_path):
    plain, own = gpufa.Config(weight_decay=0.1), gpufa.Config(weight_decay=0.1, decay_on="matrices")
    assert "decay_on" not in to_mapping(plain)
    assert to_mapping(own)["decay_on"] == "matrices"
    assert from_mapping(to_mapping(own)) == own
    (tmp_path / "own.toml").write_text(to_toml(own))
    assert read_toml(tmp_path / "own.toml") == own
    settings = {"data": "digits", "hidden": (8,), "samples": 200, "seeds": (0,), "backend": "numpy", "rule": "bp"}
    own = gpufa.Config(**settings, weight_decay=0.1, decay_on="matrices", out=str(tmp_path / "part"), epochs=1)
    gpufa.train(own)
    resumed = gpufa.resume(tmp_path / "part", epochs=2).network
    whole = gpufa.train(gpufa.Config(**settings, weight_decay=0.1, decay_on="matrices", epochs=2)).network
    other = gpufa.train(gpufa.Config(**settings, weight_decay=0.1, epochs=2)).network
    close(resumed.parameters, whole.parameters, 0)
    assert not np.array_equal(other.parameters["b1"], whole.parameters["b1"])


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"decay_on": "matrices", "weight_decay": 0.0},
            "decay_on = 'matrices' says what weight decay acts on, and it is 0; add --weight-decay 1e-4, or leave",
        ),
        (
            {"decay_on": "weights"},
            "decay_on = 'weights' can't be used; expected one of all, matrices: change --decay-on",
        ),
    ],
)
def test_what_it_can_not_be(settings, text):
    with pytest.raises(gpufa.InvalidValue, match=re.escape(text)):
        trainer(**settings)


def test_clip_bounds_the_gradient_of_all_of_a_block(backend):
    before, free, _ = stepped(backend=backend)
    _, clipped, _ = stepped(backend=backend, clip=0.2)
    for r in range(2):
        g = {name: (before[name][r] - free[name][r]) / 0.1 for name in before}
        norm = np.sqrt(sum((one**2).sum() for one in g.values()))
        assert norm > 0.3
        own = {name: (before[name][r] - clipped[name][r]) / 0.1 for name in before}
        close(own, {name: one * 0.2 / (norm + 1e-6) for name, one in g.items()}, 1e-10)


def test_each_block_has_its_own_rate(backend):
    before, plain, _ = stepped(backend=backend)
    rates = (0.3, 0.05, 0.2, 0.1)
    _, own, run = stepped(backend=backend, layer_lr=rates)
    for k in run.net.sizes.every:
        for name in run.net.sizes.parameters[k]:
            expected = before[name] + (plain[name] - before[name]) * rates[k - 1] / 0.1
            np.testing.assert_allclose(own[name], expected, rtol=1e-11, atol=1e-14, err_msg=name)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_frozen_block_stays_norms_shortcut_and_all(optimizer, backend):
    before, after, run = stepped(backend=backend, freeze=(2,), optimizer=optimizer, weight_decay=0.1)
    stayed = {name for name, p in after.items() if np.array_equal(p, before[name])}
    assert stayed == {*run.net.sizes.parameters[2]}
    assert {"g2.2", "b2.4", "W2.5", "g2.6"} <= stayed


def test_gradients_under_dropout_within_blocks_are_those_of_that_steps_loss(backend):
    net = network([*LAYERS, "dense 3"], "bp", backend=backend)
    x, y = IMAGES.x_test, IMAGES.y_test
    found, random = training_gradients(net, x, y), np.random.default_rng(3)
    start = {name: host(net, p) for name, p in net.arena.items()}
    direction = {name: random.normal(size=p.shape) for name, p in start.items()}
    losses = []
    for sign in (1, -1):
        for name, p in net.arena.items():
            put(net, p, start[name] + sign * 1e-6 * direction[name])
        losses.append(float(training_loss(net, x, y)[0]))
    slope = sum((found[name] * d).sum() for name, d in direction.items())
    np.testing.assert_allclose(slope, (losses[0] - losses[1]) / 2e-6, rtol=1e-6)
