"""The identities of the alignment family's further members, in float64, on NumPy and on the GPU's kernels."""

from dataclasses import dataclass

import numpy as np
import pytest
from alignmentlab import BATCH, SIZES, deltas, derivatives
from rulelab import DATA, close, host, moved, network, put, samples, trainer, values

import gpufa
from gpufa.rules import make_rule
from gpufa.rules.alignment.fa import FA
from gpufa.rules.direct.dfa import DFA
from gpufa.rules.direct.drtp import DRTP
from gpufa.rules.direct.sdfa import SDFA
from gpufa.rules.direct.topology import Topology
from gpufa.training.trainer import Trainer


def share(source, target, names):
    """Give `target` the feedback of `source`, by pairs of names."""
    for ours, theirs in names.items():
        put(target, target.feedback[ours], host(source, source.feedback[theirs]))


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


def test_shallow_trains_the_output_as_bp_does_and_nothing_else(backend):
    bp, shallow = network(SIZES, "bp", backend=backend), network(SIZES, "shallow", backend=backend)
    ours = shallow.gradients(*BATCH)
    close(ours, bp.gradients(*BATCH), 1e-13, names=["W4", "b4"])
    assert not any(ours[f"{kind}{k}"].any() for k in (1, 2, 3) for kind in "Wb")


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


def test_a_single_output_is_not_centred_away():
    x, y = samples([6, 8, 1], "squared_error")
    for rule in ("sdfa", "drtp"):
        assert network([6, 8, 1], rule, loss="squared_error").gradients(x, y)["W1"].any()
