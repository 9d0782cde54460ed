"""The structure of DFA's feedback: nonlinear, of low rank, sparse, shared, or stale."""

import numpy as np
import pytest
from alignmentlab import BATCH, SIZES, deltas, derivatives
from rulelab import close, host, network, trainer, values

import gpufa
from gpufa.rules.direct.dfa import DFA

# ---- the structure of DFA's feedback


def test_identity_as_feedback_nonlinearity_is_dfa_and_the_others_are_their_equations(backend):
    x, y = BATCH
    net = network(SIZES, DFA(), backend=backend)
    plain, p = deltas(net, x, y)
    f = derivatives(p, net)
    for name, phi in {"identity": lambda s: s, "tanh": np.tanh, "relu": lambda s: np.maximum(s, 0)}.items():
        bent = network(SIZES, DFA(nonlinearity=name), backend=backend)
        for k, d in enumerate(deltas(bent, x, y)[0][1:4], start=1):
            expected = phi(host(net, net.feedback[f"B{k}"]) @ plain[4]) * f[k]
            np.testing.assert_allclose(d, expected, rtol=1e-12, atol=1e-15, err_msg=name)


def test_feedback_through_a_random_mlp(backend):
    net = network(SIZES, DFA(nonlinearity="mlp", width=12), backend=backend)
    delta, p = deltas(net, *BATCH)
    B = {name: host(net, b) for name, b in net.feedback.items()}
    assert B["B1"].shape == (7, 12)
    assert B["C"].shape == (12, 3)
    through = np.tanh(B["C"] @ delta[4])
    for k in (1, 2, 3):
        np.testing.assert_allclose(delta[k], B[f"B{k}"] @ through * derivatives(p, net)[k], rtol=1e-12, atol=1e-15)


def test_nonlinear_feedback_and_dropout_and_no_derivative():
    """The mask counts once, whether f' is there or not."""
    for inject in ("activation", "pre_activation"):
        run = trainer(rule="dfa", rule_options={"nonlinearity": "tanh", "inject": inject}, dropout=0.5, init="uniform")
        run.step()
        p = run._steps[8].p
        run.rule.deltas(p, p.e)
        signal = np.tanh(p.B.stacked @ p.e) * p.mask
        expected = signal * (1 - p.h.stacked**2) if inject == "activation" else signal
        np.testing.assert_allclose(p.delta.stacked, expected, rtol=1e-12, atol=1e-15)
        assert (p.mask == 0).any()


def test_low_rank_feedback_is_a_product(backend):
    net = network(SIZES, DFA(rank=2), backend=backend)
    delta, p = deltas(net, *BATCH)
    B = {name: host(net, b) for name, b in net.feedback.items()}
    assert {name: b.shape for name, b in B.items()} == {"B1": (7, 2), "B2": (6, 2), "B3": (4, 2), "V": (2, 3)}
    for k in (1, 2, 3):
        np.testing.assert_allclose(
            delta[k], B[f"B{k}"] @ B["V"] @ delta[4] * derivatives(p, net)[k], rtol=1e-12, atol=1e-15
        )


def test_sparse_ternary_and_shared_feedback():
    sizes = [5, 400, 300, 10]
    sparse = gpufa.Network(sizes, rule=DFA(density=0.1), backend="numpy").feedback["B1"]
    dense = gpufa.Network(sizes, rule=DFA(), backend="numpy").feedback["B1"]
    kept = sparse != 0
    assert abs(kept.mean() - 0.1) < 0.02
    np.testing.assert_allclose(sparse[kept], dense[kept] / np.sqrt(0.1), rtol=1e-6)
    ternary = gpufa.Network(sizes, rule=DFA(law="ternary"), backend="numpy").feedback["B1"]
    np.testing.assert_allclose(np.unique(ternary), [-0.05, 0, 0.05], rtol=1e-6)
    assert abs((ternary == 0).mean() - 1 / 3) < 0.03
    shared = gpufa.Network(sizes, rule=DFA(shared=True), backend="numpy").feedback
    np.testing.assert_array_equal(shared["B1"][:300], shared["B2"])
    np.testing.assert_allclose(np.abs(shared["B1"]).max(), 0.05, rtol=0.01)
    apart = gpufa.Network(sizes, rule=DFA(), backend="numpy").feedback
    assert np.abs(apart["B1"][:300] * np.sqrt(4 / 3) - apart["B2"]).mean() > 0.02


