"""An error at each place: losses, gradients and scores, against nets to which each place is a sample."""

import numpy as np
import pytest
from rulelab import put

import gpufa
from gpufa.rules import RULES

C, T, OUT, N = 3, 6, 4, 5
RNG = np.random.default_rng(3)
X = RNG.normal(size=(N, C, T))
Y = RNG.integers(0, OUT, (N, T))
GAPS = np.where(RNG.random((N, T)) < 0.3, -1, Y)
REAL = RNG.normal(size=(N, OUT, T))
TOKENWISE = ["input 3x6", "conv1d 8 1 tanh", "conv1d 7 1 tanh", "conv1d 4 1"]
ALONG = ["input 3x6", "conv1d 8 3 tanh", "conv1d 7 3 tanh", "conv1d 4 1"]
ABLE = "bp", "shallow", "fa", "dfa", "topology", "sdfa", "drtp", "usf", "brsf", "frsf", "kp", "dkp", "weight_mirror"
EXACT = {"rtol": 1e-10, "atol": 1e-13}


def made(layers=ALONG, rule="bp", **more):
    return gpufa.Network(
        layers, rule=rule, init="glorot", dtype="float64", backend=more.pop("backend", "numpy"), **more
    )


def as_samples(rule, loss="cross_entropy"):
    """A net with an error at each place, and one of the same weights to which each place is a sample."""
    net = made(TOKENWISE, rule, loss=loss)
    each = gpufa.Network([C, 8, 7, OUT], rule=net.rule, activation="tanh", loss=loss, dtype="float64", backend="numpy")
    for k in (1, 2, 3):
        net.parameters[f"b{k}"][...] = RNG.normal(size=net.parameters[f"b{k}"].shape)
    for name, array in each.parameters.items():
        array[...] = net.parameters[name].reshape(array.shape)
    return net, each


def rows(x):
    """Each place a sample, (N * T, channels) of (N, channels, T)."""
    return x.swapaxes(1, 2).reshape(N * T, -1)


@pytest.mark.parametrize("rule", ["bp", "dfa", "sdfa", "drtp", "shallow", "dkp"])
def test_each_place_is_a_sample(rule):
    net, each = as_samples(rule)
    there = GAPS.reshape(-1) >= 0
    found, wanted = net.gradients(X, GAPS), each.gradients(rows(X)[there], GAPS.reshape(-1)[there])
    for name in wanted:
        np.testing.assert_allclose(found[name].reshape(wanted[name].shape), wanted[name], **EXACT, err_msg=name)
    scores, others = net.evaluate(X, GAPS), each.evaluate(rows(X)[there], GAPS.reshape(-1)[there])
    for name in ("loss", "error"):
        np.testing.assert_allclose(scores[name], others[name], rtol=1e-12)
    np.testing.assert_allclose(scores["perplexity"], np.exp(others["loss"]), rtol=1e-12)
    np.testing.assert_allclose(rows(net.predict(X)), each.predict(rows(X)), **EXACT)


@pytest.mark.parametrize(
    "options", [{"rank": 2}, {"nonlinearity": "mlp", "width": 5}, {"shared": True}, {"law": "ternary"}]
)
def test_each_place_is_a_sample_to_structured_feedback(options):
    net, each = as_samples(RULES["dfa"](**options))
    found, wanted = net.gradients(X, Y), each.gradients(rows(X), Y.reshape(-1))
    for name in wanted:
        np.testing.assert_allclose(found[name].reshape(wanted[name].shape), wanted[name], **EXACT, err_msg=name)


