"""PEPITA: its paper's algorithm, and what small feedback makes of it."""

import numpy as np
import pytest
from forwardlab import FUNCTIONS, SIZES, f, softmax
from rulelab import close, host, network, put, samples, trainer, values

import gpufa
from gpufa.rules.forward_only.pepita import PEPITA


def passed(net, x, y):
    """The net's pass of this batch, with the rule's deltas."""
    net.gradients(x, y)
    return net.pass_for(len(x))


def pepita_loops(net, x, y):
    """The paper's algorithm, sample by sample."""
    p, F = values(net), host(net, net.feedback["F"])
    L, expected = net.sizes.L, {name: np.zeros_like(w) for name, w in values(net).items()}

    def sweep(h):
        hs = [h]
        for k in range(1, L + 1):
            a = p[f"W{k}"] @ hs[-1] + p[f"b{k}"]
            hs.append(f(FUNCTIONS[k - 1], a)[0] if k < L else softmax(a))
        return hs

    for sample, label in zip(x, y, strict=True):
        h = sweep(sample)
        e = h[L] - np.eye(net.sizes.outputs)[label]
        ht = sweep(sample + F @ e)
        for k in range(1, L + 1):
            delta = h[k] - ht[k] if k < L else e
            expected[f"W{k}"] += np.outer(delta, ht[k - 1]) / len(x)
            expected[f"b{k}"] += delta / len(x)
    return expected


# PEPITA


def test_pepita_is_the_papers_algorithm(backend):
    net = network(SIZES, PEPITA(scale=2.0), FUNCTIONS, backend=backend)
    x, y = samples(SIZES)
    close(net.gradients(x, y), pepita_loops(net, x, y), 1e-13)


def test_pepita_without_feedback_leaves_hidden_layers_alone(backend):
    net, bp = (network(SIZES, rule, FUNCTIONS, backend=backend) for rule in ("pepita", "bp"))
    put(net, net.feedback["F"], np.zeros((6, 3)))
    batch = samples(SIZES)
    found = net.gradients(*batch)
    for k in net.sizes.hidden:
        assert not found[f"W{k}"].any()
        assert not found[f"b{k}"].any()
    close(found, bp.gradients(*batch), 1e-14, ["W4", "b4"])


def test_pepita_of_small_feedback_is_feedback_through_the_layers_below(backend):
    """delta_1 -> -(W_1 F e) * f', delta_2 -> -(W_2 (f'_1 * (W_1 F e))) * f'_2, with an error that falls as F does."""
    errors, (x, y) = [], samples([6, 5, 4, 3])
    for scale in (1e-3, 1e-4):
        net = network([6, 5, 4, 3], PEPITA(scale=scale), "tanh", backend=backend)
        p = passed(net, x, y)
        w, F, e = values(net), host(net, net.feedback["F"]), host(net, p.e)[0]
        signal, h = F @ e, x.T
        found = []
        for k in (1, 2):
            h, slope = f("tanh", w[f"W{k}"] @ h + w[f"b{k}"][:, None])
            signal = (w[f"W{k}"] @ signal) * slope
            found.append(np.abs(host(net, p.delta[k])[0] + signal).max() / np.abs(signal).max())
        errors.append(found)
    assert np.max(errors) < 1e-3
    np.testing.assert_allclose(np.divide(*errors), 10, rtol=0.02)


def test_descending_pepitas_delta_lets_the_feedback_grow():
    """Linear net, x = 0: W_1 F e becomes (1 + eta |F e|^2) W_1 F e; with the other sign it would shrink."""
    net = network([6, 5, 3], PEPITA(scale=1.0), "identity")
    x, y, F, eta = np.zeros((1, 6)), np.array([1]), net.feedback["F"], 0.1
    net.parameters["b1"][...] = 0
    Fe = F @ passed(net, x, y).e[0, :, 0]
    before, step = net.parameters["W1"] @ Fe, net.gradients(x, y)["W1"]
    np.testing.assert_allclose((net.parameters["W1"] - eta * step) @ Fe, (1 + eta * Fe @ Fe) * before, rtol=1e-12)


def test_pepitas_passes_share_their_dropout(backend):
    made = trainer(rule="pepita", rule_options={"scale": 2.0}, dropout=0.5, input_dropout=0.5, backend=backend)
    for _ in range(4):
        before = values(made.net)
        made.step()
        p = made._steps[8].p
        ht, h, mask = p.layers("second pass"), p.sent, host(made.net, p.mask)[0]
        kept = host(made.net, h[0])[0] != 0
        assert 0.2 < kept.mean() < 0.95
        assert not host(made.net, ht[0])[0][~kept].any()
        e, F = host(made.net, p.e)[0], host(made.net, made.net.feedback["F"])
        given = kept * (F @ e) * 2 + host(made.net, h[0])[0]
        for k in (1, 2):
            np.testing.assert_allclose(host(made.net, ht[k - 1])[0], given, rtol=1e-12, atol=1e-14)
            given = host(made.net, ht[k - 1])[0]
            a = before[f"W{k}"] @ given + before[f"b{k}"][:, None]
            given = np.tanh(a) * mask[p.sizes.rows(k)]
            np.testing.assert_allclose(host(made.net, ht[k])[0], given, rtol=1e-12, atol=1e-14)
            np.testing.assert_allclose(
                host(made.net, p.delta[k])[0], host(made.net, h[k])[0] - given, rtol=1e-10, atol=1e-14
            )


def test_pepitas_weight_angles():
    net = network([6, 5, 4, 3], "pepita")
    w, F = net.parameters, net.feedback["F"]
    pairs = [(-w["W1"] @ F, w["W2"].T @ w["W3"].T), (-w["W2"] @ w["W1"] @ F, w["W3"].T)]
    expected = [np.sum(a * b) / np.linalg.norm(a) / np.linalg.norm(b) for a, b in pairs]
    found = net.alignment(*samples([6, 5, 4, 3]))
    np.testing.assert_allclose(np.cos(np.radians(found["weight"])), expected, rtol=1e-10)
    assert np.isfinite(found["per_sample"]).all()
    assert np.isfinite(found["gradient"]).all()


def test_pepitas_feedback_is_small_and_uniform():
    F = gpufa.Network([400, 9, 10], rule="pepita", backend="numpy").feedback["F"]
    bound = 0.05 * np.sqrt(6 / 400)
    assert F.shape == (400, 10)
    assert 0.99 * bound < np.abs(F).max() <= bound
    np.testing.assert_allclose(F.std(), bound / np.sqrt(3), rtol=0.03)


def test_pepita_trains_units_without_derivative():
    assert "derivative" not in PEPITA().needs
    net = network([6, 5, 3], PEPITA(scale=20.0), "sign")
    assert np.abs(net.gradients(*samples([6, 5, 3]))["W1"]).max() > 0


# Both


def test_pepita_refuses_procedural_feedback():
    with pytest.raises(gpufa.InvalidValue, match="needs its feedback matrices in memory"):
        gpufa.Network([6, 5, 3], rule="pepita", backend="numpy", feedback="procedural")
