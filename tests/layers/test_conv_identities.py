"""What a net of convolutions must be equal to: dense nets on Toeplitz matrices, other pools, and backprop through any
feedback that is made of its own Jacobian."""

import numpy as np
import pytest
from layerlab import give_jacobians
from rulelab import close, host, network, put, values

import gpufa
from gpufa.rules.direct.topology import Topology
from gpufa.rules.forward_only.forward_forward import ForwardForward

DEEP = [
    "input 2x8x6",
    "conv 4 3x3 tanh, pool 2",
    "residual(conv 4 3x2 gelu, conv 4 3x3 groups 2), mean pool 2x1",
    "conv 3 2x2 pad 1 stride 2 nobias, softplus, dense 5 tanh",
    "dense 3",
]
ALONG = [
    "input 2x13",
    "conv1d 4 3 tanh, pool 2",
    "residual(conv1d 4 3 gelu, conv1d 4 2 groups 2), mean pool 2",
    "conv1d 3 2 pad 1 stride 2 nobias, softplus, dense 5 tanh",
    "dense 3",
]
UNTIED = [
    "input 2x5x4",
    "local 4 3x3 tanh, pool 2",
    "residual(local 4 3x2 gelu, local 4 3x3 groups 2)",
    "local 3 2x2 pad 1 stride 2 nobias, softplus, dense 5 tanh",
    "dense 3",
]
nets = pytest.mark.parametrize("words", [DEEP, ALONG, UNTIED], ids=["conv", "conv1d", "local"])
LINEAR = ["input 2x6x6", "conv 3 3x3 stride 2 pad 1, mean pool 2x1", "conv 4 2x2", "flatten, dense 5", "dense 3"]
TAKING = ["fa", "kp", "usf", "brsf", "frsf", "dfa", "sdfa", "drtp", "dkp", "shallow", "bp", "weight_mirror", "topology",
          "layerwise", "pepita", "forward_forward", "evolution", ForwardForward(label="append"),
          Topology(sources=[[2, 3], 3])]  # fmt: skip


def data(net, m=5, seed=2):
    draw = np.random.default_rng(seed)
    return draw.normal(size=(m, net.sizes.inputs)), draw.integers(0, net.sizes.outputs, m)


def stand_ins(net):
    """By matrix, the live array that stands in for it."""
    arrays = {**net.feedback, **net.parameters}
    return {name: arrays[B] for k in net.sizes.every for name, (B, _) in net.sizes.carriers[k].items()}


def toeplitz(net, k):
    """The matrix and the vector of block k, which is affine: by what it makes of each unit of its input."""
    shape, n = net.sizes.shapes[k - 1], net.sizes.units[k - 1]
    words = [f"input {'x'.join(map(str, shape))}", str(net.sizes.blocks[k - 1]), "dense 2"]
    one = gpufa.Network(words, rule="bp", dtype="float64", backend="numpy")
    for name, p in one.parameters.items():
        if name[1:] != "2":
            put(one, p, host(net, net.parameters[name[0] + str(k) + name[2:]]))
    h = one.signals(np.vstack([np.zeros(n), np.eye(n)]), np.zeros(n + 1, int))["h1"]
    return (h[1:] - h[0]).T, h[0]


@nets
@pytest.mark.parametrize("rule", ["fa", "kp"])
def test_feedback_alignment_through_the_weights_is_backprop_to_the_bit(rule, words, backend):
    """CONV-2."""
    bp, net = (network(words, name, backend=backend) for name in ("bp", rule))
    W = values(net)
    for name, B in stand_ins(net).items():
        put(net, B, W[name].T if W[name].ndim == 2 else W[name])
    found, expected = net.gradients(*data(net)), bp.gradients(*data(net))
    close(found, expected, 0, names=expected)


