"""Nets of random words of all layers: their gradient is the loss's, however it is worked out, and what direct and
layered feedback come to with the true carriers."""

import numpy as np
import pytest
from convlab import by_columns
from netlab import ROUGH, random_token_words, random_words
from normlab import training_gradients, training_loss
from rulelab import close, host, network, put, values

from gpufa.layers import LAYERS, block
from gpufa.layers.protocol.carrying import write
from gpufa.layers.protocol.sequences import numbered
from gpufa.rules.baselines.bp import BP

SEEDS = pytest.mark.parametrize("seed", range(36))  # from 24 on above tokens


def words_of(seed):
    return random_words(seed) if seed < 24 else random_token_words(seed)


def made(seed, rule="bp", **kw):
    """The net, with running statistics that are not those that it starts from, and a batch."""
    net, draw = network(words_of(seed), rule, **kw), np.random.default_rng(seed)
    for name, state in net.measured.items():
        put(net, state, draw.uniform(0.5, 2, state.shape) if name[0] == "v" else draw.normal(size=state.shape))
    tokens = numbered(net.sizes.shapes[0])
    x = draw.integers(0, tokens.of, (5, *tokens)).astype(float) if tokens else draw.normal(size=(5, net.sizes.inputs))
    return net, x, np.arange(5) % 3


def test_the_words_have_all_layers():
    texts = [text for seed in range(36) for text in words_of(seed)[1:]]
    left_out = {"dropout", "neighbours", *ROUGH}
    assert {word for word in LAYERS if any(word in text for text in texts)} == {*LAYERS} - left_out
    assert any("|" in text for text in texts)
    for text in texts:
        assert str(block(str(block(text)))) == str(block(text))


@SEEDS
@pytest.mark.parametrize("training", [False, True])
def test_the_gradient_is_the_slope_of_the_loss(seed, training):
    net, x, y = made(seed)
    loss = (lambda: training_loss(net, x, y)[0]) if training else lambda: net.loss(x, y)
    found = {n: g[0] for n, g in training_gradients(net, x, y).items()} if training else net.gradients(x, y)
    draw = np.random.default_rng(0)
    for name, p in net.parameters.items():
        along, kept, step = draw.normal(size=p.shape), p.copy(), 1e-6
        p[...] = kept + step * along
        above = loss()
        p[...] = kept - step * along
        slope = (above - loss()) / (2 * step)
        p[...] = kept
        np.testing.assert_allclose((found[name] * along).sum(), slope, rtol=1e-5, atol=1e-8, err_msg=name)


@SEEDS
def test_columns_and_replicas_come_to_the_same(seed, backend, monkeypatch):
    net, x, y = made(seed, seeds=(0, 1), backend=backend)
    found = net.gradients(x, y)
    single, *_ = made(seed)
    for name, p in net.parameters.items():
        put(single, single.parameters[name], host(net, p)[1])
    for name, state in net.measured.items():
        single.measured[name][...] = host(net, state)[1]
    by_columns(monkeypatch)
    close(single.gradients(x, y), {name: g[1] for name, g in found.items()})


@SEEDS
def test_feedback_of_the_true_carriers_is_backprop(seed):
    bp, x, y = made(seed)
    fa, *_ = made(seed, "fa")
    carriers = [pair for k in fa.sizes.every for pair in fa.sizes.carriers[k].items()]
    for name, (B, _) in carriers:
        W = values(bp)[name]
        fa.feedback[B][...] = W.T if W.ndim == 2 else W
    close(fa.gradients(x, y), bp.gradients(x, y))


@SEEDS
def test_direct_feedback_of_the_jacobian_is_backprop(seed):
    bp, x, y = made(seed)
    dfa, *_ = made(seed, "dfa")
    if dfa.sizes.timed:
        pytest.skip("where nothing goes back in time, it isn't")
    x, y = x[:1], y[:1]
    p = bp._error(x, y)
    BP().deltas(p, p.e)
    e = host(bp, p.e)[0, :, 0]
    for k in bp.sizes.hidden:
        arrived = np.empty((1, bp.sizes[k], 1))
        write(bp.backend, p.pull(k + 1), out=arrived)
        dfa.feedback[f"B{k}"][...] = np.outer(arrived, e) / (e @ e)
    close(dfa.gradients(x, y), bp.gradients(x, y))
