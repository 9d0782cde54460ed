"""Blocks of convolutions with a loss of their own: each descends it by backprop inside, and hears of no other."""

import numpy as np
import pytest
from rulelab import close, host, network, put, values

NET = [
    "input 2x6x6",
    "conv 4 3x3 tanh, pool 2",
    "residual(conv 4 3x2 gelu, conv 4 3x3 groups 2), mean pool 2x1",
    "conv 3 2x2 tanh, dropout 0.5, dense 4 tanh",
    "dense 3",
]
draw = np.random.default_rng(0)
BATCH = draw.normal(size=(5, 72)), draw.integers(0, 3, 5)


@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
def test_a_block_and_its_head_learn_as_the_net_that_ends_there(loss, backend):
    """All parameters of block k and its head have the gradients of backprop in the net of block k and that output."""
    net = network(NET, "layerwise", loss=loss, backend=backend)
    x, y = BATCH if loss == "cross_entropy" else (BATCH[0], np.eye(3)[BATCH[1]] * 2)
    for k in (1, 2, 3):
        put(net, net.parameters[f"c{k}"], draw.normal(size=3))
    found, theta = net.gradients(x, y), values(net)
    for k in (1, 2, 3):
        cut = network([*NET[: k + 1], "dense 3"], "bp", loss=loss, backend=backend)
        own = {name: name for j in range(1, k + 1) for name in net.sizes.parameters[j]}
        pairs = own | {f"W{k + 1}": f"H{k}", f"b{k + 1}": f"c{k}"}
        for name, ours in pairs.items():
            put(cut, cut.parameters[name], theta[ours])
        true = cut.gradients(x, y)
        mine = {ours: true[name] for name, ours in pairs.items() if ours[0] in "Hc" or ours in net.sizes.parameters[k]}
        assert set(mine) == {*net.sizes.parameters[k], f"H{k}", f"c{k}"}
        close({name: found[name] for name in mine}, mine, 1e-13)


def test_no_block_hears_of_those_above(backend):
    net = network(NET, "layerwise", backend=backend)
    first = net.gradients(*BATCH)
    below = {*net.sizes.parameters[1], "H1", "c1"}
    for name, p in net.parameters.items():
        if name not in below:
            put(net, p, draw.normal(size=p.shape))
    again = net.gradients(*BATCH)
    for name in again:
        assert np.array_equal(again[name], first[name]) == (name in below), name


def test_heads_see_every_unit_of_a_blocks_output():
    net = network(NET, "layerwise")
    assert {name: p.shape for name, p in net.parameters.items() if name[0] == "H"} == {
        "H1": (3, 36), "H2": (3, 12), "H3": (3, 4),
    }  # fmt: skip
    assert host(net, net.parameters["H1"]).std() > 0
