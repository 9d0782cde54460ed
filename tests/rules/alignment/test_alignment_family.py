"""The identities of the alignment family's further members, in float64, on NumPy and on the GPU's kernels."""

from dataclasses import dataclass

import numpy as np
import pytest
from rulelab import DATA, close, host, moved, network, put, samples, trainer, values

import gpufa
from gpufa.rules import make_rule
from gpufa.rules.alignment.dfa import DFA
from gpufa.rules.alignment.drtp import DRTP
from gpufa.rules.alignment.fa import FA
from gpufa.rules.alignment.sdfa import SDFA
from gpufa.rules.alignment.topology import Topology
from gpufa.training.trainer import Trainer

SIZES = [5, 7, 6, 4, 3]
BATCH = samples(SIZES)


def share(source, target, names):
    """Give `target` the feedback of `source`, by pairs of names."""
    for ours, theirs in names.items():
        put(target, target.feedback[ours], host(source, source.feedback[theirs]))


def deltas(net, x, y):
    """delta_k of every layer on the host, after a pass."""
    p = net._error(x, y)
    net.rule.deltas(p, p.e)
    return [None, *(host(net, p.delta[k])[0] for k in range(1, net.sizes.L + 1))], p


def derivatives(p, net):
    """f'(a_k) of tanh."""
    return [None, *(1 - host(net, p.h[k])[0] ** 2 for k in p.hidden)]


@pytest.mark.parametrize(
    ("sources", "rule"), [([2, 3, 4], "fa"), ([4, 4, 4], "dfa"), ([-1], "dfa"), ([4, 1, 2], "ifa")]
)
def test_fa_dfa_and_ifa_are_points_of_the_topology(sources, rule, backend):
    plain, ours = network(SIZES, rule, backend=backend), network(SIZES, Topology(sources=sources), backend=backend)
    lists = (sources * 3)[:3]
    share(
        plain,
        ours,
        {f"B{k} from {4 if j == -1 else j}": f"B{k}" for k, j in zip((1, 2, 3), lists, strict=True) if j != k - 1},
    )
    close(ours.gradients(*BATCH), plain.gradients(*BATCH), 1e-13)


def test_a_layer_with_several_sources_gets_the_sum(backend):
    net = network(SIZES, Topology(sources=[[2, 4], [3, 4], 4]), backend=backend)
    delta, p = deltas(net, *BATCH)
    B, f = {name: host(net, b) for name, b in net.feedback.items()}, derivatives(p, net)
    assert set(B) == {"B1 from 2", "B1 from 4", "B2 from 3", "B2 from 4", "B3 from 4"}
    for k, js in {3: [4], 2: [3, 4], 1: [2, 4]}.items():
        expected = sum(B[f"B{k} from {j}"] @ delta[j] for j in js) * f[k]
        np.testing.assert_allclose(delta[k], expected, rtol=1e-12, atol=1e-15)


def test_the_signs_of_the_error_and_the_target_differ_by_a_constant(backend):
    """B sign(e) = B 1 - 2 B y for one-hot y and outputs in (0, 1); without the constant the two are one rule."""
    sdfa, drtp = (network(SIZES, rule(centre=False), backend=backend) for rule in (SDFA, DRTP))
    share(sdfa, drtp, {f"B{k}": f"B{k}" for k in (1, 2, 3)})
    (ours, p), (theirs, _) = deltas(sdfa, *BATCH), deltas(drtp, *BATCH)
    f = derivatives(p, sdfa)
    for k in (1, 2, 3):
        constant = host(sdfa, sdfa.feedback[f"B{k}"]).sum(axis=1, keepdims=True) * f[k]
        np.testing.assert_allclose(ours[k], constant - 2 * theirs[k], rtol=1e-12, atol=1e-15)
        assert np.abs(theirs[k]).max() > 1e-3
    for net, other in ((sdfa, SDFA()), (drtp, DRTP())):
        share(net, centred := network(SIZES, other, backend=backend), {f"B{k}": f"B{k}" for k in (1, 2, 3)})
        found = deltas(centred, *BATCH)[0]
        ours, theirs = theirs, found
    for k in (1, 2, 3):
        np.testing.assert_allclose(ours[k], -2 * theirs[k], rtol=1e-12, atol=1e-15)


