"""The identities that define BP, FA, DFA and IFA, in float64; none needs training."""

import numpy as np
import pytest
from rulelab import close, network, rng, samples

import gpufa
from gpufa.functions.activations import ACTIVATIONS
from gpufa.functions.losses import LOSSES
from gpufa.rules.direct.dfa import DFA

DIFFERENTIABLE = [name for name, f in ACTIVATIONS.items() if f.learns]


def transposes(net):
    """W_{k+1}^T for each hidden layer k."""
    return {f"B{k}": net.parameters[f"W{k + 1}"].T for k in net.sizes.hidden}


def chain(net, k):
    """(W_L ... W_{k+1})^T."""
    product = np.eye(net.sizes.outputs)
    for j in range(net.sizes.L, k, -1):
        product = product @ net.parameters[f"W{j}"]
    return product.T


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", DIFFERENTIABLE)
def test_bp_is_the_gradient_of_the_loss(activation, loss):
    sizes = [5, 6, 4, 3]
    net = network(sizes, "bp", activation, loss)
    x, y = samples(sizes, loss)
    found = net.gradients(x, y)
    for name, p in net.parameters.items():
        numeric = np.empty_like(p)
        for at in np.ndindex(p.shape):
            kept, step = p[at], 1e-5
            p[at] = kept + step
            above = net.loss(x, y)
            p[at] = kept - step
            numeric[at] = (above - net.loss(x, y)) / (2 * step)
            p[at] = kept
        np.testing.assert_allclose(found[name], numeric, rtol=1e-6, atol=2e-9, err_msg=name)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", DIFFERENTIABLE)
def test_fa_with_transposed_weights_is_bp(activation, loss):
    sizes = [5, 7, 6, 4, 3]
    bp, fa = (network(sizes, rule, activation, loss) for rule in ("bp", "fa"))
    for name, transposed in transposes(fa).items():
        fa.feedback[name][...] = transposed
    batch = samples(sizes, loss)
    close(fa.gradients(*batch), bp.gradients(*batch), 1e-13)
    np.testing.assert_allclose(fa.alignment(*batch)["weight"], 0, atol=1e-5)


def test_one_hidden_layer_makes_dfa_fa_and_ifa_one_rule():
    sizes = [5, 8, 3]
    nets = [network(sizes, rule) for rule in ("dfa", "fa", "ifa")]
    feedback = rng.normal(size=(8, 3))
    for net in nets:
        net.feedback["B1"][...] = feedback
    batch = samples(sizes)
    first, *others = (net.gradients(*batch) for net in nets)
    for other in others:
        close(other, first, 1e-14)


def test_linear_net_with_the_chain_as_feedback_makes_dfa_bp():
    sizes = [5, 7, 6, 4, 3]
    bp, dfa = (network(sizes, rule, "identity", "squared_error") for rule in ("bp", "dfa"))
    for k in dfa.sizes.hidden:
        dfa.feedback[f"B{k}"][...] = chain(dfa, k)
    batch = samples(sizes, "squared_error")
    close(dfa.gradients(*batch), bp.gradients(*batch), 1e-13)


def test_orthogonal_linear_net_makes_ifa_bp():
    sizes = [4, 4, 4, 4, 4]
    bp, ifa = (network(sizes, rule, "identity", "squared_error") for rule in ("bp", "ifa"))
    for k in range(1, 5):
        q = np.linalg.qr(rng.normal(size=(4, 4)))[0]
        bp.parameters[f"W{k}"][...] = ifa.parameters[f"W{k}"][...] = q
    ifa.feedback["B1"][...] = chain(ifa, 1)
    batch = samples(sizes, "squared_error")
    close(ifa.gradients(*batch), bp.gradients(*batch), 1e-13)


def test_threshold_dfa_is_dfa_where_the_derivative_is_one_and_not_elsewhere():
    sizes = [5, 6, 4, 3]
    batch = samples(sizes)
    for activation, same in (("identity", True), ("tanh", False)):
        plain, threshold = (network(sizes, DFA(inject=place), activation) for place in ("activation", "pre_activation"))
        a, b = plain.gradients(*batch), threshold.gradients(*batch)
        assert np.allclose(a["W1"], b["W1"], rtol=1e-14, atol=0) == same


@pytest.mark.parametrize("activation", ["sign", "step"])
def test_threshold_dfa_sends_be_into_units_without_derivative(activation):
    sizes = [5, 6, 3]
    net = network(sizes, DFA(inject="pre_activation"), activation)
    x, y = samples(sizes)
    e = net.predict(x) - np.eye(3)[y]
    np.testing.assert_allclose(net.gradients(x, y)["W1"], net.feedback["B1"] @ e.T @ x / len(x), rtol=1e-12)