@pytest.mark.parametrize("options", [{"law": "ternary"}, {"shared": True}, {"density": 0.5}, {"rank": 2}])
def test_structured_feedback_trains_the_same_stored_or_procedural(options, backend):
    nets = []
    for kind in ("stored", "procedural"):
        run = trainer(rule="dfa", rule_options=options, feedback=kind, backend=backend)
        for _ in range(3):
            run.step()
        nets.append(values(run.net))
    close(*nets, 1e-13)


@pytest.mark.filterwarnings("error")
def test_a_stale_error_is_the_gradient_of_some_steps_ago(backend):
    """Hidden layers stand still for s steps, then take the very gradients that they would have had, s steps late."""
    late, seen = 2, []
    settings = {"optimizer": "sgd", "lr": 0.1, "init": "uniform", "backend": backend}
    run = trainer(rule="dfa", rule_options={"staleness": late}, **settings)
    before = values(run.net)
    for step in range(5):
        run.step()
        p, after = run._steps[8].p, values(run.net)
        x = host(run.net, p.h[0])[0]
        seen.append(host(run.net, p.delta[1])[0] @ x.T / 8)
        moved = (before["W1"] - after["W1"]) / 0.1
        expected = seen[step - late] if step >= late else np.zeros_like(moved)
        np.testing.assert_allclose(moved, expected, rtol=1e-9, atol=1e-13)
        assert np.abs(before["W3"] - after["W3"]).max() > 1e-6
        before = after


def test_staleness_zero_is_dfa_bit_for_bit_and_probes_leave_the_queue_alone():
    nets = []
    for options in ({}, {"staleness": 0}):
        run = trainer(rule="dfa", rule_options=options)
        for _ in range(4):
            run.step()
        nets.append(values(run.net))
    for name, p in nets[0].items():
        np.testing.assert_array_equal(p, nets[1][name])
    run = trainer(rule="dfa", rule_options={"staleness": 2}, init="uniform")
    run.step()
    before = {name: s.copy() for name, s in run.net.state.items()}
    run._probe()
    run.net.gradients(run.probe[0], run.probe[1])
    assert before["W1_late1"].any()
    for name, s in run.net.state.items():
        np.testing.assert_array_equal(s, before[name])


# ---- what is refused


@pytest.mark.parametrize("rule", ["weight_mirror", "frsf"])
def test_feedback_that_is_worked_with_can_not_be_procedural(rule):
    with pytest.raises(gpufa.InvalidValue, match=f"rule '{rule}' needs its feedback matrices in memory"):
        gpufa.Network(SIZES, rule=rule, feedback="procedural", backend="numpy")


# ---- what the optimizer trains


def test_structured_feedback_has_one_scale_and_no_weight_angle():
    sizes = [5, 400, 300, 10]
    for options in ({"rank": 6}, {"rank": 6, "scale": 3.0}):
        B = gpufa.Network(sizes, rule=DFA(**options), dtype="float64", backend="numpy").feedback
        expected = options.get("scale", 1.0) / 20 / np.sqrt(3)
        np.testing.assert_allclose((B["B1"] @ B["V"]).std(), expected, rtol=0.25)
    for rule in (DFA(rank=3), DFA(nonlinearity="mlp", width=3)):
        assert np.isnan(network(SIZES, rule).alignment(*BATCH)["weight"]).all()
