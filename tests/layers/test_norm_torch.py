"""Norms and residual nets beside PyTorch's own, in training and evaluation, where it is installed: float64."""

import numpy as np
import pytest
from normlab import training_gradients, training_pass
from rulelab import close, host, network, put, values

from gpufa.layers import Act, BatchNorm, Chain, Conv2d, Dense, GlobalMean, LayerNorm, MaxPool, Residual, Shortcut

torch = pytest.importorskip("torch")
NETS = [
    ["input 2x6x5", "batch norm, conv 4 3x3 nobias, batch norm momentum 0.3, relu, pool 2", "layer norm", "dense 3"],
    ["input 7", "dense 6, batch norm eps 0.1, tanh", "residual(dense 6, layer norm, tanh)", "dense 3"],
    [
        "input 3x8x8",
        "conv 4 3x3 nobias, batch norm, relu",
        "residual(conv 4 3x3 nobias, batch norm, relu, conv 4 3x3 nobias, batch norm), relu",
        "residual(conv 6 3x3 stride 2 pad 1, batch norm, relu, conv 6 3x3, batch norm"
        " | conv 6 1x1 stride 2 nobias, batch norm), relu",
        "residual(conv 8 3x3 stride 2, batch norm, relu, conv 8 3x3, batch norm zero | shortcut 8 stride 2), relu",
        "global mean, dense 5 tanh",
        "dense 3",
    ],
]


def two(value):
    return value if isinstance(value, tuple) else (value, value)


def up(layer, x, named, theta, state, training):
    """What PyTorch makes of x; `named` gives the ends of names in their order."""
    F = torch.nn.functional
    if isinstance(layer, Chain):
        y = x
        for inner in layer.layers:
            y = up(inner, y, named, theta, state, training)
        if isinstance(layer, Residual):
            y = y + (x if layer.shortcut is None else up(layer.shortcut, x, named, theta, state, training))
        return y
    if isinstance(layer, Act):
        return {"relu": torch.relu, "tanh": torch.tanh}[layer.name](x)
    if isinstance(layer, MaxPool):
        return F.max_pool2d(x, two(layer.size))
    if isinstance(layer, GlobalMean):
        return x.mean((2, 3))
    if isinstance(layer, Shortcut):
        step, more = two(layer.stride), layer.n - x.shape[1]
        return F.pad(x[:, :, :: step[0], :: step[1]], (0, 0, 0, 0, 0, more))
    end = next(named)
    W, g, b = (theta.get(f"{name}{end}") for name in "Wgb")
    if isinstance(layer, Conv2d):
        pad = layer.pad if isinstance(layer.pad, str) else two(layer.pad)
        return F.conv2d(x, W, b, two(layer.stride), pad if two(layer.stride) == (1, 1) else layer_pad(layer))
    if isinstance(layer, BatchNorm):
        running = state[f"mean{end}"], state[f"variance{end}"]
        return F.batch_norm(x, *running, g, b, training, layer.momentum, layer.eps)
    if isinstance(layer, LayerNorm):
        return F.layer_norm(x, x.shape[1:], g.reshape(x.shape[1:]), b.reshape(x.shape[1:]), layer.eps)
    assert isinstance(layer, Dense)
    return F.linear(x.flatten(1), W, b)


def layer_pad(layer):
    """What "same" is with an odd kernel at any stride."""
    return tuple(k // 2 for k in two(layer.kernel))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("words", NETS, ids=lambda words: words[1])
def test_norms_and_shortcuts_are_pytorchs(words, training):
    net, draw = network(words, "bp"), np.random.default_rng(4)
    for array in net.measured.values():
        put(net, array, draw.uniform(0.5, 2, array.shape))
    x, y = draw.normal(size=(6, *net.sizes.shapes[0])), draw.integers(0, 3, 6)
    theta = {name: torch.tensor(p, requires_grad=True) for name, p in values(net).items()}
    state = {name: torch.tensor(host(net, a)[0]) for name, a in net.measured.items()}
    named = iter([end for k in net.sizes.every for end in net.sizes.suffixes(k)])
    a = torch.tensor(x)
    for block in net.sizes.blocks:
        a = up(block, a, named, theta, state, training)
    loss = torch.nn.functional.cross_entropy(a, torch.tensor(y))
    loss.backward()
    expected = {name: p.grad.numpy() for name, p in theta.items()}
    flat = x.reshape(6, -1)
    if training:
        p = training_pass(net, flat, y)
        p.remember([slice(0, 1)])
        np.testing.assert_allclose(host(net, p.value).mean(), loss.item(), rtol=1e-12)
        close({name: g[0] for name, g in training_gradients(net, flat, y).items()}, expected, 1e-12)
    else:
        np.testing.assert_allclose(net.loss(x, y), loss.item(), rtol=1e-12)
        close(net.gradients(x, y), expected, 1e-12)
    close({name: host(net, s)[0] for name, s in net.measured.items()}, {n: s.numpy() for n, s in state.items()}, 1e-12)
