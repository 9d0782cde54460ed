"""Target propagation, plain and by differences: the identities that define them."""

import numpy as np
import pytest
from rulelab import close, host, network, put, rng, samples, trainer, values
from targetlab import NAMES, SIZES, forward, lab, noise, slope, unit_by_unit, value, weight_gradients

from gpufa.rules.targets.dtp import DTP
from gpufa.rules.targets.tp import TP

PAIR = pytest.mark.parametrize("kind", [TP, DTP], ids=["tp", "dtp"])


@PAIR
def test_orthogonal_linear_net_with_exact_inverses_is_backprop_through_targets(kind, backend):
    """h - t = eta_hat dL/dh in every layer; the inverse of W h + b is W^T h - W^T b."""
    sizes, eta_hat = [6, 4, 4, 4, 4, 2], 0.37
    ours, bp = (network(sizes, rule, "identity", "squared_error", backend) for rule in (kind(eta_hat=eta_hat), "bp"))
    for k in (2, 3, 4):
        q = np.linalg.qr(rng.normal(size=(4, 4)))[0]
        for net in (ours, bp):
            put(net, net.parameters[f"W{k}"], q)
        put(ours, ours.parameters[f"V{k}"], q.T)
        put(ours, ours.parameters[f"c{k}"], -q.T @ host(ours, ours.parameters[f"b{k}"]))
    x, y = samples(sizes, "squared_error")
    found, true = ours.gradients(x, y), bp.gradients(x, y)
    close(found, true, 1e-13, names=true)
    p, reference = ours.pass_for(len(x)), bp.pass_for(len(x))
    for k in ours.sizes.hidden:
        t = host(ours, p.layers("target")[k])
        np.testing.assert_allclose(host(ours, p.h[k]) - t, eta_hat * host(bp, reference.delta[k]), atol=3e-14)
    for k in (2, 3, 4):  # the exact inverse has nothing to learn
        np.testing.assert_allclose(found[f"V{k}"], 0, atol=1e-13)
        np.testing.assert_allclose(found[f"c{k}"], 0, atol=1e-13)


@PAIR
@pytest.mark.parametrize("hidden", [(), (6,), (6, 4, 5)], ids=str)
def test_the_last_hidden_layer_and_the_output_learn_by_backprop(kind, hidden, backend):
    sizes = [5, *hidden, 3]
    ours, bp = (network(sizes, rule, "gelu", backend=backend) for rule in (kind(), "bp"))
    batch = samples(sizes)
    found, true = ours.gradients(*batch), bp.gradients(*batch)
    last = [f"{name}{k}" for name in "Wb" for k in (len(sizes) - 1, len(sizes) - 2) if k]
    close(found, true, 1e-13, names=last)
    assert len(hidden) < 2 or np.abs(found["W1"] - true["W1"]).max() > 1e-3


@PAIR
def test_targets_and_inverses_against_naive_loops(kind, backend):
    """Another activation in each layer, of which g_k has that of layer k-1."""
    rule = kind(eta_hat=0.6, noise=0.2)
    net = lab(rule, backend=backend)
    P, (x, y) = values(net), samples(SIZES)

    def g(k, h):
        return value(NAMES[k - 2], P[f"V{k}"] @ h + P[f"c{k}"][:, None])

    def model(h, e, _):
        t = {3: h[3] - 0.6 * P["W4"].T @ e}
        for k in (3, 2):
            t[k - 1] = g(k, t[k]) if kind is TP else h[k - 1] + g(k, t[k]) - g(k, h[k])
        return {k: (h[k] - t[k]) / 0.6 for k in t}

    _, h, _ = forward(P, x, NAMES)
    expected = weight_gradients(unit_by_unit(P, x, y, NAMES, model), h)
    for k in (2, 3):
        noisy = h[k - 1] + noise(h[k - 1].shape, k, 0.2)
        expected[f"V{k}"], expected[f"c{k}"] = np.zeros_like(P[f"V{k}"]), np.zeros_like(P[f"c{k}"])
        for i in range(len(x)):
            response = value(NAMES[k - 1], P[f"W{k}"] @ noisy[:, i] + P[f"b{k}"])
            a = P[f"V{k}"] @ response + P[f"c{k}"]
            for j in range(len(a)):
                miss = 2 * (value(NAMES[k - 2], a)[j] - noisy[j, i]) * slope(NAMES[k - 2], a)[j] / len(x)
                expected[f"V{k}"][j] += miss * response
                expected[f"c{k}"][j] += miss
    close(net.gradients(x, y), expected, 1e-13)


@PAIR
def test_inverses_descend_the_inverse_loss(kind, backend):
    """Central differences of the mean of |g_k(f_k(h + noise)) - (h + noise)|^2."""
    net = lab(kind(noise=0.3), backend=backend)
    x, y = samples(SIZES)
    found, P = net.gradients(x, y), values(net)
    _, h, _ = forward(P, x, NAMES)
    for k in (2, 3):
        noisy = h[k - 1] + noise(h[k - 1].shape, k, 0.3)
        response = value(NAMES[k - 1], P[f"W{k}"] @ noisy + P[f"b{k}"][:, None])
        for name in (f"V{k}", f"c{k}"):

            def loss(bump, at, name=name, k=k, response=response, noisy=noisy):
                changed = P | {name: P[name].copy()}
                changed[name][at] += bump
                back = value(NAMES[k - 2], changed[f"V{k}"] @ response + changed[f"c{k}"][:, None])
                return ((back - noisy) ** 2).sum(0).mean()

            for at in np.ndindex(P[name].shape):
                numeric = (loss(1e-5, at) - loss(-1e-5, at)) / 2e-5
                np.testing.assert_allclose(found[name][at], numeric, rtol=1e-7, atol=1e-9)


def test_without_an_error_dtp_asks_for_no_change_and_tp_does(backend):
    for rule, still in ((DTP(), True), (TP(), False)):
        net = lab(rule, "squared_error", backend)
        x, _ = samples(SIZES)
        found = net.gradients(x, net.predict(x))
        for k in (1, 2):
            assert (np.abs(found[f"W{k}"]).max() < 1e-14) == still


@PAIR
def test_noise_is_drawn_anew_for_each_step_seed_and_layer(kind, backend):
    made = trainer(rule=kind.name, rule_options={"noise": 0.3}, hidden=(4, 5, 3), seeds=(4, 7), backend=backend)
    for step in range(4):
        P = values(made.net)
        made.step()
        (run,) = made._steps.values()
        for r, seed in enumerate((4, 7)):
            for k in (2, 3):
                h = host(made.net, run.p.h[k - 1])[r]
                noisy = h + noise(h.shape, k, 0.3, seed, step)
                response = np.tanh(P[f"W{k}"][r] @ noisy + P[f"b{k}"][r][:, None])
                np.testing.assert_allclose(host(made.net, run.p.layers("response")[k])[r], response, rtol=1e-11)
