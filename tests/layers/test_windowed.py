"""Convolution along one axis, pools there, and untied kernels, up and down, against plain loops."""

import numpy as np
import pytest
from convlab import Handed, Standing, by_columns
from rulelab import close, host, network
from windowlab import ALONG, TIMES, UNTIED, biases, down, pooled, up

from gpufa.backends.operations import places
from gpufa.net.learning.gradients import Gradients

NET = ["input 3", "dense 2"]
words = pytest.mark.parametrize(("word", "shape"), [*ALONG, *UNTIED])
SHARED = pytest.mark.parametrize("shared", [False, True], ids=["own inputs", "shared inputs"])


def standing(word, shape, backend, shared=False):
    """The layer over two replicas of three samples, and its inputs."""
    x = np.random.default_rng(3).normal(size=(*([] if shared else [2]), *shape, 3))
    return Standing(network(NET, "bp", backend=backend, seeds=(0, 1)), word, shape, x), x


def own(x, r, shape):
    return x[r] if x.ndim == len(shape) + 2 else x


@words
@SHARED
def test_up_and_down_are_the_loop(word, shape, shared, backend):
    at, x = standing(word, shape, backend, shared)
    W, b = at.w["W"], at.w.get("b", np.zeros((2, *at.out)) if "local" in word else np.zeros((2, at.layer.n)))
    found, below, grads = at.up(), at.down(), Handed(at)
    dW, db = np.zeros(W.shape), np.zeros(b.reshape(2, -1).shape)
    assert at.out == up(at.layer, W[0], b[0], own(x, 0, shape)[..., 0]).shape
    for r, s in np.ndindex(2, 3):
        one, delta = own(x, r, shape)[..., s], at.delta[r, ..., s]
        np.testing.assert_allclose(found[r, ..., s], up(at.layer, W[r], b[r], one), rtol=1e-12, atol=1e-13)
        gradient, signal = down(at.layer, W[r], one, delta)
        np.testing.assert_allclose(below[r, ..., s], signal, rtol=1e-12, atol=1e-13)
        dW[r] += gradient
        db[r] += biases(at.layer, delta)
    expected = {"W9": dW, "b9": db} if at.layer.bias else {"W9": dW}
    close(grads, expected, 1e-12)


@words
def test_a_signal_goes_back_through_the_kernels_that_stand_in(word, shape, backend):
    at, x = standing(word, shape, backend)
    B = np.random.default_rng(8).normal(size=at.w["W"].shape)
    at.up()
    below = at.down({"W9": at.net.backend.to_device(B)})
    for r, s in np.ndindex(2, 3):
        expected = down(at.layer, B[r], x[r, ..., s], at.delta[r, ..., s])[1]
        np.testing.assert_allclose(below[r, ..., s], expected, rtol=1e-12, atol=1e-13)


@words
@SHARED
def test_columns_in_parts_are_the_whole(word, shape, shared, backend, monkeypatch):
    def found():
        at, _ = standing(word, shape, backend, shared)
        return {"up": at.up(), "down": at.down(), **Handed(at)}

    by_columns(monkeypatch)
    whole = found()
    monkeypatch.setattr(places, "TILE", 1)
    close(found(), whole, 1e-12)


@pytest.mark.parametrize(("word", "shape"), TIMES)
@SHARED
def test_pools_along_time_are_the_loop(word, shape, shared, backend):
    at, x = standing(word, shape, backend, shared)
    found, below = at.up(), at.down()
    for r, s in np.ndindex(2, 3):
        one, delta = own(x, r, shape)[..., s], at.delta[r, ..., s]
        if word == "flatten":
            y, signal = one.ravel(), delta.reshape(shape)
        else:
            y, signal = pooled(word, one, delta)
        np.testing.assert_allclose(found[r, ..., s].ravel(), y.ravel(), rtol=1e-13)
        np.testing.assert_allclose(below[r, ..., s].reshape(shape), signal, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(
    "layers",
    [
        ["input 2x9", "conv1d 4 3 groups 2 tanh, pool 2", "dense 3"],
        ["input 2x5x4", "local 4 3x3 groups 2 tanh, pool 2", "dense 3"],
    ],
    ids=["conv1d", "local"],
)
@pytest.mark.parametrize("seeds", [(0, 1), tuple(range(24))], ids=["2 replicas", "more replicas than places"])
def test_the_sums_add_up_what_is_handed_over_in_parts(layers, seeds, backend, monkeypatch):
    net = network(layers, "bp", backend=backend, seeds=seeds)
    x, y = np.random.default_rng(1).normal(size=(6, net.sizes.inputs)), np.arange(6) % 3
    by_columns(monkeypatch)
    whole = net.gradients(x, y)
    one = network(layers, "bp", backend="numpy", seeds=seeds)
    close(whole, one.gradients(x, y), 1e-12)
    monkeypatch.setattr(places, "TILE", 1)
    close(net.gradients(x, y), whole, 1e-12)
    p = net.judged(net.backend.to_device(x), net.backend.to_device(y))
    twice, parts = net.new_arena(), [slice(0, 1), slice(1, len(seeds))]
    grads = Gradients(twice, [(1 / p.m, net.sizes.every)], running=parts, accumulate=True)
    for _ in range(2):
        net.rule.deltas(p, p.e)
        grads.layers_of(p)
    close({name: host(net, g) / 2 for name, g in twice.items()}, whole, 1e-12)
