"""Any graph of feedback over blocks of convolutions: its points, sums, and what can't be."""

import re

import numpy as np
import pytest
from rulelab import close, host, network, put

import gpufa
from gpufa.rules.direct.topology import Topology

NET = ["input 2x6x6", "conv 4 3x3 tanh, pool 2", "pool 1, conv 3 2x2 gelu", "residual(conv 3 3x3 tanh)", "dense 3"]
DEEP = ["input 2x6x6", "conv 4 3x3 tanh, pool 2", "residual(conv 4 3x2 gelu, conv 4 3x3)", "dense 5, tanh, dense 4",
        "dense 3"]  # fmt: skip
draw = np.random.default_rng(0)
BATCH = draw.normal(size=(5, 72)), draw.integers(0, 3, 5)


def deltas(net):
    p = net._error(*BATCH)
    net.rule.deltas(p, p.e)
    return {k: host(net, p.delta[k])[0] for k in net.sizes.every}


@pytest.mark.parametrize("words", [NET, DEEP], ids=["one layer a block", "several"])
def test_fa_and_dfa_are_points_of_it(words, backend):
    fa, dfa = (network(words, rule, backend=backend) for rule in ("fa", "dfa"))
    chain = network(words, Topology(sources=[2, 3, 4]), backend=backend)
    for name, B in chain.feedback.items():
        put(chain, B, host(fa, fa.feedback[name.partition(" ")[0]]))
    close(chain.gradients(*BATCH), fa.gradients(*BATCH), 0)
    direct = network(words, Topology(), backend=backend)
    for k in (1, 2, 3):
        put(direct, direct.feedback[f"B{k} from 4"], host(dfa, dfa.feedback[f"B{k}"]))
    close(direct.gradients(*BATCH), dfa.gradients(*BATCH), 1e-13)


def test_several_sources_add_up_at_a_blocks_output(backend):
    """What arrives from 2 and from 4 is the sum of what arrives from each, one of them through kernels."""
    both = network(DEEP, Topology(sources=[[2, 4], [3, 4], 4]), backend=backend)
    assert {name: b.shape for name, b in both.feedback.items()} == {
        "B1.1 from 2": (4, 4, 3, 2), "B1.2 from 2": (4, 4, 3, 3), "B1 from 4": (36, 3),
        "B2.1 from 3": (36, 5), "B2.2 from 3": (5, 4), "B2 from 4": (36, 3), "B3 from 4": (4, 3),
    }  # fmt: skip
    parts = []
    for sources in ([2, [3, 4], 4], [4, [3, 4], 4]):
        one = network(DEEP, Topology(sources=sources), backend=backend)
        for name, B in one.feedback.items():
            put(one, B, host(both, both.feedback[name]))
        parts.append(deltas(one)[1])
    np.testing.assert_allclose(deltas(both)[1], sum(parts), rtol=1e-12, atol=1e-15)
    found = network(DEEP, Topology(sources=[[2, 4], [3, 4], 4]), backend=backend).gradients(*BATCH)
    close(found, both.gradients(*BATCH), 0)


def test_a_source_that_is_not_right_above_sends_by_a_matrix_of_all_units(backend):
    net = network(NET, Topology(sources=[3, -1, -1]), backend=backend)
    B, delta = host(net, net.feedback["B1 from 3"]), deltas(net)
    assert B.shape == (36, 27)
    np.testing.assert_allclose(delta[1], B @ delta[3], rtol=1e-12, atol=1e-15)


def test_a_block_that_sends_to_none_below_has_its_own_weights_inside(backend):
    """Block 2 sends to block 1 here, and learns by B inside; there it does not, and learns by its own weights."""
    one, other = (network(DEEP, Topology(sources=s), backend=backend) for s in ([2, 4, 4], [4, 4, 4]))
    for net in (one, other):
        for B in net.feedback.values():
            put(net, B, np.random.default_rng(len(B)).normal(size=B.shape))
    before = [net.gradients(*BATCH)["W2.1"] for net in (one, other)]
    put(one, one.feedback["B1.2 from 2"], 2 * host(one, one.feedback["B1.2 from 2"]))
    np.testing.assert_allclose(one.gradients(*BATCH)["W2.1"], 2 * before[0], rtol=1e-12)
    assert not np.allclose(*before)


@pytest.mark.parametrize(
    ("sources", "layers", "text"),
    [
        ([4, 1, 4], NET, "layer 2 can't have a source below it, 1, through W_2, where block 1 is 'conv 4 3x3 ta"),
        ([4, 4, 2], [*NET[:3], "dense 4 tanh", "dense 3"], "layer 3 can't have a source below it, 2, through W_3, wh"),
        ([4, 4, 2], [*NET[:3], "dense 4 tanh", "dense 3"], "'pool 1, conv 3 2x2 gelu' and not one dense layer; give"),
    ],
)  # fmt: skip
def test_a_source_below_goes_through_dense_layers_alone(sources, layers, text):
    with pytest.raises(gpufa.InvalidValue, match=re.escape(text)):
        gpufa.Network(layers, rule=Topology(sources=sources), backend="numpy")
