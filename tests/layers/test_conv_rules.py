"""Which rules take blocks of convolutions, and what all that do share: frozen blocks, rates, TF32, memory."""

import re
import tracemalloc

import numpy as np
import pytest
from layerlab import layered, stepped
from rulelab import close, host, network, values

import gpufa
from gpufa.rules import RULES, make_rule

SINGLE = "input 2x6x5", "conv 4 3x3 tanh, pool 2, dropout 0.25", "pool 1, conv 4 2x2 gelu", "dense 6 tanh"
NEW = ["weight_mirror", "topology", "layerwise", "pepita", "forward_forward", "evolution"]
EVERY = {"bp", "shallow", "fa", "dfa", "topology", "sdfa", "drtp", "usf", "brsf", "frsf", "kp", "dkp", "weight_mirror",
         "layerwise", "evolution", "rflo", "eprop", "dni_windows", "decolle"}  # fmt: skip
ONE_LAYER = EVERY | {"pepita", "forward_forward"}
BLOCKS = {
    "a convolution": ("conv 4 3x3 logistic", ONE_LAYER),
    "a pool": ("conv 4 3x3 logistic, pool 2", ONE_LAYER),
    "a residual of convolutions": ("residual(conv 2 3x3 logistic, conv 2 3x3)", EVERY),
    "a residual of one": ("residual(conv 2 3x3 logistic)", EVERY),
    "several": ("conv 4 3x3 logistic, pool 2, conv 4 2x2 logistic", EVERY),
}
draw = np.random.default_rng(0)
IMAGES = gpufa.Data(draw.normal(size=(40, 60)), np.arange(40) % 3, draw.normal(size=(6, 60)), np.arange(6) % 3)


def run(rule, steps=4, **settings):
    own = {"rule_options": {"pairs": 2}} if rule == "evolution" else {}
    return stepped(SINGLE, steps, data=IMAGES, rule=rule, **own | settings)


@pytest.mark.parametrize("kind", BLOCKS)
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_takes_a_block_or_names_it_and_the_rules_that_do(rule, kind):
    word, taking = BLOCKS[kind]
    words = ["input 2x6x6", word, "dense 3"]
    if rule in taking:
        found = network(words, rule).gradients(draw.normal(size=(4, 72)), [0, 1, 2, 0])
        assert found["W2" if rule == "shallow" else next(iter(found))].any()
        return
    with pytest.raises(gpufa.InvalidValue) as error:
        gpufa.Network(words, rule=rule, backend="numpy")
    text = str(error.value)
    rest = text.partition(f"rule {rule!r} takes blocks")[2].partition(f"block 1 is '{word}'; use one of ")[2]
    assert {*rest.partition(", or leave ")[0].split(", ")} == taking
    assert text.count(". ") == 0


@pytest.mark.parametrize(
    ("rule", "words", "text"),
    [
        ("dni", ["conv 4 1x1 tanh"], "takes blocks of one dense layer each, and block 1 is 'conv 4 1x1 tanh'"),
        ("ifa", ["dense 4 tanh", "dense 4, tanh, dense 3"], "each, and block 2 is 'dense 4 tanh, dense 3'"),
        ("pepita", ["conv 4 1x1 tanh", "conv 4 1x1 tanh, dense 4"],
         "takes blocks in which one layer learns, under no skip connection, and block 2 is 'conv 4 1x1 tanh, dense 4'"),
        ("layerwise", ["dense 4 tanh", "residual(dense 4 tanh)"], "knows no skip connections, and block 2 is 'resi"),
    ],
)  # fmt: skip
def test_what_is_refused_is_named(rule, words, text):
    with pytest.raises(gpufa.InvalidValue, match=re.escape(text)):
        gpufa.Network(["input 2x6x6", *words, "dense 3"], rule=rule, backend="numpy")


@pytest.mark.parametrize(
    ("options", "way", "leave"),
    [
        ({"inject": "pre_activation"}, "inject = 'pre_activation'", "rule.inject"),
        (
            {"law": "sign", "nonlinearity": "relu", "inject": "pre_activation"},
            "inject = 'pre_activation' and with nonlinearity = 'relu'",
            "rule.inject and rule.nonlinearity",
        ),
    ],
)
def test_an_option_at_fault_is_named_and_its_rule_not_offered(options, way, leave):
    with pytest.raises(gpufa.InvalidValue) as error:
        gpufa.Network(["input 2x6x6", "conv 4 3x3 tanh", "dense 3"], rule=make_rule("dfa", options), backend="numpy")
    text = f"rule 'dfa' with {way} takes blocks of one dense layer each, and block 1 is 'conv 4 3x3 tanh'; "
    assert str(error.value).startswith(f"{text}leave --set {leave} out, use one of bp, shallow, fa, topology, ")


