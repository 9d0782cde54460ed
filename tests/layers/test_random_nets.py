"""Nets of random blocks, nested at random, against the loops; and the rest of a run's settings with layers."""

import numpy as np
import pytest
from layerlab import by_replica, layered, slow_gradients
from rulelab import close, host, values

import gpufa
from gpufa.commands.main import main
from gpufa.layers import Act, Chain, Dense, Dropout, Residual
from gpufa.net.shape.layout import Layout

SMOOTH = ["tanh", "gelu", "softplus", "identity"]


def random_layers(draw, width, depth):
    """Some layers above that width; returns them and the width at their end."""
    layers = []
    for _ in range(draw.integers(1, 4)):
        kind = draw.choice(["dense", "act", "dropout", "residual"][: 4 if depth else 3])
        if kind == "dense":
            layers.append(Dense(width := int(draw.integers(1, 6))))
        elif kind == "act":
            layers.append(Act(str(draw.choice(SMOOTH))))
        elif kind == "dropout":
            layers.append(Dropout(float(draw.choice([0, 0.25, 0.5]))))
        else:
            inner, end = random_layers(draw, width, depth - 1)
            layers.append(Residual((*inner, *([] if end == width else [Dense(width)]))))
    return layers, width


def random_net(seed):
    """Hidden blocks above six inputs."""
    draw, width, blocks = np.random.default_rng(seed), 6, []
    for _ in range(draw.integers(1, 5)):
        layers, width = random_layers(draw, width, 2)
        if not any(own.parameters((1,)) for own, _ in Chain(tuple(layers)).walk((1,))):
            layers.append(Dense(width := int(draw.integers(1, 6))))
        alone = len(layers) == 1 and isinstance(layers[0], Residual)
        blocks.append(layers[0] if alone else Chain(tuple(layers)))
    return blocks


@pytest.mark.parametrize("rule", ["bp", "fa", "dfa", "kp"])
@pytest.mark.parametrize("seed", range(15))
def test_a_step_of_a_random_net_is_the_slow_one(seed, rule, backend):
    blocks = random_net(seed)
    settings = {"rule": rule, "optimizer": "sgd", "lr": 0.5, "weight_decay": 0.0, "seeds": (0, 1)}
    run = layered(blocks, **settings, backend=backend)
    net, before = run.net, by_replica(run.net)
    if net.sizes.dropout:
        pytest.skip("its dropout is that of the fused path, which test_same_bits is about")
    stand_ins = {name: B for k in net.sizes.every for name, (B, _) in net.sizes.carriers[k].items()}
    carriers = {"fa": lambda: {n: host(net, net.fixed[B]) for n, B in stand_ins.items()},
                "kp": lambda: {n: before[B] for n, B in stand_ins.items()}}.get(rule, dict)()  # fmt: skip
    straight = {k: host(net, net.fixed[f"B{k}"]) for k in net.sizes.hidden} if rule == "dfa" else None
    run.step()
    after = by_replica(net)
    for r in (0, 1):
        expected = slow_gradients(net, run._steps[8].p, before, r, carriers, straight)
        assert expected.keys() == {name for k in net.sizes.every for name in net.sizes.parameters[k]}
        close({name: (before[name][r] - after[name][r]) / 0.5 for name in expected}, expected, 1e-12)


@pytest.mark.parametrize("seed", range(15))
def test_a_random_net_is_its_words(seed):
    blocks = [*random_net(seed), Chain((Dense(3),))]
    words = Layout.of(6, blocks).words
    nets = [gpufa.Network(given, rule="kp", seed=seed, backend="numpy") for given in (words, ["input 6", *blocks])]
    close(values(nets[0]), values(nets[1]), 0)
    assert nets[0].sizes.words == nets[1].sizes.words == words


LAYERS = ["dense 6 tanh", "residual(dense 6 gelu)", "dense 4 relu"]


@pytest.mark.parametrize(
    "settings",
    [
        {"adversarial": 0.1},
        {"adversarial": 0.1, "adversarial_mix": "beside"},
        {"input_dropout": 0.25},
        {"gradient": "sum", "lr": 1e-3},
        {"clip": 0.1},
        {"input_noise": 0.5},
        {"schedule": "cosine", "warmup": 2},
        {"rule": "dfa", "rule_options": {"staleness": 2}},
        {"rule": "dfa", "rule_options": {"nonlinearity": "mlp", "width": 5}},
        {"rule": "dfa", "rule_options": {"rank": 2}},
        {"rule": "dfa", "rule_options": {"shared": True, "density": 0.5}},
        {"rule": "drtp", "rule_options": {"centre": False}},
    ],
    ids=str,
)
@pytest.mark.parametrize("rule", ["bp", "fa"])
def test_settings_do_the_same_to_layers_one_by_one(rule, settings, backend, monkeypatch):
    def trained():
        own = {"rule": rule, "optimizer": "momentum", "lr": 0.02, "seeds": (0, 1), "backend": backend} | settings
        run = layered(LAYERS, **own)
        for _ in range(3):
            run.step()
        assert run.net.sizes.layered == (() if fused is None else (1, 2, 3))
        return values(run.net)

    fused = None
    fused = trained()
    monkeypatch.setattr(Layout, "one_dense", lambda self, k: None if k < self.L else self.blocks[k - 1].one_dense)
    close(trained(), fused, 1e-11)


def test_the_command_line_takes_layers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ("dense 8 tanh, dropout 0.25, dense 6", "residual(dense 6 gelu)")
    common = ["--epochs", "1", "--backend", "numpy", "--seeds", "0", "--samples", "200"]
    assert main(["train", "--layers", *words, *common, "--out", "run"]) == 0
    net = gpufa.load("run")
    assert net.sizes.words == ["input 64", *words, "dense 10"]
    again = gpufa.train(gpufa.Config(layers=words, epochs=1, backend="numpy", seeds=(0,), samples=200)).network
    close(values(net), values(again), 0)
    assert main(["train", "run/config.toml", "--out", "again"]) == 0
    close(values(gpufa.load("again")), values(net), 0)
