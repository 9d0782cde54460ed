"""Nets of attention are exact: differences of the loss, replicas, what causal masks and residual streams must do."""

import numpy as np
import pytest
from rulelab import close, host, network, put, values
from tokenlab import EACH, NETS, PADDED, POOLED, data, made, signals, zeroed

import gpufa
from gpufa.layers.protocol.carrying import write
from gpufa.rules.direct.dfa import DFA

nets = pytest.mark.parametrize("words", NETS.values(), ids=list(NETS))
LONG = [*EACH[:2], *EACH[2:4] * 2, EACH[-1]]


@nets
def test_gradients_are_those_of_the_loss(words, backend):
    net = made(words, backend=backend)
    x, y = data(net)
    found, start, draw = net.gradients(x, y), values(net), np.random.default_rng(4)
    assert found.keys() == net.parameters.keys()
    for name in start:
        direction, slopes = draw.normal(size=start[name].shape), []
        for sign in (1, -1):
            put(net, net.parameters[name], start[name] + sign * 1e-5 * direction)
            slopes.append(sign * net.loss(x, y))
        put(net, net.parameters[name], start[name])
        np.testing.assert_allclose(
            (found[name] * direction).sum(), sum(slopes) / 2e-5, rtol=2e-7, atol=1e-9, err_msg=name
        )


@nets
def test_replicas_are_nets_of_their_own(words, backend):
    both, single = (
        gpufa.Network(words, rule="bp", dtype="float64", backend=backend, seeds=seeds) for seeds in ([3, 5], [5])
    )
    x, y = data(both)
    close({name: g[1] for name, g in both.gradients(x, y).items()}, single.gradients(x, y), 1e-12)


@pytest.mark.gpu
@nets
def test_both_backends_are_one(words):
    found = []
    for backend in ("numpy", "cupy"):
        net = made(words, backend=backend)
        x, y = data(net)
        found.append({**net.gradients(x, y), **net.signals(x, y), "predicted": net.predict(x)})
    close(*found, 1e-10)


def weights_of(net, p, k=2):
    """How much each token takes of which in block k's first attention, (R, m, heads, T, T)."""
    place = next(place for place in p.blocks[k].at.leaves() if hasattr(place.layer, "heads"))
    return host(net, place.layer.weights(place))


def passed(net, x, y):
    return net.judged(net.backend.to_device(x.astype(net.dtype)), net.backend.to_device(y))


def test_no_token_takes_of_one_that_fills_up_or_is_behind(backend):
    net = made(PADDED, backend=backend)
    x, y = data(net)
    weights = weights_of(net, passed(net, x, y))[0]
    assert not weights[..., np.triu(np.ones((5, 5), bool), 1)].any()
    for s, row in enumerate(x):
        assert not weights[s][..., row == 0].any()
        seen = np.array([(row[: t + 1] != 0).any() for t in range(5)])
        np.testing.assert_allclose(weights[s].sum(-1), np.broadcast_to(seen, (3, 5)), rtol=1e-12)


def test_what_a_sample_is_filled_up_with_does_not_tell(backend):
    """Whatever vector the pad has, and wherever it stands behind, the net's outputs are the same."""
    words = ["tokens 5 of 7 pad 0", "embed 6", *PADDED[2:]]
    net = made(words, backend=backend)
    x, _ = data(net)
    x[:, 3:] = 0
    before = net.predict(x)
    W = host(net, net.parameters["W1"])
    W[0] += 3
    put(net, net.parameters["W1"], W)
    np.testing.assert_allclose(net.predict(x), before, rtol=1e-12)


@pytest.mark.parametrize("rule", ["bp", "fa", "usf"])
def test_a_signal_reaches_no_token_behind_a_causal_mask(rule, backend):
    """ATT-1: what arrives at token t comes to the tokens up to t alone, whatever it goes down through."""
    net = network(["tokens 6 of 5", "embed 4", "residual(attention 2 causal)", "dense 5"], rule, backend=backend)
    x, y = data(net)
    p = passed(net, x, y)
    net.rule.deltas(p, p.e)
    B = {"bp": lambda: None, "fa": p.carriers, "usf": lambda: net.rule.feedback(p)}[rule]()
    at = np.zeros((1, 4, 6, 5))
    at[:, :, 3] = np.random.default_rng(0).normal(size=(1, 4, 5))
    p.send(2, net.backend.to_device(at.reshape(1, 24, 5)), B)
    out = p.array("down", 24, 5)
    write(net.backend, p.pull(2, B), out=out)
    reached = abs(host(net, out).reshape(4, 6, 5)).max(axis=(0, 2)) > 0
    np.testing.assert_array_equal(reached, [True, True, True, True, False, False])


