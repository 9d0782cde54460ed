"""Nets of convolutions and pools beside PyTorch's own autograd, where it is installed: float64, to rounding."""

import numpy as np
import pytest
from rulelab import close, network, values

from gpufa.layers import Act, Chain, Conv1d, Conv2d, Dense, Flatten, GlobalMean, Local2d, MaxPool, MeanPool, Residual

torch = pytest.importorskip("torch")
NETS = [
    ["input 1x9x9", "conv 4 5x5 relu, pool 2", "conv 6 3x3 tanh, pool 2", "dense 7 tanh", "dense 3"],
    ["input 3x8x7", "conv 6 3x3 stride 2 pad 1 gelu, conv 6 2x4 groups 3 nobias", "global mean, dense 5", "dense 3"],
    ["input 2x9x8", "residual(conv 2 3x3 tanh, conv 2 4x2)", "conv 4 3x3 dilation 2 pad 2x3 tanh, mean pool 3 stride 2",
     "pool 2x1 stride 1, flatten, dense 4 softplus", "dense 3"],
    ["input 3x11", "conv1d 6 3 stride 2 pad 1 gelu, conv1d 6 4 groups 3 nobias", "global mean, dense 5", "dense 3"],
    ["input 2x17", "residual(conv1d 2 3 tanh, conv1d 2 4)", "conv1d 4 3 dilation 2 pad 3 tanh, mean pool 3 stride 2",
     "pool 2 stride 1, flatten, dense 4 softplus", "dense 3"],
    ["input 2x6x5", "local 4 3x3 stride 1x2 pad 1 tanh, pool 2", "local 3 2x1 pad valid nobias relu", "dense 3"],
    ["input 2x6x6", "mean pool 2x3 stride 1, conv 3 3x3 pad valid stride 1x2 relu", "dense 3"],
]  # fmt: skip
FUNCTIONS = {"relu": torch.relu, "tanh": torch.tanh, "softplus": torch.nn.functional.softplus,
             "gelu": torch.nn.functional.gelu}  # fmt: skip


def two(value):
    return value if isinstance(value, tuple) else (value, value)


def up(layer, x, weights):
    """What PyTorch makes of x, the layers' weights coming one after the other."""
    F = torch.nn.functional
    if isinstance(layer, Chain):
        y = x
        for inner in layer.layers:
            y = up(inner, y, weights)
        return x + y if isinstance(layer, Residual) else y
    if isinstance(layer, Conv2d):
        W, b = next(weights)
        pad = layer.pad if isinstance(layer.pad, str) else two(layer.pad)
        if layer.pad == "same" and two(layer.stride) != (1, 1):
            raise AssertionError("PyTorch has no such thing")
        return F.conv2d(x, W, b, two(layer.stride), pad, two(layer.dilation), layer.groups)
    if isinstance(layer, Conv1d):
        W, b = next(weights)
        return F.conv1d(x, W, b, layer.stride, 0 if layer.pad == "valid" else layer.pad, layer.dilation, layer.groups)
    if isinstance(layer, Local2d):
        W, b = next(weights)
        pad = two(0 if layer.pad == "valid" else layer.pad)
        seen = F.unfold(x, W.shape[-2:], padding=pad, stride=two(layer.stride)).unflatten(2, W.shape[1:3])
        a = torch.einsum("fhws,nshw->nfhw", W.flatten(3), seen)
        return a if b is None else a + b.reshape(W.shape[:3])
    if isinstance(layer, MaxPool):
        pool = F.max_pool2d if x.ndim == 4 else F.max_pool1d
        return pool(x, layer.size, layer.stride or layer.size)
    if isinstance(layer, MeanPool):
        pool = F.avg_pool2d if x.ndim == 4 else F.avg_pool1d
        return pool(x, layer.size, layer.stride or layer.size)
    if isinstance(layer, GlobalMean):
        return x.flatten(2).mean(2)
    if isinstance(layer, Flatten):
        return x.flatten(1)
    if isinstance(layer, Dense):
        W, b = next(weights)
        return F.linear(x.flatten(1), W, b)
    assert isinstance(layer, Act)
    return FUNCTIONS[layer.name](x)


@pytest.mark.parametrize("words", NETS, ids=lambda words: words[1])
def test_backprop_is_pytorchs(words, backend):
    net = network(words, "bp", backend=backend)
    draw = np.random.default_rng(4)
    x, y = draw.normal(size=(6, *net.sizes.shapes[0])), draw.integers(0, 3, 6)
    theta = {name: torch.tensor(p, requires_grad=True) for name, p in values(net).items()}
    kernels = (name for k in net.sizes.every for name in net.sizes.matrices(k))
    weights = ((theta[name], theta.get(f"b{name[1:]}")) for name in kernels)
    a = torch.tensor(x)
    for block in net.sizes.blocks:
        a = up(block, a, weights)
    loss = torch.nn.functional.cross_entropy(a, torch.tensor(y))
    loss.backward()
    np.testing.assert_allclose(net.predict(x), torch.softmax(a, 1).detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(net.loss(x, y), loss.item(), rtol=1e-12)
    close(net.gradients(x, y), {name: p.grad.numpy() for name, p in theta.items()}, 1e-12)