@pytest.mark.parametrize("rule", ["bp", "fa"])
def test_a_convolution_is_the_dense_layer_of_its_toeplitz_matrix(rule, backend):
    """CONV-3; the tied gradient is what the chain rule makes of the untied one."""
    words = ["input 2x5x4", "conv 3 3x2 stride 2 pad 1 tanh", "dense 3"]
    net = network(words, rule, backend=backend)
    M, c = toeplitz(network(["input 2x5x4", "conv 3 3x2 stride 2 pad 1", "dense 3"], "bp"), 1)
    dense = network([40, len(M), 3], rule, activation="tanh", backend=backend)
    put(dense, dense.parameters["W1"], M)
    put(dense, dense.parameters["b1"], c)
    for name in ("W2", "b2"):
        put(dense, dense.parameters[name], host(net, net.parameters[name]))
    if rule == "fa":
        put(dense, dense.feedback["B1"], host(net, net.feedback["B1"]))
    found, untied = net.gradients(*data(net)), dense.gradients(*data(net))
    close(found, untied, 1e-12, names=["W2", "b2"])
    W = np.zeros((3, 2, 3, 2))
    for at in np.ndindex(*W.shape):
        tap = network(["input 2x5x4", "conv 3 3x2 stride 2 pad 1", "dense 3"], "bp")
        put(tap, tap.parameters["W1"], np.eye(1, W.size, np.ravel_multi_index(at, W.shape)).reshape(W.shape))
        W[at] = (untied["W1"] * toeplitz(tap, 1)[0]).sum()
    np.testing.assert_allclose(found["W1"], W, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(found["b1"], untied["b1"].reshape(3, -1).sum(1), rtol=1e-12)


def test_the_jacobian_as_feedback_makes_direct_feedback_backprop_where_all_is_linear(backend):
    """CONV-4: over convolutions with strides and zeros about, mean pools, flatten."""
    bp, net = (network(LINEAR, rule, backend=backend) for rule in ("bp", "dfa"))
    J = host(net, net.parameters["W4"])
    for k in (3, 2, 1):
        put(net, net.feedback[f"B{k}"], J.T)
        J = J @ toeplitz(net, k)[0]
    close(net.gradients(*data(net)), bp.gradients(*data(net)), 1e-12)


@nets
def test_the_jacobian_of_the_sample_makes_direct_feedback_backprop(words, backend):
    """CONV-4b: on any net, a batch of one; and not on another sample."""
    bp, net = (network(words, rule, backend=backend) for rule in ("bp", "dfa"))
    x, y = data(net, 2)
    give_jacobians(net, bp, bp._error(x[:1], y[:1]))
    close(net.gradients(x[:1], y[:1]), bp.gradients(x[:1], y[:1]), 1e-12)
    assert not np.allclose(net.gradients(x[1:], y[1:])["W1"], bp.gradients(x[1:], y[1:])["W1"])


def test_an_error_behind_a_mean_pool_is_that_before_it_spread(backend):
    """CONV-5: B behind the pool, or each of its rows for the places of a window, over their number."""
    behind = network(["input 1x4x6", "conv 3 3x3 tanh, mean pool 2x3", "dense 3"], "dfa", backend=backend)
    before = network(["input 1x4x6", "conv 3 3x3 tanh", "dense 3"], "dfa", backend=backend)
    for name in ("W1", "b1", "b2"):
        put(before, before.parameters[name], host(behind, behind.parameters[name]))
    B = host(behind, behind.feedback["B1"]).reshape(3, 2, 2, 3)
    put(before, before.feedback["B1"], (B.repeat(2, 1).repeat(3, 2) / 6).reshape(-1, 3))
    W2 = host(behind, behind.parameters["W2"]).reshape(3, 3, 2, 2)
    put(before, before.parameters["W2"], (W2.repeat(2, 2).repeat(3, 3) / 6).reshape(3, -1))
    x, y = data(behind)
    close(behind.gradients(x, y), before.gradients(x, y), 1e-12, names=["W1", "b1", "b2"])


def test_a_kernel_of_one_place_is_a_dense_layer_at_every_place(backend):
    """CONV-7: its gradient is that of a dense layer over as many samples as there are places."""
    conv = network(["input 3x2x4", "conv 5 1x1 tanh", "dense 3"], "dfa", backend=backend)
    x, y = data(conv)
    found, signals = conv.gradients(x, y), conv.signals(x, y)
    pixels = x.reshape(5, 3, 8).transpose(0, 2, 1).reshape(-1, 3)
    W, b = host(conv, conv.parameters["W1"])[:, :, 0, 0], host(conv, conv.parameters["b1"])
    h = np.tanh(pixels @ W.T + b).reshape(5, 8, 5).transpose(0, 2, 1)
    np.testing.assert_allclose(signals["h1"], h.reshape(5, -1), rtol=1e-12)
    delta = (signals["delta1"].reshape(5, 5, 8) * (1 - h**2)).transpose(0, 2, 1).reshape(-1, 5)
    np.testing.assert_allclose(found["W1"][:, :, 0, 0], delta.T @ pixels / 5, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("rule", TAKING, ids=str)
def test_a_kernel_as_large_as_the_maps_is_a_dense_layer(rule, backend):
    """CONV-8, for every rule that takes both."""
    conv = network(["input 2x3x4", "conv 5 3x4 pad valid tanh", "conv 4 1x1 tanh", "dense 3"], rule, backend=backend)
    dense = network([24, 5, 4, 3], rule, activation="tanh", backend=backend)
    for name, p in {**dense.parameters, **dense.feedback}.items():
        own = as_dense(name, host(conv, {**conv.parameters, **conv.feedback}[name]))
        put(dense, p, own.reshape(p.shape))
    x, y = data(conv)
    found, expected = conv.gradients(x, y), dense.gradients(x, y)
    assert found.keys() == expected.keys()
    close({name: as_dense(name, g).reshape(expected[name].shape) for name, g in found.items()}, expected, 1e-12)


def as_dense(name, a):
    """A kernel as a matrix; where it is a stand-in, as that of the transpose."""
    flat = a.reshape(len(a), -1)
    return flat.T if a.ndim == 4 and name[0] == "B" else flat
