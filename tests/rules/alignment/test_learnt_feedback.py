"""Feedback that learns: Kolen and Pollack's, direct or layer by layer, and mirrors of the weights."""

import numpy as np
import pytest
from alignmentlab import BATCH, SIZES, deltas
from rulelab import close, host, network, put, trainer, values


@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_kolen_pollack_brings_weights_and_feedback_together_by_the_decay_alone(decay, backend):
    """W_{k+1} - B_k^T is (1 - lr * decay)^t of what it was, whatever the data are."""
    settings = {"optimizer": "sgd", "lr": 0.05, "weight_decay": decay, "decay": "decoupled", "backend": backend}
    run = trainer(rule="kp", **settings)
    net = run.net

    def apart():
        p = values(net)
        return {k: p[f"W{k + 1}"] - p[f"B{k}"].T for k in (1, 2)}

    start, before = apart(), values(net)
    for _ in range(4):
        run.step()
    for k, difference in apart().items():
        np.testing.assert_allclose(difference, start[k] * (1 - 0.05 * decay) ** 4, rtol=1e-12, atol=1e-15)
    assert all(np.abs(values(net)[name] - before[name]).max() > 1e-4 for name in before)


def test_kp_with_transposed_weights_is_bp_and_trains_its_feedback_as_the_weights(backend):
    bp, kp = network(SIZES, "bp", backend=backend), network(SIZES, "kp", backend=backend)
    W = values(kp)
    for k in (1, 2, 3):
        put(kp, kp.parameters[f"B{k}"], W[f"W{k + 1}"].T)
    true, ours = bp.gradients(*BATCH), kp.gradients(*BATCH)
    close(ours, true, 1e-13, names=list(true))
    for k in (1, 2, 3):
        np.testing.assert_allclose(ours[f"B{k}"], true[f"W{k + 1}"].T, rtol=1e-12, atol=1e-16)
    angles = kp.alignment(*BATCH)
    for name in ("per_sample", "gradient", "local", "weight"):
        np.testing.assert_allclose(angles[name], 0, atol=1e-5, err_msg=name)


def test_direct_kolen_pollack_updates_feedback_by_activity_and_error(backend):
    net, dfa = network(SIZES, "dkp", backend=backend), network(SIZES, "dfa", backend=backend)
    for k in (1, 2, 3):
        put(net, net.parameters[f"B{k}"], host(dfa, dfa.feedback[f"B{k}"]))
    ours, plain = net.gradients(*BATCH), dfa.gradients(*BATCH)
    close(ours, plain, 1e-13, names=list(plain))
    delta, p = deltas(net, *BATCH)
    for k in (1, 2, 3):
        np.testing.assert_allclose(ours[f"B{k}"], host(net, p.h[k])[0] @ delta[4].T / 9, rtol=1e-12)
    np.testing.assert_allclose(ours["B3"], ours["W4"].T, rtol=1e-12)


def test_dkps_rate_is_that_of_its_feedback_alone(backend):
    moved = {}
    for rate in (1.0, 3.0):
        run = trainer(
            rule="dkp", rule_options={"rate": rate}, optimizer="sgd", lr=0.1, weight_decay=0.0, backend=backend
        )
        before = values(run.net)
        run.step()
        moved[rate] = {name: after - before[name] for name, after in values(run.net).items()}
    for name, step in moved[1.0].items():
        np.testing.assert_allclose(moved[3.0][name], step * (3 if name[0] == "B" else 1), rtol=1e-10, atol=1e-15)


def test_a_weight_mirror_step_is_its_equation(backend):
    run = trainer(rule="weight_mirror", backend=backend, rule_options={"eta": 0.25, "noise": 2.0})
    before = {name: host(run.net, b) for name, b in run.net.feedback.items()}
    run.step()
    p, after = run._steps[8].p, values(run.net)
    xi = p.layers("noise")
    for k in (1, 2):
        noise = host(run.net, xi[k])[0]
        a = after[f"W{k + 1}"] @ noise + after[f"b{k + 1}"][:, None]
        y = np.tanh(a) if k + 1 < 3 else a
        expected = 0.75 * before[f"B{k}"] + 0.25 * noise @ y.T / (8 * 4.0)
        np.testing.assert_allclose(host(run.net, run.net.feedback[f"B{k}"]), expected, rtol=1e-12, atol=1e-15)


def test_a_weight_mirror_goes_to_the_transposed_weights():
    """With weights held still and linear units B_k goes to W_{k+1}^T: within 4 degrees after 600 steps."""
    settings = {"freeze": (1, 2, 3), "batch_size": 40, "epochs": 700, "rule_options": {"eta": 0.005}}
    run = trainer(rule="weight_mirror", activation="identity", **settings)
    for epoch in range(600):
        run.progress.epoch, run.progress.batch = epoch, 0
        run.begin_epoch()
        run.step()
    for k in (1, 2):
        B, W = run.net.feedback[f"B{k}"], run.net.parameters[f"W{k + 1}"].T
        cos = (B * W).sum() / np.linalg.norm(B) / np.linalg.norm(W)
        assert np.degrees(np.arccos(cos)) < 4
        np.testing.assert_allclose(np.linalg.norm(B), np.linalg.norm(W), rtol=0.08)