def test_real_targets_at_places():
    net, each = as_samples("bp", "squared_error")
    gaps = np.where(GAPS[:, None] < 0, np.nan, REAL)
    there = GAPS.reshape(-1) >= 0
    for y in gaps, gaps.reshape(N, -1):
        found, wanted = net.gradients(X, y), each.gradients(rows(X)[there], rows(REAL)[there])
        for name in wanted:
            np.testing.assert_allclose(found[name].reshape(wanted[name].shape), wanted[name], **EXACT)
    scores, others = net.evaluate(X, gaps), each.evaluate(rows(X)[there], rows(REAL)[there])
    for name in "loss", "rmse", "r2":
        np.testing.assert_allclose(scores[name], others[name], rtol=1e-12)
    spread = np.nansum((gaps - np.nanmean(gaps, axis=(0, 2), keepdims=True)) ** 2)
    residual = np.nansum((net.predict(X) - gaps) ** 2)
    np.testing.assert_allclose(scores["r2"], 1 - residual / spread, rtol=1e-10)
    assert np.isfinite(net.evaluate(X[:1], REAL[:1])["r2"])


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy", "squared_error"])
def test_backprop_is_the_gradient_of_the_mean_over_places(loss):
    net = made(loss=loss)
    y = GAPS if loss == "cross_entropy" else np.where(GAPS[:, None] < 0, np.nan, RNG.random((N, OUT, T)))
    found, eps = net.gradients(X, y), 1e-6
    for name in ("W1", "b2", "W3"):
        array, slopes = net.parameters[name], []
        for at in list(np.ndindex(array.shape))[:7]:
            kept, both = array[at], []
            for sign in (1, -1):
                array[at] = kept + sign * eps
                both.append(net.loss(X, y))
            array[at] = kept
            slopes.append((both[0] - both[1]) / (2 * eps))
        np.testing.assert_allclose(found[name].reshape(-1)[:7], slopes, rtol=1e-6, atol=1e-9)