@pytest.mark.parametrize("rule", NEW)
def test_frozen_blocks_stay_and_each_has_its_own_rate(rule, backend):
    settings = {"optimizer": "sgd", "lr": 0.1, "seeds": (0,), "backend": backend}
    before, frozen = values(run(rule, 0, **settings).net), values(run(rule, freeze=(2,), **settings).net)
    still = {name for name, p in frozen.items() if np.array_equal(p, before[name])}
    untrained = {"W4", "b4"} if rule == "forward_forward" else set()
    assert still == {"W2", "b2"} | untrained
    first, second = (
        values(run(rule, 1, **settings | {"layer_lr": rates}).net) for rates in ((0.1,) * 4, (0.1, 0.3, 0.2, 0.1))
    )
    for name, p in first.items():
        factor = {"2": 3, "3": 2}.get(name[1], 1) if name[0] in "Wb" else 1
        np.testing.assert_allclose(second[name] - before[name], factor * (p - before[name]), rtol=1e-9, atol=1e-13)


@pytest.mark.gpu
@pytest.mark.parametrize("rule", NEW)
def test_tf32_trains(rule):
    settings = {"dtype": "float32", "optimizer": "momentum", "lr": 0.02, "backend": "cupy"}
    close(values(run(rule, precision="tf32", **settings).net), values(run(rule, **settings).net), 0.05)


@pytest.mark.gpu
@pytest.mark.parametrize("rule", NEW)
def test_bf16_is_refused(rule):
    with pytest.raises(gpufa.InvalidValue, match="bf16"):
        run(rule, 0, precision="bf16", dtype="float32", backend="cupy")


@pytest.mark.parametrize("rule", NEW)
def test_nothing_is_allocated_in_a_step(rule):
    made = run(rule, 2, seeds=(0, 1))
    tracemalloc.start()
    for _ in range(2):
        made.step()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60_000, peak


DEEP = "input 1x8x8", "conv 8 3x3 relu, pool 2", "conv 8 3x3 relu, pool 2", "dense 16 tanh"
LEARNED = {  # (hidden blocks, options, learning rate, error in percent that they stay below), guessing is 90
    "weight_mirror": (DEEP, {}, 3e-3, 40), "topology": (DEEP, {}, 3e-3, 40), "layerwise": (DEEP, {}, None, 40),
    "evolution": (DEEP, {"pairs": 16}, None, 75), "pepita": (DEEP[:2], {}, None, 20),
    "forward_forward": (("input 1x8x8", "conv 16 5x5 relu, pool 2", "dense 64 relu"), {"label": "append"}, 0.01, 40),
}  # fmt: skip


@pytest.mark.parametrize("rule", NEW)
def test_images_are_learned(rule):
    layers, options, lr, most = LEARNED[rule]
    settings = {"epochs": 8, "seeds": (0,), "backend": "numpy", "rule_options": options, "lr": lr}
    errors = gpufa.train(gpufa.Config(rule=rule, layers=layers, **settings)).summary["test_error"]
    assert errors[0] < most, errors


def test_evolution_descends_the_slopes_that_its_losses_have(backend):
    rule = make_rule("evolution", {"pairs": 3, "sigma": 0.1})
    net = network(["input 2x6x5", "residual(conv 2 3x3 gelu), pool 2", "conv 3 2x2 tanh", "dense 3"], rule, seed=4,
                  backend=backend)  # fmt: skip
    x, y = IMAGES.x_test, IMAGES.y_test
    found, start, names = net.gradients(x, y), values(net), list(net.parameters)
    close(values(net), start, 0)
    expected = {name: np.zeros(p.shape) for name, p in start.items()}
    for pair in range(3):
        eps = {}
        for i, name in enumerate(names):
            eps[name] = net.backend.zeros((1, *start[name].shape), "float64")
            net.pass_for(len(x)).random("normal", eps[name], stream=pair * len(names) + i)
        losses = []
        for sign in (1, -1):
            for name in names:
                net.parameters[name][...] = net.backend.to_device(start[name] + sign * 0.1 * host(net, eps[name])[0])
            losses.append(net.loss(x, y))
        for name in names:
            expected[name] += (losses[0] - losses[1]) / (2 * 0.1 * 3) * host(net, eps[name])[0]
    close(found, expected, 1e-10)


def test_a_net_of_blocks_of_ones_own_learns_by_layers_of_any_kind():
    """Dense layers in blocks of several are no other case than convolutions."""
    words = ["input 6", "dropout 0.5, dense 5 tanh", "dense 4 gelu, dropout 0.25", "dense 3"]
    for rule in ("pepita", "forward_forward", make_rule("forward_forward", {"label": "append"})):
        net, plain = (network(w, rule) for w in (words, ["input 6", "dense 5 tanh", "dense 4 gelu", "dense 3"]))
        assert net.sizes.layered == (1, 2)
        x, y = draw.normal(size=(5, 6)), [0, 1, 2, 0, 1]
        close(net.gradients(x, y), plain.gradients(x, y), 1e-13)
    for rule in ("pepita", "forward_forward"):
        layered(words[1:3], rule=rule, optimizer="adam").step()
