"""PEPITA on convolutions: a second pass from x + F e, patches of which meet what changes in front of a pool."""

import numpy as np
import pytest
import reference
from convlab import conv_down, conv_up, layer_of, pool
from layerlab import layered
from rulelab import close, host, network, put, values

import gpufa
from gpufa.rules.forward_only.pepita import PEPITA

NET = ["input 2x6x5", "conv 4 3x3 tanh, pool 2", "mean pool 1x2, conv 3 2x2 groups 1 gelu", "dense 5 tanh", "dense 3"]
draw = np.random.default_rng(0)
BATCH = draw.normal(size=(5, 60)), draw.integers(0, 3, 5)
IMAGES = gpufa.Data(draw.normal(size=(40, 60)), np.arange(40) % 3, draw.normal(size=(6, 60)), np.arange(6) % 3)
f = {name: np.vectorize(reference.ACTIVATIONS[name][0]) for name in ("tanh", "gelu")}
CONV1, POOL1, POOL2, CONV2 = map(layer_of, ("conv 4 3x3", "pool 2", "mean pool 1x2", "conv 3 2x2"))


def sweep(p, x):
    """(what comes into the learning layer, h behind its activation) of each block of NET."""
    h1 = f["tanh"](conv_up(CONV1, p["W1"], p["b1"], x.reshape(2, 6, 5)))
    x2 = pool(POOL2, pool(POOL1, h1)[0])[0]
    h2 = f["gelu"](conv_up(CONV2, p["W2"], p["b2"], x2))
    h3 = f["tanh"](p["W3"] @ h2.ravel() + p["b3"])
    a = p["W4"] @ h3 + p["b4"]
    return [(x.reshape(2, 6, 5), h1), (x2, h2), (h2.ravel(), h3), (h3, np.exp(a) / np.exp(a).sum())]


def test_it_is_the_papers_algorithm_with_h_in_front_of_the_pool(backend):
    """dK sums over places, and the batch is averaged once."""
    net = network(NET, PEPITA(scale=2.0), backend=backend)
    (x, y), p, F = BATCH, values(net), host(net, net.feedback["F"])
    expected = {name: np.zeros(w.shape) for name, w in p.items()}
    for sample, label in zip(x, y, strict=True):
        first = sweep(p, sample)
        e = first[3][1] - np.eye(3)[label]
        second = sweep(p, sample + F @ e)
        for k, conv in ((1, CONV1), (2, CONV2)):
            delta = first[k - 1][1] - second[k - 1][1]
            expected[f"W{k}"] += conv_down(conv, p[f"W{k}"], second[k - 1][0], delta)[0] / len(x)
            expected[f"b{k}"] += delta.sum((1, 2)) / len(x)
        for k, delta in ((3, first[2][1] - second[2][1]), (4, e)):
            expected[f"W{k}"] += np.outer(delta, second[k - 1][0]) / len(x)
            expected[f"b{k}"] += delta / len(x)
    close(net.gradients(x, y), expected, 1e-12)


def test_a_kernel_of_one_place_is_a_dense_layer_at_every_place(backend):
    """CONV-7: (h - ht) xt^T over as many samples as there are places."""
    net = network(["input 3x2x4", "conv 5 1x1 tanh", "dense 3"], PEPITA(scale=2.0), backend=backend)
    x, y = draw.normal(size=(5, 24)), draw.integers(0, 3, 5)
    found, p = net.gradients(x, y), net.pass_for(5)
    xt, W, b = host(net, p.layers("second pass")[0])[0].T, values(net)["W1"][:, :, 0, 0], values(net)["b1"]
    pixels, moved = (a.reshape(5, 3, 8).transpose(0, 2, 1).reshape(-1, 3) for a in (x, xt))
    delta = np.tanh(pixels @ W.T + b) - np.tanh(moved @ W.T + b)
    np.testing.assert_allclose(found["W1"][:, :, 0, 0], delta.T @ moved / 5, rtol=1e-11, atol=1e-15)
    np.testing.assert_allclose(found["b1"], delta.sum(0) / 5, rtol=1e-11, atol=1e-15)


def test_without_feedback_hidden_blocks_stay_and_the_output_has_backprops_gradient(backend):
    net, bp = (network(NET, rule, backend=backend) for rule in ("pepita", "bp"))
    put(net, net.feedback["F"], np.zeros((60, 3)))
    found = net.gradients(*BATCH)
    assert not any(found[f"{kind}{k}"].any() for kind in "Wb" for k in (1, 2, 3))
    close(found, bp.gradients(*BATCH), 1e-14, ["W4", "b4"])


def test_both_passes_share_their_dropout(backend):
    words = ("input 2x6x5", "conv 4 3x3 tanh, dropout 0.5, pool 2", "conv 3 2x2 tanh, pool 1x2, dropout 0.5")
    run = layered(words, rule="pepita", rule_options={"scale": 2.0}, data=IMAGES, seeds=(0, 1), backend=backend)
    for _ in range(3):
        run.step()
        p = run._steps[8].p
        for k, in_front in ((1, True), (2, False)):
            first, second = p.blocks[k], p.beside("second pass")[k]
            h, ht = (host(run.net, block.unpooled.y) for block in (first, second))
            dropped = h == 0
            assert (0.2 < dropped.mean() < 0.8) == in_front
            assert np.array_equal(dropped, ht == 0)
            assert not np.array_equal(h, ht)
            given = host(run.net, second.learning.delta)
            np.testing.assert_allclose(given, h - ht, rtol=1e-12)
            out = host(run.net, p.sent[k]) - host(run.net, p.layers("second pass")[k])
            np.testing.assert_allclose(host(run.net, p.delta[k]), out, rtol=1e-12)
            zero = host(run.net, p.sent[k]) == 0
            assert np.array_equal(zero, host(run.net, p.layers("second pass")[k]) == 0) or in_front


@pytest.mark.parametrize(
    ("words", "last"),
    [
        ("conv 4 3x3 tanh, pool 2", "Act"), ("conv 4 3x3", "Conv2d"), ("pool 2, conv 4 3x3, dropout 0.5", "Dropout"),
        ("conv 4 3x3 relu, dropout 0.5, mean pool 2, tanh", "Dropout"), ("conv 4 3x3 relu, global mean", "Act"),
        ("conv 4 3x3 relu, flatten", "Act"), ("dropout 0.5, dense 4 tanh", "Act"),
    ],
)  # fmt: skip
def test_where_h_is_taken(words, last):
    net = network(["input 2x6x6", words, "dense 3"], "pepita")
    p = net._error(draw.normal(size=(4, 72)), [0, 1, 2, 0])
    assert type(p.blocks[1].unpooled.layer).__name__ == last
    assert p.blocks[1].unpooled.out == p.blocks[1].learning.out