def test_the_error_is_zero_where_a_place_has_no_target(backend):
    net = made(rule="dfa", backend=backend, seeds=(1, 2))
    e = net.signals(X, GAPS)["delta3"].reshape(2, N, OUT, T)
    yhat = net.predict(X)
    for n in range(N):
        for t in range(T):
            wanted = 0 if GAPS[n, t] < 0 else yhat[:, n, :, t] - np.eye(OUT)[GAPS[n, t]]
            np.testing.assert_allclose(e[:, n, :, t], np.broadcast_to(wanted, (2, OUT)), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("rule", ABLE)
def test_both_backends_and_replicas(rule, backend):
    several, one = (made(rule=rule, seeds=seeds, backend=backend) for seeds in ((3, 4), (4,)))
    host = made(rule=rule, seeds=(3, 4))
    for y in Y, GAPS:
        found, alone, wanted = (net.gradients(X, y) for net in (several, one, host))
        for name in wanted:
            np.testing.assert_allclose(found[name], wanted[name], rtol=1e-9, atol=1e-12, err_msg=name)
            np.testing.assert_allclose(found[name][1], alone[name], rtol=1e-9, atol=1e-12, err_msg=name)
        assert np.isfinite(several.alignment(X, y)["per_sample"]).all() or rule == "shallow"


def test_weights_of_samples_count_at_their_places():
    net, w = made(rule="dfa"), np.array([1.0, 0.0, 2.0, 0.5, 3.0])
    found = net.gradients(X, GAPS, sample_weights=w)
    each = [net.gradients(X[i : i + 1], GAPS[i : i + 1]) for i in range(N)]
    counts = (GAPS >= 0).sum(axis=1)
    for name, array in found.items():
        wanted = sum(w[i] * counts[i] * each[i][name] for i in range(N)) / (w * counts).sum()
        np.testing.assert_allclose(array, wanted, **EXACT)


def test_rows_of_feedback_by_places():
    own, every = (made(rule=RULES["dfa"](places=places)) for places in ("own", "each"))
    assert made(rule="dfa").feedback["B1"].shape == own.feedback["B1"].shape == (8, OUT)
    assert every.feedback["B1"].shape == (8 * T, OUT * T)
    np.testing.assert_array_equal(made(rule="dfa").feedback["B1"], own.feedback["B1"])
    pooled = made(["input 3x6", "conv1d 8 3 tanh", "flatten, dense 5 tanh", "dense 4"], "dfa")
    assert pooled.feedback["B1"].shape == (8 * T, OUT)
    assert "hears of its own error alone" in own.entries[0]
    with pytest.raises(gpufa.InvalidValue, match=r"places = 'own' .* and the outputs have no places, where .* \(4,\)"):
        made(["input 3x6", "conv1d 8 3 tanh", "dense 4"], RULES["dfa"](places="own"))
    mixed = ["input 3x6", "conv1d 8 3 tanh", "conv1d 8 3 stride 2 tanh", "conv1d 4 1"]
    assert made(mixed, "dfa").feedback["B1"].shape == (48, 12)
    with pytest.raises(
        gpufa.InvalidValue, match=r"places = 'own' .* and block 1 has the shape \(8, 6\), where outputs"
    ):
        made(mixed, RULES["dfa"](places="own"))


def test_feedback_of_a_place_is_of_its_own_error():
    net, y = made(rule="dfa"), Y.copy()
    before = net.signals(X, y)["delta1"].reshape(N, 8, T)
    y[2, 4] = (y[2, 4] + 1) % OUT
    moved = np.argwhere(net.signals(X, y)["delta1"].reshape(N, 8, T) != before)
    assert {(n, t) for n, _, t in moved.tolist()} == {(2, 4)}


def test_dfa_handed_the_output_weights_is_backprop_below_the_last_block():
    net, true = made(TOKENWISE, "dfa"), made(TOKENWISE, "bp")
    for name, array in true.parameters.items():
        net.parameters[name][...] = array
    put(net, net.feedback["B2"], true.parameters["W3"].reshape(OUT, 7).T)
    found, wanted = net.gradients(X, GAPS), true.gradients(X, GAPS)
    np.testing.assert_allclose(found["W2"], wanted["W2"], **EXACT)


@pytest.mark.parametrize("rule", [name for name, rule in RULES.items() if rule().needs & {"matrix", "output"}])
def test_rules_that_need_an_output_for_each_sample_say_so(rule):
    with pytest.raises(gpufa.InvalidValue, match=rf"rule '{rule}'.* takes .*use one of .*bp"):
        made(["input 3x6", "conv1d 4 1"], rule)


def test_targets_that_fit_no_places():
    net = made()
    turned = REAL.transpose(0, 2, 1), REAL.reshape(N, 2, -1)
    for y in Y[:, :4], Y[:3], Y[0], REAL[:, :3], X, Y.astype(float)[..., None], *turned:
        with pytest.raises(
            gpufa.InvalidValue, match=r"targets have shape .* expected whole numbers \(5, 6\), -1 where"
        ):
            net.evaluate(X, y)
    for y in Y + 3, Y - 2:
        with pytest.raises(gpufa.InvalidValue, match=r"has the label -?\d; labels at places .* from 0 to 3, and -1"):
            net.evaluate(X, y)
    with pytest.raises(gpufa.InvalidValue, match="no target at any place, -1 everywhere"):
        net.evaluate(X, np.full((N, T), -1))
    shares = np.full((N, OUT, T), 0.25)
    assert net.loss(X, shares) == net.loss(X, shares.reshape(N, -1)) > 0
    half = shares.copy()
    half[0, 0, 0] = np.nan
    with pytest.raises(gpufa.InvalidValue, match="NaN at some outputs of a place alone"):
        net.evaluate(X, half)
    with pytest.raises(gpufa.InvalidValue, match="infinite values"):
        net.evaluate(X, np.where(shares == 0.25, np.inf, shares))
    with pytest.raises(gpufa.InvalidValue, match="no target at any place, NaN everywhere"):
        net.evaluate(X, np.full_like(shares, np.nan))
    with pytest.raises(gpufa.InvalidValue, match=r"don't go with the loss cross_entropy: .* sum to 2"):
        net.evaluate(X, shares * 2)


@pytest.mark.parametrize("last", ["conv1d 4 1 tanh", "residual(conv1d 3 1)", "conv1d 4 1, dropout 0.5", "conv 4 3x3"])
def test_what_is_no_last_block(last):
    shape = "input 3x6x6" if last.startswith("conv 4") else "input 3x6"
    layers = [shape, *(["conv 4 3x3 relu", "flatten, dense 3, tanh"] if shape.endswith("6x6") else [last])]
    with pytest.raises(
        gpufa.InvalidValue, match=r"the last block is '.*'; give the outputs as 'dense 10', or at every"
    ):
        made(layers)


def test_outputs_on_maps():
    net = made(["input 2x4x3", "conv 5 3x3 tanh", "conv 4 1x1"], "dfa")
    y = np.arange(24).reshape(2, 12) % 4
    assert net.predict(np.ones((2, 2, 4, 3))).shape == (2, 4, 4, 3)
    assert net.evaluate(np.ones((2, 2, 4, 3)), y)["error"].shape == (1,)


def test_what_is_of_one_target_a_sample(tmp_path):
    net = made()
    with pytest.raises(gpufa.InvalidValue, match="outputs at places, here 'conv1d 4 1', can't be exported"):
        gpufa.to_onnx(net)
