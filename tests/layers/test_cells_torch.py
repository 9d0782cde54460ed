"""Recurrent layers beside PyTorch's own, where it is installed: outputs and gradients in float64, to rounding."""

import numpy as np
import pytest
from rulelab import close, network

torch = pytest.importorskip("torch")
X = np.random.default_rng(0).normal(size=(4, 3, 6))
Y = np.array([0, 2, 1, 1])


def rows(a, order, n):
    """The blocks of n rows in another order."""
    return np.concatenate([a[i * n : (i + 1) * n] for i in order])


# By word: PyTorch's module, and the order of our rows of W and b, and of U, among theirs.
KINDS = {
    "recurrent 4": (torch.nn.RNN, (0,), (0,)),
    "gru 4": (torch.nn.GRU, (2, 0, 1), (0, 1, 2)),
    "lstm 4": (torch.nn.LSTM, (0, 1, 2, 3), (0, 1, 2, 3)),
}


def module(net, k, kind, of_W, of_U, n=4):
    """PyTorch's layer of block k's parameters."""
    p, gates = net.parameters, len(of_W)
    made = kind(net.sizes.shapes[k - 1][0], n, batch_first=True).double()
    to_theirs = np.argsort(of_W)
    bias = np.zeros(gates * n)
    if f"c{k}" in p:
        bias[-n:] = p[f"c{k}"]
    values = rows(p[f"W{k}"], to_theirs, n), rows(p[f"U{k}"], np.argsort(of_U), n), rows(p[f"b{k}"], to_theirs, n), bias
    with torch.no_grad():
        for own, value in zip(made.parameters(), values, strict=True):
            own.copy_(torch.tensor(value))
    return made


@pytest.mark.parametrize("word", KINDS)
def test_outputs_and_gradients_are_pytorchs(word):
    kind, of_W, of_U = KINDS[word]
    net = network(["input 3x6", f"{word} all", word, "dense 3"], "bp")
    low, high = (module(net, k, kind, of_W, of_U) for k in (1, 2))
    last = torch.nn.Linear(4, 3).double()
    with torch.no_grad():
        last.weight.copy_(torch.tensor(net.parameters["W3"]))
        last.bias.copy_(torch.tensor(net.parameters["b3"]))
    h1 = low(torch.tensor(X).swapaxes(1, 2))[0]
    h2 = high(h1)[0][:, -1]
    loss = torch.nn.functional.cross_entropy(last(h2), torch.tensor(Y))
    loss.backward()
    found, signals = net.gradients(X, Y), net.signals(X, Y)
    np.testing.assert_allclose(net.loss(X, Y), float(loss), rtol=1e-12)
    np.testing.assert_allclose(
        signals["h1"].reshape(4, 4, 6), h1.detach().numpy().swapaxes(1, 2), rtol=1e-11, atol=1e-13
    )
    expected = {"W3": last.weight.grad.numpy(), "b3": last.bias.grad.numpy()}
    for k, made in ((1, low), (2, high)):
        W, U, b, c = (p.grad.numpy() for p in made.parameters())
        expected |= {f"W{k}": rows(W, of_W, 4), f"U{k}": rows(U, of_U, 4), f"b{k}": rows(b, of_W, 4)}
        expected |= {f"c{k}": c[-4:]} if f"c{k}" in found else {}
    close(found, expected, 1e-11)
