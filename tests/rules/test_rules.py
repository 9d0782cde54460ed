"""The identities that define the rules, in float64; none needs training."""

import numpy as np
import pytest
from rulelab import OWN, close, network, rng, samples

import gpufa
from gpufa.functions.activations import ACTIVATIONS
from gpufa.functions.losses import LOSSES
from gpufa.rules import RULES, make_rule
from gpufa.rules.alignment.dfa import DFA

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


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_changes_nothing_in_a_pass(rule):
    sizes = [5, *OWN.get(rule, {}).get("hidden", (6, 4)), 3]
    net = network(sizes, rule)
    before = {name: p.copy() for name, p in {**net.parameters, **net.feedback}.items()}
    batch = samples(sizes)
    first = net.gradients(*batch)
    close(net.gradients(*batch), first, 0)
    for name, p in {**net.parameters, **net.feedback}.items():
        np.testing.assert_array_equal(p, before[name])


@pytest.mark.parametrize("rule", sorted(RULES.keys() - {"shallow", "dni", "elm", "nn_lift"}))
def test_hidden_gradients_are_not_zero(rule):
    net = network([5, 6, 4, 3], rule)
    unused = ("W3", "b3") if rule == "forward_forward" else ()
    found = net.gradients(*samples([5, 6, 4, 3]))
    assert all(np.abs(g).max() > 1e-6 for name, g in found.items() if name not in unused)


def test_feedback_shapes_and_scale():
    shapes = {
        "bp": {},
        "fa": {"B1": (40, 30), "B2": (30, 3)},
        "dfa": {"B1": (40, 3), "B2": (30, 3)},
        "ifa": {"B1": (40, 3)},
    }
    for rule, expected in shapes.items():
        net = gpufa.Network([5, 40, 30, 3], rule=rule, backend="numpy")
        assert {name: b.shape for name, b in net.feedback.items()} == expected
        for b in net.feedback.values():
            bound = 1 / np.sqrt(len(b))
            assert 0.9 * bound < np.abs(b).max() <= bound
    for law, deviation in (("uniform", 3**-0.5), ("sign", 1), ("normal", 1)):
        net = gpufa.Network([5, 400, 30], rule=DFA(law=law, scale=2.0), backend="numpy")
        b = net.feedback["B1"]
        np.testing.assert_allclose(b.std(), 2 * deviation / 20, rtol=0.03)
        same = gpufa.Network([5, 400, 90, 30], rule=DFA(law=law, scale=0.5, by_width=False), backend="numpy").feedback
        np.testing.assert_allclose([same["B1"].std(), same["B2"].std()], deviation / 2, rtol=0.04)
    assert set(np.unique(np.abs(gpufa.Network([5, 16, 3], rule=DFA(law="sign"), backend="numpy").feedback["B1"]))) == {
        0.25
    }


@pytest.mark.parametrize(
    ("rule", "options", "text"),
    [
        ("back", {}, "unknown rule 'back'; choose one of bp, shallow, fa, dfa, ifa, "),
        (
            "dfa",
            {"beta": 1},
            "rule 'dfa' has no option 'beta'; it has law, scale, by_width, density, rank, shared",
        ),
        ("bp", {"scale": 1}, "rule 'bp' has no option 'scale'; it has none"),
        (
            "fa",
            {"law": "cauchy"},
            "unknown feedback law 'cauchy'; set rule.law to one of uniform, sign, ternary, normal",
        ),
        ("fa", {"scale": -1.0}, "feedback scale -1.0 can't be used"),
        ("fa", {"scale": "big"}, "feedback scale 'big' can't be used"),
        ("dfa", {"inject": "output"}, "unknown place for the error 'output'"),
        ("nowhere.py:Mine", {}, "rule file 'nowhere.py' does not exist"),
        (object, {}, "is no learning rule"),
    ],
)
def test_bad_rules_are_refused(rule, options, text):
    with pytest.raises(gpufa.GpufaError) as error:
        make_rule(rule, options)
    assert text in str(error.value)


def test_a_rule_file_must_hold_the_rule(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("Mine = 3\n")
    with pytest.raises(gpufa.FileProblem, match="defines no rule 'Mine'"):
        make_rule(f"{path}:Mine")


def test_a_signal_that_does_not_fit_is_refused():
    class Wrong(gpufa.FeedbackRule):
        def fixed(self, sizes):
            return {"B1": self.feedback(3, 4)}

        def deltas(self, net, e):
            net.inject(1, net.B[1], e)

    text = r"can't send a signal \(1, 2, 5\) through a matrix \(1, 3, 4\) to layer 1 of 6 units; it takes"
    with pytest.raises(gpufa.InvalidValue, match=text):
        gpufa.Network([4, 6, 2], rule=Wrong, backend="numpy").gradients(np.ones((5, 4)), np.zeros(5, int))


def test_a_rule_without_deltas_says_so():
    class Empty(gpufa.Rule):
        pass

    with pytest.raises(NotImplementedError, match=r"Empty must define deltas\(net, e\)"):
        gpufa.Network([4, 6, 2], rule=Empty, backend="numpy").gradients(np.ones((5, 4)), np.zeros(5, int))


@pytest.mark.parametrize("activation", ["sign", "step"])
@pytest.mark.parametrize("rule", ["bp", "fa", "dfa", "ifa"])
def test_units_without_derivative_are_refused_with_the_rule_that_can(rule, activation):
    with pytest.raises(
        gpufa.InvalidValue, match=r"derivative zero.*use rule 'dfa' with --set rule.inject=pre_activation"
    ):
        gpufa.Network([4, 3, 2], activation=activation, rule=rule, backend="numpy")
