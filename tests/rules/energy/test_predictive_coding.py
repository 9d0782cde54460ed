"""Predictive coding: BP where it is exact, else the slope of its energy."""

import numpy as np
import pytest
from energylab import SIZES, slopes, weak
from rulelab import close, network, samples, trainer, values

from gpufa.functions.activations import ACTIVATIONS
from gpufa.functions.losses import LOSSES
from gpufa.net.given import network_target
from gpufa.rules.energy.predictive_coding import PredictiveCoding

DIFFERENTIABLE = [name for name, f in ACTIVATIONS.items() if f.learns]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", DIFFERENTIABLE)
def test_exact_predictive_coding_is_bp(activation, loss):
    sizes = [5, 7, 6, 4, 3]
    batch = samples(sizes, loss)
    bp, exact = (network(sizes, rule, activation, loss) for rule in ("bp", PredictiveCoding(exact=True)))
    close(exact.gradients(*batch), bp.gradients(*batch), 1e-12)
    np.testing.assert_allclose(exact.predict(batch[0]), bp.predict(batch[0]), rtol=1e-14)
    assert exact.alignment(*batch)["per_sample"].max() < 1e-5


@pytest.mark.filterwarnings("error")
def test_exact_predictive_coding_trains_as_bp(backend):
    """With dropout too, whose masks both find; the activity of one layer is not that of the next."""
    common = {"backend": backend, "activation": ("gelu", "tanh"), "init": "uniform", "optimizer": "adam", "lr": 3e-3}
    found = []
    for rule, options in (("bp", {}), ("predictive_coding", {"exact": True})):
        made = trainer(rule=rule, rule_options=options, dropout=0.5, input_dropout=0.2, batch_size=4, **common)
        for _ in range(10):
            made.step()
        found.append(values(made.net))
    close(*found, 1e-10)


def test_the_first_step_of_inference_is_bps_delta():
    """One hidden layer moves by step * delta, and has made no prediction that changed."""
    sizes, batch = [5, 6, 3], samples([5, 6, 3])
    true = network(sizes, "bp").gradients(*batch)
    for step in (0.3, 1.0):
        found = network(sizes, PredictiveCoding(step, 1)).gradients(*batch)
        close(found, {n: step * g for n, g in true.items()}, 1e-13, names=("W1", "b1"))
        assert not np.allclose(found["W2"], true["W2"], rtol=1e-3)


def misses(net, x, y):
    """delta_1 .. delta_L after inference, and what went up, r_0 .. r_{L-1}, of a net without replicas."""
    p = net._error(x, y)
    delta, v = net.rule.infer(p)
    return [delta[k][0] for k in range(1, p.L + 1)], [r[0] if r.ndim == 3 else r for r in v.r[: p.L]], p.value


def free_energy(net, x, y):
    """1/2 sum eps^2 of the hidden layers + the loss of what is predicted from the layer below, mean over samples."""
    delta, r, _ = misses(net, x, y)
    a = (net.parameters[f"W{net.sizes.L}"] @ r[-1] + net.parameters[f"b{net.sizes.L}"][:, None])[None]
    target, value = np.zeros_like(a), np.empty((1, len(x)))
    net.backend.targets(network_target(net, y, len(x)), out=target)
    net.output_loss.values(a, target, value, np.empty_like(a))
    return (sum(np.square(d).sum() for d in delta[:-1]) / 2 + value.sum()) / len(x)


@pytest.mark.parametrize(("activation", "loss"), [("tanh", "squared_error"), ("gelu", "cross_entropy")])
def test_predictive_coding_at_rest_descends_its_energy(activation, loss):
    sizes = [3, 4, 3, 2]
    batch = samples(sizes, loss, m=4)
    net = weak(network(sizes, PredictiveCoding(0.5, 100), activation, loss))
    close(net.gradients(*batch), slopes(net, lambda: free_energy(net, *batch)), 1e-7)


def test_no_step_of_inference_raises_the_energy():
    batch = samples(SIZES)
    found = [free_energy(network(SIZES, PredictiveCoding(0.3, steps)), *batch) for steps in range(1, 20)]
    assert np.diff(found).max() < 0
    assert found[0] < network(SIZES, "bp").loss(*batch)


def test_predictive_coding_of_a_linear_net(backend):
    """delta_L = S^-1 (yhat - y) with S = 1 + W_3 W_3^T + W_3 W_2 W_2^T W_3^T, delta_k the chain's transpose of it."""
    net = weak(network(SIZES, PredictiveCoding(0.5, 120), "identity", "squared_error", backend))
    x, y = samples(SIZES, "squared_error")
    p = values(net)
    h1 = p["W1"] @ x.T + p["b1"][:, None]
    h2 = p["W2"] @ h1 + p["b2"][:, None]
    e = p["W3"] @ h2 + p["b3"][:, None] - y.T
    chain = p["W3"] @ p["W2"]
    d3 = np.linalg.solve(np.eye(3) + p["W3"] @ p["W3"].T + chain @ chain.T, e)
    d2, d1 = p["W3"].T @ d3, chain.T @ d3
    v1 = h1 - d1
    v2 = p["W2"] @ v1 + p["b2"][:, None] - d2
    expected = {"W1": d1 @ x, "W2": d2 @ v1.T, "W3": d3 @ v2.T, "b1": d1.sum(1), "b2": d2.sum(1), "b3": d3.sum(1)}
    close(net.gradients(x, y), {name: g / len(x) for name, g in expected.items()}, 1e-10)
