"""Hebb's products: fixed points at the principal components, and ways to them."""

import numpy as np
import pytest
from locallab import SIZES
from rulelab import close, network, put, rng, samples, trainer, values

import gpufa
from gpufa.rules import make_rule


def cloud(spectrum, m=60, seed=3):
    """x, (m, n), of exactly known mean, components (rows, largest first) and variances."""
    draw = np.random.default_rng(seed)
    n = len(spectrum)
    white = draw.normal(size=(m, n))
    white = np.linalg.qr(white - white.mean(axis=0))[0] * np.sqrt(m)
    components, mean = np.linalg.qr(draw.normal(size=(n, n)))[0], draw.normal(size=n)
    return white * np.sqrt(spectrum) @ components + mean, mean, components


SPECTRUM = np.array([3.0, 2.0, 1.2, 0.3, 0.2, 0.1])
VARIANTS = "subspace", "sanger", "oja"


@pytest.mark.parametrize("variant", VARIANTS)
def test_hebbian_against_naive_loops(variant, backend):
    """The formulas sample by sample and unit by unit; y is linear though the units are not."""
    net = network(SIZES, make_rule("hebbian", {"variant": variant, "rate": 0.7}), "tanh", backend=backend)
    x, labels = samples(SIZES)
    p = values(net)
    update, h = {name: np.zeros_like(a) for name, a in p.items()}, x
    for k in (1, 2):
        W, a = p[f"W{k}"], h @ p[f"W{k}"].T + p[f"b{k}"]
        for sample, response, y in zip(h, a, a - a.mean(axis=0), strict=True):
            for i in range(len(y)):
                others = {"subspace": range(len(y)), "sanger": range(i + 1), "oja": [i]}[variant]
                update[f"W{k}"][i] += 0.7 / SIZES[k - 1] * y[i] * (sample - sum(y[j] * W[j] for j in others)) / len(x)
                update[f"b{k}"][i] -= 0.7 / SIZES[k - 1] * response[i] / len(x)
        h = np.tanh(a)
    a = h @ p["W3"].T + p["b3"]
    e = np.exp(a) / np.exp(a).sum(axis=1, keepdims=True) - np.eye(3)[labels]
    update["W3"], update["b3"] = -e.T @ h / len(x), -e.mean(axis=0)
    close(net.gradients(x, labels), {name: -a for name, a in update.items()}, 1e-13)


def test_fixed_points_are_the_principal_components(backend):
    """Rotated within their space for the subspace rule, one by one in order for Sanger's, any alone for Oja's."""
    x, mean, components = cloud(SPECTRUM)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    at = {"subspace": turn @ components[:3], "sanger": components[:3], "oja": components[[1, 0, 1]]}
    for variant, W in at.items():
        net = network([6, 3, 2], make_rule("hebbian", {"variant": variant}), "identity", backend=backend)

        def largest(W, net=net):
            put(net, net.parameters["W1"], W)
            put(net, net.parameters["b1"], -W @ mean)
            found = net.gradients(x, np.zeros(len(x), int))
            return max(np.abs(found[name]).max() for name in ("W1", "b1"))

        assert largest(W) < 1e-14
        assert largest(1.1 * W) > 1e-2
        if variant != "subspace":
            assert largest(turn @ W) > 1e-2


def learnt(variant, x, batch_size, epochs, **settings):
    """W and b of three linear units after so many epochs; the output layer is frozen."""
    run = trainer(
        gpufa.Data(x, np.arange(len(x)) % 3, x[:6], np.arange(6) % 3),
        **{"rule": "hebbian", "rule_options": {"variant": variant}, "hidden": (3,), "activation": "identity"},
        **{"init": "uniform", "batch_size": batch_size, "freeze": (2,), "epochs": epochs, "optimizer": "sgd"},
        **settings,
    )
    for epoch in range(epochs):
        run.progress.epoch, run.progress.batch = epoch, 0
        run.begin_epoch()
        for _ in range(run.batches.per_epoch):
            run.step()
    return values(run.net)["W1"], values(run.net)["b1"]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("variant", VARIANTS)
def test_full_batches_lead_to_the_components_exactly(variant, backend):
    x, mean, components = cloud(SPECTRUM)
    W, b = learnt(variant, x, len(x), 400, lr=0.9, backend=backend)
    np.testing.assert_allclose(b, -W @ mean, atol=1e-9)
    np.testing.assert_allclose((W**2).sum(axis=1), 1, atol=1e-9)
    if variant == "subspace":
        np.testing.assert_allclose(W.T @ W, components[:3].T @ components[:3], atol=1e-9)
    else:
        expected = components[:3] if variant == "sanger" else components[[0, 0, 0]]
        np.testing.assert_allclose(np.abs((W * expected).sum(axis=1)), 1, atol=1e-9)


@pytest.mark.parametrize("variant", VARIANTS)
def test_small_batches_lead_close_to_the_components(variant):
    """Eight samples a step: the cosine with each component, or of the spaces, is above 0.999; |w| is 1 within 1 %."""
    x, _, components = cloud(SPECTRUM, m=64)
    W, _ = learnt(variant, x, 8, 400, lr=0.06, schedule="cosine")
    norms = np.linalg.norm(W, axis=1)
    np.testing.assert_allclose(norms, 1, atol=0.01)
    if variant == "subspace":
        cosines = np.linalg.svd(np.linalg.qr(W.T)[0].T @ components[:3].T)[1]
    else:
        expected = components[:3] if variant == "sanger" else components[[0, 0, 0]]
        cosines = np.abs((W * expected).sum(axis=1)) / norms
    assert cosines.min() > 0.999
