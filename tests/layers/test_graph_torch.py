"""A graph convolutional net by backprop beside PyTorch's autograd, its weights as a sparse matrix."""

import numpy as np
import pytest
from graphlab import gcn, nodes

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("word", ["neighbours", "neighbours by mean noself"])
def test_gradients_are_autograds(word):
    net = gcn("bp", ["input 6", f"{word}, dense 5 relu", f"{word}, dense 9 tanh", "neighbours, dense 3"])
    x, y = nodes(net)
    by, loops = ("mean", False) if "mean" in word else ("symmetric", True)
    first, last = (torch.tensor(net.graph.weights(*of).toarray()).to_sparse_csr() for of in ((by, loops), ()))
    p = {name: torch.tensor(np.array(v), requires_grad=True) for name, v in net.parameters.items()}
    h = torch.tensor(x)
    for k, f in ((1, torch.relu), (2, torch.tanh), (3, lambda a: a)):
        h = f((first if k < 3 else last) @ (h @ p[f"W{k}"].T) + p[f"b{k}"])
    known = torch.tensor(y >= 0)
    loss = torch.nn.functional.cross_entropy(h[known], torch.tensor(y)[known])
    loss.backward()
    assert abs(net.loss(x, y) - loss.item()) < 1e-12
    for name, g in net.gradients(x, y).items():
        np.testing.assert_allclose(g, p[name].grad.numpy(), rtol=1e-10, atol=1e-12, err_msg=name)