def test_sdfa_sends_signs_and_the_output_learns_from_the_error(backend):
    net, dfa = network(SIZES, SDFA(centre=False), backend=backend), network(SIZES, DFA(), backend=backend)
    share(dfa, net, {f"B{k}": f"B{k}" for k in (1, 2, 3)})
    (delta, p), B = deltas(net, *BATCH), host(net, net.feedback["B2"])
    np.testing.assert_allclose(delta[2], B @ np.sign(delta[4]) * derivatives(p, net)[2], rtol=1e-12)
    close(net.gradients(*BATCH), dfa.gradients(*BATCH), 1e-13, names=["W4", "b4"])


def test_drtp_takes_real_targets_as_they_are(backend):
    x, y = samples(SIZES, "squared_error")
    net = network(SIZES, DRTP(centre=False), loss="squared_error", backend=backend)
    delta, p = deltas(net, x, y)
    np.testing.assert_allclose(delta[1], host(net, net.feedback["B1"]) @ y.T * derivatives(p, net)[1], rtol=1e-12)


def test_usf_is_bp_times_a_number_where_all_weights_are_equally_large(backend):
    bp, usf = network([5, 6, 3], "bp", backend=backend), network([5, 6, 3], "usf", backend=backend)
    for net in (bp, usf):
        W = host(net, net.parameters["W2"])
        put(net, net.parameters["W2"], 0.3 * np.sign(W))
    x, y = samples([5, 6, 3])
    true, ours = bp.gradients(x, y)["W1"], usf.gradients(x, y)["W1"]
    np.testing.assert_allclose(ours, true * np.sqrt(2 / 9) / 0.3, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("rule", ["usf", "brsf", "frsf"])
def test_sign_symmetric_feedback_has_the_weights_signs_and_its_scale(rule, backend):
    sizes = [4, 90, 60, 3]
    net = network(sizes, rule, backend=backend)
    delta, p = deltas(net, *samples(sizes))
    V, W = host(net, net.rule.feedback(p)["W2"])[0], host(net, net.parameters["W2"])
    np.testing.assert_array_equal(np.signbit(V), np.signbit(W.T))
    np.testing.assert_allclose(np.sqrt((V**2).mean()), np.sqrt(2 / 150), rtol=0.03)
    np.testing.assert_allclose(delta[1], V @ delta[2] * derivatives(p, net)[1], rtol=1e-11, atol=1e-14)
    magnitudes = np.abs(V)
    assert (magnitudes.std() < 1e-12) == (rule == "usf")


@pytest.mark.parametrize("rule", ["usf", "brsf", "frsf"])
def test_the_sign_of_a_weight_that_is_zero_is_zero(rule, backend):
    net = network([4, 9, 6, 3], rule, backend=backend)
    W = host(net, net.parameters["W2"])
    W[::2, 1:4] = 0
    put(net, net.parameters["W2"], W)
    _, p = deltas(net, *samples([4, 9, 6, 3]))
    assert not host(net, net.rule.feedback(p)["W2"])[0][W.T == 0].any()


def test_only_brsf_draws_its_magnitudes_anew_at_every_step(backend):
    found = {}
    for rule in ("brsf", "frsf"):
        run = trainer(rule=rule, backend=backend)
        seen = []
        for _ in range(3):
            run.step()
            p = run._steps[8].p
            seen.append(np.abs(host(run.net, run.rule.feedback(p)["W2"])))
        found[rule] = [np.array_equal(seen[0], other) for other in seen[1:]]
    assert found == {"brsf": [False, False], "frsf": [True, True]}


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


def test_shallow_trains_the_output_as_bp_does_and_nothing_else(backend):
    bp, shallow = network(SIZES, "bp", backend=backend), network(SIZES, "shallow", backend=backend)
    ours = shallow.gradients(*BATCH)
    close(ours, bp.gradients(*BATCH), 1e-13, names=["W4", "b4"])
    assert not any(ours[f"{kind}{k}"].any() for k in (1, 2, 3) for kind in "Wb")


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


# ---- angles


def test_metric_local_is_one_layer_of_backprop(backend):
    fa = network(SIZES, FA(), backend=backend)
    delta, p = deltas(fa, *BATCH)
    W, f, found = values(fa), derivatives(p, fa), fa.alignment(*BATCH)
    for k in (1, 2, 3):
        one = W[f"W{k + 1}"].T @ delta[k + 1] * f[k]
        cos = (delta[k] * one).sum(0) / np.linalg.norm(delta[k], axis=0) / np.linalg.norm(one, axis=0)
        np.testing.assert_allclose(found["local"][k - 1], np.degrees(np.arccos(cos.mean())), rtol=1e-9)
    np.testing.assert_allclose(found["local"][2], found["per_sample"][2], rtol=1e-9)
    assert abs(found["local"][0] - found["per_sample"][0]) > 1


def test_metric_pseudo_is_the_angle_to_the_pseudoinverse(backend):
    dfa = network([5, 7, 6, 3], DFA(), "identity", "squared_error", backend=backend)
    x, y = samples([5, 7, 6, 3], "squared_error")
    delta, _ = deltas(dfa, x, y)
    towards = np.linalg.pinv(values(dfa)["W3"]) @ delta[3]
    cos = (delta[2] * towards).sum(0) / np.linalg.norm(delta[2], axis=0) / np.linalg.norm(towards, axis=0)
    found = dfa.alignment(x, y)["pseudo"]
    assert np.isnan(found[0])
    np.testing.assert_allclose(found[1], np.degrees(np.arccos(cos.mean())), rtol=1e-9)
    put(dfa, dfa.feedback["B2"], np.linalg.pinv(values(dfa)["W3"]))
    np.testing.assert_allclose(dfa.alignment(x, y)["pseudo"][1], 0, atol=1e-5)


# ---- what is refused


@pytest.mark.parametrize(
    ("rule", "options", "text"),
    [
        ("dfa", {"density": 0}, "feedback density 0 can't be used; set rule.density to a number above 0 and"),
        ("dfa", {"density": 1.5}, "feedback density 1.5"),
        ("dfa", {"rank": -1}, "feedback rank -1 can't be used; set rule.rank to a whole number of at least 0"),
        ("dfa", {"shared": 1}, "shared = 1 can't be used; set rule.shared to true or false"),
        ("fa", {"by_width": "no"}, "by_width = 'no' can't be used; set rule.by_width to true or false"),
        ("dfa", {"nonlinearity": "sin"}, "unknown feedback nonlinearity 'sin'; set rule.nonlinearity to"),
        ("dfa", {"nonlinearity": "mlp", "rank": 2}, "nonlinearity 'mlp' has matrices of its own"),
        ("dfa", {"width": 0}, "width of the feedback's MLP 0"),
        ("dfa", {"staleness": 0.5}, "staleness 0.5 can't be used"),
        ("drtp", {"centre": "no"}, "centre = 'no' can't be used"),
        ("usf", {"scale": 0}, "feedback scale 0 can't be used"),
        ("dkp", {"rate": -1}, "rate of the feedback -1"),
        ("weight_mirror", {"eta": 2}, "rate of the mirror 2 can't be used; set rule.eta to"),
        ("weight_mirror", {"noise": 0}, "noise 0 can't be used"),
        ("topology", {"sources": ["e"]}, "source 'e' is no layer's number"),
        ("topology", {"sources": [1, 2]}, "sources are given for 2 of 3 hidden layers"),
        ("topology", {"sources": [1, 4, 4]}, "layer 1 can't feed layer 1"),
        ("topology", {"sources": [2, 1, 4]}, "the sources of layers [1, 2] run in a circle"),
        ("topology", {"sources": [4, [], 4]}, "hidden layer 2 has no source"),
        ("topology", {"sources": [4, [4, -1], 4]}, "hidden layer 2 has the sources [4, 4], one of them twice"),
    ],
)  # fmt: skip
def test_bad_options_are_refused(rule, options, text):
    with pytest.raises(gpufa.InvalidValue) as error:
        gpufa.Network(SIZES, rule=make_rule(rule, options), backend="numpy")
    assert text in str(error.value)


@pytest.mark.parametrize("rule", ["weight_mirror", "frsf"])
def test_feedback_that_is_worked_with_can_not_be_procedural(rule):
    with pytest.raises(gpufa.InvalidValue, match=f"rule '{rule}' needs its feedback matrices in memory"):
        gpufa.Network(SIZES, rule=rule, feedback="procedural", backend="numpy")


def test_units_without_derivative_learn_by_a_rule_that_needs_none():
    for rule in (DFA(inject="pre_activation"), "shallow"):
        gpufa.Network(SIZES, rule=rule, activation="sign", backend="numpy")


# ---- what the optimizer trains


def test_what_belongs_to_a_layer_has_its_rate_and_is_frozen_with_it():
    everything = {f"{kind}{k}" for kind in "Wb" for k in (1, 2, 3)} | {"B1", "B2"}
    assert moved(rule="kp") == everything
    assert moved(rule="kp", freeze=(2,)) == everything - {"W2", "b2", "B1"}
    assert moved(rule="dkp", freeze=(3,)) == everything - {"W3", "b3", "B2"}
    run = trainer(rule="kp", optimizer="sgd", lr=None, layer_lr=(0.1, 0.2, 0.3), weight_decay=0.3, decay="decoupled")
    start = values(run.net)
    run.step()
    after = values(run.net)
    for k, rate in ((2, 0.2), (3, 0.3)):
        apart = start[f"W{k}"] - start[f"B{k - 1}"].T
        np.testing.assert_allclose(after[f"W{k}"] - after[f"B{k - 1}"].T, apart * (1 - 0.3 * rate), rtol=1e-12)


def test_a_rule_derived_from_dfa_keeps_its_own_gradients():
    @dataclass(frozen=True)
    class Still(DFA):
        makes = frozenset({"signals", "gradients"})
        needs = frozenset({"matrix", "plain"})

        def gradients(self, net, grads):
            pass

    for optimizer in ("sgd", "momentum"):
        assert moved(rule="dfa", optimizer=optimizer)
        run = Trainer(gpufa.Config(hidden=(5,), optimizer=optimizer, backend="numpy"), DATA, rule=Still)
        run.begin_epoch()
        run.step()
        assert not run.net.parameters["W1"].any()
    with pytest.raises(gpufa.InvalidValue, match="leave --residual out"):
        gpufa.Network([5, 6, 6, 3], rule=Still(), residual=True, backend="numpy")


def test_structured_feedback_has_one_scale_and_no_weight_angle():
    sizes = [5, 400, 300, 10]
    for options in ({"rank": 6}, {"rank": 6, "scale": 3.0}):
        B = gpufa.Network(sizes, rule=DFA(**options), dtype="float64", backend="numpy").feedback
        expected = options.get("scale", 1.0) / 20 / np.sqrt(3)
        np.testing.assert_allclose((B["B1"] @ B["V"]).std(), expected, rtol=0.25)
    for rule in (DFA(rank=3), DFA(nonlinearity="mlp", width=3)):
        assert np.isnan(network(SIZES, rule).alignment(*BATCH)["weight"]).all()


def test_a_single_output_is_not_centred_away():
    x, y = samples([6, 8, 1], "squared_error")
    for rule in ("sdfa", "drtp"):
        assert network([6, 8, 1], rule, loss="squared_error").gradients(x, y)["W1"].any()