def test_of_branches_that_add_nothing_each_block_hears_the_error_through_the_outputs(backend):
    """RES-2, and ATT-2: the true signal at the output of every block is W_L^T e, so that DFA with B_k = W_L^T is
    backprop."""
    bp, direct = (zeroed(made(EACH, rule, backend=backend)) for rule in ("bp", "dfa"))
    for k in (1, 2, 3):
        assert direct.feedback[f"B{k}"].shape == (4, 6)
        put(direct, direct.feedback[f"B{k}"], host(direct, direct.parameters["W4"]).T)
    x, y = data(bp)
    true, found = signals(bp, x, y), signals(direct, x, y)
    e = true["delta4"].reshape(5, 6, 5)
    expected = np.einsum("on,sot->snt", host(bp, bp.parameters["W4"]), e).reshape(5, -1)
    for k in (1, 2, 3):
        np.testing.assert_allclose(true[f"delta{k}"], expected, rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(found[f"delta{k}"], expected, rtol=1e-10, atol=1e-13)
    close(direct.gradients(x, y), bp.gradients(x, y), 1e-10)


def test_branches_that_add_something_turn_the_true_signal_away(backend):
    """ATT-2: by how much grows with them, and is nothing at the last hidden block."""
    found = []
    for scale in (0.5, 2.0):
        net = made(LONG, backend=backend)
        for name, p in net.parameters.items():
            if name[0] in "Uc" or name in ("W3.2", "b3.2", "W5.2", "b5.2"):
                p *= scale
        x, y = data(net)
        true = signals(net, x, y)
        e = true["delta6"].reshape(5, 6, 5)
        straight = np.einsum("on,sot->snt", host(net, net.parameters["W6"]), e).reshape(5, -1)
        units = [a / np.linalg.norm(a) for a in (straight, *(true[f"delta{k}"] for k in range(1, 6)))]
        found.append([np.degrees(2 * np.arcsin(np.linalg.norm(units[0] - unit) / 2)) for unit in units[1:]])
    for less, more in zip(*found, strict=True):
        assert 1 < less < more < 90 if less > 1e-10 else more < 1e-10
    assert found[0][4] < 1e-10
    assert found[0][3] > 1


def test_a_token_hears_of_its_own_error_alone_between_blocks_and_of_others_inside(backend):
    """ATT-3: with direct feedback."""
    net = made(EACH, "dfa", backend=backend)
    x, y = data(net)
    p = passed(net, x, y)
    found = []
    for change in (0.0, 1.0):
        e = host(net, p.e).reshape(1, 6, 5, 5)
        e[:, :, 2] += change
        put(net, p.e, e.reshape(1, 30, 5))
        net.rule.deltas(p, p.e)
        inner = p.blocks[2].at.inside[1]
        found.append(
            [host(net, p.delta[k]).reshape(4, 5, 5) for k in (1, 2, 3)]
            + [host(net, inner.layer._sent(inner)).reshape(12, 5, 5)]
        )
    for before, after in zip(found[0][:3], found[1][:3], strict=True):
        moved = abs(after - before).max(axis=(0, 2)) > 0
        np.testing.assert_array_equal(moved, [False, False, True, False, False])
    moved = abs(found[1][3] - found[0][3]).max(axis=(0, 2)) > 1e-9
    np.testing.assert_array_equal(moved, [True, True, True, False, False])


def test_what_a_norm_of_tokens_hands_down_has_no_mean_and_nothing_along_what_is_normalised(backend):
    """NORM, of each token by itself, with a gain of 1."""
    net = made(["tokens 4 of 9", "embed 5", "layer norm eps 0", "mean, dense 4 tanh", "dense 3"], backend=backend)
    put(net, net.parameters["g2"], np.ones(5))
    put(net, net.parameters["b2"], np.zeros(5))
    x, y = data(net)
    p = passed(net, x, y)
    p.send(2, net.backend.to_device(np.random.default_rng(0).normal(size=(1, 20, 5))))
    z, down = (host(net, a).reshape(5, 4, 5) for a in (p.h[2], p.pull(2).signal))
    np.testing.assert_allclose(z.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose((z * z).mean(0), 1, rtol=1e-12)
    assert abs(down).max() > 0.1
    np.testing.assert_allclose(down.sum(0), 0, atol=1e-12)
    np.testing.assert_allclose((down * z).sum(0), 0, atol=1e-12)


def test_without_positions_or_a_mask_the_order_of_tokens_does_not_tell(backend):
    net = made(POOLED, backend=backend)
    x, _ = data(net)
    np.testing.assert_allclose(net.predict(x[:, ::-1]), net.predict(x), rtol=1e-11)


def test_macro_and_micro_are_words(backend):
    """Launay et al. 2020: the error enters behind each block, or behind attention, the hidden layer, and the block."""
    macro = made(
        ["tokens 5 of 6", "embed 4", "residual(attention 2), residual(dense 6 relu, dense 4)", "dense 6"],
        DFA(),
        backend=backend,
    )
    assert [line.split(", B")[0] for line in macro.entries] == [
        "error enters block 1 behind embed 4 (4x5)",
        "error enters block 2 behind residual(dense 6 relu, dense 4) (4x5)",
    ]
    micro = made(
        ["tokens 5 of 6", "embed 4", "residual(attention 2), layer norm", "dense 8 relu", "dense 4", "dense 6"],
        "dfa",
        backend=backend,
    )
    assert [tuple(micro.feedback[f"B{k}"].shape) for k in (1, 2, 3, 4)] == [(4, 6), (4, 6), (8, 6), (4, 6)]
