"""What convolution along one axis and untied kernels must be equal to: other layers that say the same."""

import numpy as np
import pytest
from rulelab import close, host, network, put
from test_conv_identities import TAKING, data
from windowlab import repeated

SAME = [
    (["input 2x9", "conv1d 4 3 stride 2 pad 1 tanh, pool 2", "dense 5 tanh"],
     ["input 2x9x1", "conv 4 3x1 stride 2x1 pad 1x0 tanh, pool 2x1", "dense 5 tanh"]),
    (["input 3x8", "conv1d 4 4 dilation 2 gelu, mean pool 3 stride 2", "dense 5 tanh"],
     ["input 3x1x8", "conv 4 1x4 dilation 1x2 gelu, mean pool 1x3 stride 1x2", "dense 5 tanh"]),
    (["input 4x8", "conv1d 4 2 groups 2 nobias", "conv1d 3 3 pad valid, global mean"],
     ["input 4x8x1", "conv 4 2x1 groups 2 nobias", "conv 3 3x1 pad valid, global mean"]),
]  # fmt: skip


def into(net, other):
    """The parameters and feedback of `other` as far as `net` has them, by name and in its shapes."""
    theirs = {**other.parameters, **other.feedback}
    for name, p in {**net.parameters, **net.feedback}.items():
        put(net, p, host(other, theirs[name]).reshape(p.shape))


@pytest.mark.parametrize("rule", TAKING)
@pytest.mark.parametrize(("along", "maps"), SAME)
def test_along_one_axis_is_on_maps_one_place_wide(along, maps, rule, backend):
    one, two = (network([*words, "dense 3"], rule, backend=backend) for words in (along, maps))
    into(one, two)
    x, y = data(one)
    found, expected = one.gradients(x, y), two.gradients(x, y)
    assert found.keys() == expected.keys()
    close({name: g.reshape(expected[name].shape) for name, g in found.items()}, expected, 1e-12)
    np.testing.assert_allclose(one.predict(x), two.predict(x), rtol=1e-13)
    np.testing.assert_array_equal(one.predict(x.reshape(len(x), *one.sizes.shapes[0])), one.predict(x))


@pytest.mark.parametrize(
    "word", ["conv 4 3x3", "conv 4 2x3 stride 2", "conv 6 3x3 groups 2 pad valid", "conv 4 3x3 pad 2 nobias"]
)
@pytest.mark.parametrize("rule", ["bp", "dfa"])
def test_one_kernel_at_every_place_is_convolution(word, rule, backend):
    """And the gradient of it is the sum over the places of theirs."""
    tied, untied = (
        network(["input 2x6x5", f"{kind} tanh, pool 2", "dense 3"], rule, backend=backend)
        for kind in (word, word.replace("conv", "local"))
    )
    put(untied, untied.parameters["W1"], repeated(probe(untied), host(tied, tied.parameters["W1"]))[0])
    if "b1" in tied.parameters:
        b = host(tied, tied.parameters["b1"])
        put(untied, untied.parameters["b1"], np.repeat(b, repeated(probe(untied), b[:, None, None, None])[1]))
    for name in ("W2", "b2"):
        put(untied, untied.parameters[name], host(tied, tied.parameters[name]))
    if rule == "dfa":
        put(untied, untied.feedback["B1"], host(tied, tied.feedback["B1"]))
    x, y = data(tied)
    np.testing.assert_allclose(untied.predict(x), tied.predict(x), rtol=1e-12)
    found, expected = untied.gradients(x, y), tied.gradients(x, y)
    close({name: found[name] for name in ("W2", "b2")}, expected, 1e-12, names=["W2", "b2"])
    np.testing.assert_allclose(found["W1"].sum((1, 2)), expected["W1"], rtol=1e-12, atol=1e-14)
    if "b1" in expected:
        np.testing.assert_allclose(found["b1"].reshape(len(expected["b1"]), -1).sum(1), expected["b1"], rtol=1e-12)


def probe(net):
    """A net of block 1's untied layer alone, whose output is its own."""
    word = str(net.sizes.blocks[0].layers[0])
    return network([f"input {'x'.join(map(str, net.sizes.shapes[0]))}", word, "dense 2"], "bp")


@pytest.mark.parametrize("rule", TAKING)
def test_one_place_is_a_dense_layer(rule, backend):
    local = network(["input 2x3x4", "local 5 3x4 pad valid tanh", "local 4 1x1 tanh", "dense 3"], rule, backend=backend)
    dense = network([24, 5, 4, 3], rule, activation="tanh", backend=backend)
    for name, p in {**dense.parameters, **dense.feedback}.items():
        put(dense, p, flat(name, host(local, {**local.parameters, **local.feedback}[name])).reshape(p.shape))
    x, y = data(local)
    found, expected = local.gradients(x, y), dense.gradients(x, y)
    assert found.keys() == expected.keys()
    close({name: flat(name, g).reshape(expected[name].shape) for name, g in found.items()}, expected, 1e-12)


def flat(name, a):
    """Kernels of one place as a matrix; where they are stand-ins, as that of the transpose."""
    matrix = a.reshape(len(a), -1)
    return matrix.T if a.ndim == 6 and name[0] == "B" else matrix


def test_no_place_learns_from_another(backend):
    """The gradient of a place's kernels is that of a dense layer on what it sees."""
    net = network(["input 1x4x4", "local 3 2x2 stride 2 pad valid tanh", "dense 3"], "dfa", backend=backend)
    x, y = data(net)
    found, signals = net.gradients(x, y), net.signals(x, y)
    delta = (signals["delta1"] * (1 - signals["h1"] ** 2)).reshape(-1, 3, 2, 2)
    images = x.reshape(-1, 4, 4)
    for i, j in np.ndindex(2, 2):
        seen = images[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].reshape(len(x), -1)
        expected = delta[:, :, i, j].T @ seen / len(x)
        np.testing.assert_allclose(found["W1"][:, i, j].reshape(3, -1), expected, rtol=1e-12, atol=1e-15)
