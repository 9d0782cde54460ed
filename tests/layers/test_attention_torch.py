"""Nets of tokens beside PyTorch's own layers, where it is installed: outputs, loss and all gradients, in float64."""

import numpy as np
import pytest
from rulelab import close, values
from tokenlab import NETS, data, made

from gpufa.layers import Act, AsTokens, Attention, Chain, Conv2d, Dense, Embed, LayerNorm, Mean, Positions, Residual
from gpufa.layers.tokens.embed import waves

torch = pytest.importorskip("torch")
F = torch.nn.functional


def attention(layer, x, theta, end, pads):
    """torch.nn.MultiheadAttention of (m, T, d), whose own functional form takes the weights."""
    T, d = x.shape[1:]
    mask = torch.triu(torch.ones(T, T, dtype=bool), 1) if layer.causal else None
    b, c = (theta.get(name + end, torch.zeros(n, dtype=x.dtype)) for name, n in (("b", 3 * d), ("c", d)))
    made, _ = F.multi_head_attention_forward(
        *(x.transpose(0, 1),) * 3, d, layer.heads, theta["W" + end], b, None, None, False, 0.0, theta["U" + end], c,
        training=False, key_padding_mask=pads, need_weights=False, attn_mask=mask,
    )  # fmt: skip
    if pads is not None:  # rows that see nothing are NaN there, and 0 here
        seen = ~pads[:, None, :] & (~mask if mask is not None else torch.ones(T, T, dtype=bool))
        made = torch.where(seen.any(2).T[:, :, None], made, c)
    return made.transpose(0, 1)


def up(layer, x, named, theta, pads, outputs):
    """What PyTorch makes of x, (m, T) or (m, T, features); `named` gives the ends of names in their order."""
    if isinstance(layer, Chain):
        y = x
        for inner in layer.layers:
            y = up(inner, y, named, theta, pads, outputs)
        return y + x if isinstance(layer, Residual) else y
    if isinstance(layer, Act):
        return {"tanh": torch.tanh, "gelu": lambda a: F.gelu(a), "softplus": F.softplus}[layer.name](x)
    if isinstance(layer, AsTokens):
        return x.flatten(2).transpose(1, 2)
    if isinstance(layer, Mean):
        count = torch.ones(x.shape[:2], dtype=x.dtype) if pads is None else (~pads).to(x.dtype)
        return (x * count[:, :, None]).sum(1) / count.sum(1).clamp(min=1)[:, None]
    if isinstance(layer, Positions) and not layer.learned:
        return x + torch.from_numpy(waves((x.shape[2], x.shape[1])).reshape(x.shape[2], -1).T)
    if isinstance(layer, Embed) and layer.tied:
        return F.embedding(x.long(), theta[outputs])
    end = next(named)
    if isinstance(layer, Embed):
        return F.embedding(x.long(), theta["W" + end])
    if isinstance(layer, Positions):
        return x + theta["P" + end].reshape(x.shape[2], x.shape[1]).T
    if isinstance(layer, LayerNorm):
        return F.layer_norm(x, x.shape[2:], theta["g" + end], theta["b" + end], layer.eps)
    if isinstance(layer, Attention):
        return attention(layer, x, theta, end, pads)
    if isinstance(layer, Conv2d):
        return F.conv2d(x.reshape(-1, 3, 4, 2), theta["W" + end], theta["b" + end], layer.stride)
    assert isinstance(layer, Dense)
    return F.linear(x, theta["W" + end], theta["b" + end])


@pytest.mark.parametrize("words", NETS.values(), ids=list(NETS))
def test_outputs_loss_and_gradients_are_pytorchs(words):
    net = made(words)
    x, y = data(net)
    theta = {name: torch.from_numpy(p).requires_grad_() for name, p in values(net).items()}
    pad = getattr(net.sizes.shapes[0], "pad", None)
    pads = None if pad is None else torch.from_numpy(x == pad)
    h = torch.from_numpy(x.astype("float64"))
    for k, block in enumerate(net.sizes.blocks, start=1):
        h = up(block, h, iter(net.sizes.suffixes(k)), theta, pads, f"W{net.sizes.L}")
    logits, labels = h.reshape(-1, h.shape[-1]), torch.from_numpy(y.reshape(-1))
    predicted = net.predict(x)
    predicted = predicted.swapaxes(1, 2) if predicted.ndim > 2 else predicted
    np.testing.assert_allclose(predicted.reshape(logits.shape), logits.softmax(1).detach().numpy(), rtol=1e-10)
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    np.testing.assert_allclose(net.loss(x, y), loss.item(), rtol=1e-12)
    close(net.gradients(x, y), {name: p.grad.numpy() for name, p in theta.items()}, 1e-10)