@pytest.mark.parametrize("rule", ["bp", "fa", "dfa", "ifa"])
def test_every_rule_against_naive_loops(rule):
    """The formulas of the papers, sample by sample and unit by unit, with another activation in each layer."""
    sizes, names = [3, 4, 5, 4, 2], ["tanh", "relu", "gelu"]
    net = network(sizes, rule, names, "binary_cross_entropy")
    x, y = samples(sizes)
    W, b, B = ({int(n[1:]): p for n, p in m.items() if n[0] == c} for m, c in
               ((net.parameters, "W"), (net.parameters, "b"), (net.feedback, "B")))  # fmt: skip
    expected = {name: np.zeros_like(p) for name, p in net.parameters.items()}
    for sample, label in zip(x, y, strict=True):
        h, f_prime = {0: sample}, {}
        for k in range(1, 5):
            a = W[k] @ h[k - 1] + b[k]
            if k < 4:
                h[k], f_prime[k] = np.empty_like(a), np.empty_like(a)
                row = ACTIVATIONS[names[k - 1]]
                row.value(a, h[k])
                row.derivative(h[k] if row.of == "h" else a, f_prime[k], np.empty_like(a))
        e = 1 / (1 + np.exp(-a)) - np.eye(2)[label]
        delta = {4: e}
        for k in (1, 2, 3) if rule == "ifa" else (3, 2, 1):
            if rule == "bp":
                signal = W[k + 1].T @ delta[k + 1]
            elif rule == "fa":
                signal = B[k] @ delta[k + 1]
            elif rule == "dfa":
                signal = B[k] @ e
            else:
                signal = B[1] @ e if k == 1 else W[k] @ delta[k - 1]
            delta[k] = signal * f_prime[k]
        for k in range(1, 5):
            expected[f"W{k}"] += np.outer(delta[k], h[k - 1]) / len(x)
            expected[f"b{k}"] += delta[k] / len(x)
    close(net.gradients(x, y), expected, 1e-13)


def test_lillicraps_discrete_invariant():
    """B W + W^T B^T - A A^T + eta^2 sum_t B E E^T B^T stays constant for y = W A x with white x (Lillicrap 2016)."""
    n = 12
    x = np.linalg.qr(rng.normal(size=(n, n)))[0] * np.sqrt(n)  # rows are samples, x^T x / n = 1 exactly
    target = rng.normal(size=(4, n))
    net = gpufa.Network(
        [n, 9, 4], activation="identity", loss="squared_error", rule="fa", dtype="float64", backend="numpy"
    )
    A, W, B = net.parameters["W1"], net.parameters["W2"], net.feedback["B1"]
    draw = np.random.default_rng(3)
    A[...], W[...] = draw.normal(0, 0.1, A.shape), draw.normal(0, 0.1, W.shape)
    eta, correction = 0.05, np.zeros((9, 9))

    def invariant():
        return B @ W + W.T @ B.T - A @ A.T + eta**2 * correction

    start = invariant()
    for _ in range(200):
        E = target - W @ A
        gradient = net.gradients(x, x @ target.T)
        correction += B @ E @ E.T @ B.T
        for name in ("W1", "W2"):
            net.parameters[name][...] -= eta * gradient[name]
    assert np.linalg.norm(E) < 0.7 * np.linalg.norm(target)
    np.testing.assert_allclose(invariant(), start, atol=1e-12)


def test_deep_linear_dfa_from_zero_stays_in_the_feedbacks_space():
    sizes = [8, 7, 6, 3]
    net = gpufa.Network(
        sizes, activation="identity", loss="squared_error", rule="dfa", init="zeros", dtype="float64", backend="numpy"
    )
    x, y = samples(sizes, "squared_error", m=30)
    for _ in range(20):
        for name, g in net.gradients(x, y).items():
            net.parameters[name][...] -= 0.05 * g
    W1, B1 = net.parameters["W1"], net.feedback["B1"]
    assert np.linalg.norm(W1) > 0.1
    outside = W1 - B1 @ np.linalg.lstsq(B1, W1, rcond=None)[0]
    assert np.linalg.norm(outside) < 1e-12 * np.linalg.norm(W1)
    for k in (1, 2, 3):
        assert np.linalg.matrix_rank(net.parameters[f"W{k}"], tol=1e-10) <= 3


@pytest.mark.parametrize("rule", ["dfa", "fa"])
def test_noklands_theorem(rule):
    """One sample, tanh, from zero weights: after a few steps delta points to the true gradient's side."""
    cosines = []
    for seed in range(50):
        net = gpufa.Network([6, 12, 12, 4], rule=rule, init="zeros", seed=seed, dtype="float64", backend="numpy")
        x, y = np.random.default_rng(seed).normal(size=(1, 6)), np.array([seed % 4])
        for _ in range(10):
            for name, g in net.gradients(x, y).items():
                net.parameters[name][...] -= 0.1 * g
        cosines.append(np.cos(np.radians(net.alignment(x, y)["per_sample"])))
    assert np.min(cosines) > 0
