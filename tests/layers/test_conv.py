"""Convolution and pooling, up and down, against plain loops: any kernel, stride, padding, dilation and groups."""

import numpy as np
import pytest
from convlab import CONVS, POOLS, Handed, Standing, by_columns, conv_down, conv_up, pool
from rulelab import close, host, network

from gpufa.backends.cpu.machine.compiler import compiler
from gpufa.backends.operations import places
from gpufa.net.learning.gradients import Gradients

NET = ["input 3", "dense 2"]
convs = pytest.mark.parametrize(("word", "shape"), CONVS)
pools = pytest.mark.parametrize(("word", "shape"), POOLS)
SHARED = pytest.mark.parametrize("shared", [False, True], ids=["own inputs", "shared inputs"])


def standing(word, shape, backend, shared=False, x=None):
    """The layer over two replicas of three samples, and its inputs."""
    x = np.random.default_rng(3).normal(size=(*([] if shared else [2]), *shape, 3)) if x is None else x
    return Standing(network(NET, "bp", backend=backend, seeds=(0, 1)), word, shape, x), x


def own(x, r):
    return x[r] if x.ndim == 5 else x


@pytest.fixture(params=["machine code", "columns"])
def by(request, monkeypatch):
    if request.param == "columns":
        by_columns(monkeypatch)
    elif not compiler():
        pytest.skip("no C++ compiler")


@convs
@SHARED
@pytest.mark.usefixtures("by")
def test_convolution_is_the_loop(word, shape, shared, backend):
    at, x = standing(word, shape, backend, shared)
    W, b = at.w["W"], at.w.get("b", np.zeros((2, at.layer.n)))
    found, down, grads = at.up(), at.down(), Handed(at)
    expected = np.zeros(W.shape)
    for r, s in np.ndindex(2, 3):
        np.testing.assert_allclose(
            found[r, ..., s], conv_up(at.layer, W[r], b[r], own(x, r)[..., s]), rtol=1e-12, atol=1e-13
        )
        dW, signal = conv_down(at.layer, W[r], own(x, r)[..., s], at.delta[r, ..., s])
        np.testing.assert_allclose(down[r, ..., s], signal, rtol=1e-12, atol=1e-13)
        expected[r] += dW
    np.testing.assert_allclose(grads["W9"], expected, rtol=1e-12, atol=1e-13)
    if at.layer.bias:
        np.testing.assert_allclose(grads["b9"], at.delta.sum((2, 3, 4)), rtol=1e-12)
    else:
        assert "b9" not in grads


@convs
def test_a_signal_goes_back_through_the_kernel_that_stands_in(word, shape, backend):
    at, x = standing(word, shape, backend)
    B = np.random.default_rng(8).normal(size=at.w["W"].shape)
    at.up()
    down = at.down({"W9": at.net.backend.to_device(B)})
    for r, s in np.ndindex(2, 3):
        expected = conv_down(at.layer, B[r], x[r, ..., s], at.delta[r, ..., s])[1]
        np.testing.assert_allclose(down[r, ..., s], expected, rtol=1e-12, atol=1e-13)


@convs
def test_columns_in_parts_are_the_whole(word, shape, backend, monkeypatch):
    def found():
        at, _ = standing(word, shape, backend)
        return {"up": at.up(), "down": at.down(), **Handed(at)}

    by_columns(monkeypatch)
    whole = found()
    monkeypatch.setattr(places, "TILE", 1)
    close(found(), whole, 1e-12)


@pools
@SHARED
@pytest.mark.usefixtures("by")
def test_pools_are_the_loop(word, shape, shared, backend):
    at, x = standing(word, shape, backend, shared)
    found, down = at.up(), at.down()
    for r, s in np.ndindex(2, 3):
        if word == "flatten":
            np.testing.assert_array_equal(found[r, :, s], own(x, r)[..., s].ravel())
            np.testing.assert_array_equal(down[r, ..., s].ravel(), at.delta[r, :, s])
            continue
        delta = at.delta[r, ..., s].reshape(shape[0], *at.out[1:] or (1, 1))
        y, signal = pool(at.layer, own(x, r)[..., s], delta)
        np.testing.assert_allclose(found[r, ..., s].reshape(y.shape), y, rtol=1e-13)
        np.testing.assert_allclose(down[r, ..., s], signal, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("word", ["pool 2", "pool 3 stride 1"])
@pytest.mark.usefixtures("by")
def test_of_several_largest_the_first_has_the_error(word, backend):
    x = np.random.default_rng(0).integers(0, 2, (2, 2, 4, 4, 3)).astype(float)
    at, _ = standing(word, (2, 4, 4), backend, x=x)
    at.up()
    down = at.down()
    for r, s in np.ndindex(2, 3):
        np.testing.assert_allclose(down[r, ..., s], pool(at.layer, x[r, ..., s], at.delta[r, ..., s])[1], atol=1e-15)


@pytest.mark.parametrize(("word", "shape"), [*CONVS, *POOLS])
def test_shapes_are_known_before_anything_runs(word, shape):
    at, x = standing(word, shape, "numpy")
    first = own(x, 0)[..., 0]
    if word == "flatten":
        assert at.out == (first.size,)
    elif "conv" in word:
        assert at.out == conv_up(at.layer, at.w["W"][0], np.zeros(at.layer.n), first).shape
    else:
        assert (*at.out, 1, 1)[:3] == pool(at.layer, first)[0].shape


def test_same_keeps_the_maps_as_large_as_they_are():
    for word in ("conv 2 3x3", "conv 2 4x4", "conv 2 5x2", "conv 2 3x3 dilation 3"):
        assert standing(word, (1, 5, 6), "numpy")[0].out == (2, 5, 6)
    assert standing("conv 2 3x3 stride 2", (1, 5, 6), "numpy")[0].out == (2, 3, 3)


def test_the_sums_add_up_what_layers_hand_over_in_parts(backend, monkeypatch):
    words = ["input 2x5x4", "conv 4 3x3 groups 2 tanh, pool 2", "dense 3"]
    net = network(words, "bp", backend=backend, seeds=(0, 1))
    x, y = np.random.default_rng(1).normal(size=(6, 40)), np.arange(6) % 3
    by_columns(monkeypatch)
    whole = net.gradients(x, y)
    monkeypatch.setattr(places, "TILE", 1)
    close(net.gradients(x, y), whole, 1e-12)
    p = net.judged(net.backend.to_device(x), net.backend.to_device(y))
    twice = net.new_arena()
    grads = Gradients(twice, [(1 / p.m, net.sizes.every)], running=[slice(0, 1), slice(1, 2)], accumulate=True)
    for _ in range(2):
        net.rule.deltas(p, p.e)
        grads.layers_of(p)
    close({name: host(net, g) / 2 for name, g in twice.items()}, whole, 1e-12)
