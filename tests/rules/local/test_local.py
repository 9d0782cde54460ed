"""Rules whose hidden layers learn from what they have at hand: a local loss, Hebb's products, an RBM's statistics."""

import dataclasses
import tracemalloc

import numpy as np
import pytest
from rulelab import close, host, network, put, rng, samples, trainer, values

import gpufa
from gpufa.functions.activations import ACTIVATIONS
from gpufa.functions.losses import LOSSES
from gpufa.rules import make_rule
from gpufa.rules.local.rbm import RBM

SIZES = [5, 6, 4, 3]
UNIT = gpufa.Data(rng.random((40, 6)), np.arange(40) % 3, rng.random((6, 6)), np.arange(6) % 3)
SETTINGS = [
    ("layerwise", {}),
    ("hebbian", {}),
    ("hebbian", {"variant": "sanger"}),
    ("hebbian", {"variant": "oja"}),
    ("rbm", {}),
    ("rbm", {"k": 3, "visible": "samples"}),
    ("rbm", {"persistent": True, "particles": 5}),
    ("rbm", {"persistent": True, "particles": 5, "k": 2, "visible": "samples"}),
]


def logistic(a):
    return 1 / (1 + np.exp(-a))


def slopes(f, *arrays, step=1e-5):
    """Central differences of f() with respect to arrays that it reads."""
    found = []
    for p in arrays:
        numeric = np.empty_like(p)
        for at in np.ndindex(p.shape):
            kept = p[at]
            p[at] = kept + step
            above = f()
            p[at] = kept - step
            numeric[at] = (above - f()) / (2 * step)
            p[at] = kept
        found.append(numeric)
    return found


# Layerwise


def below(net, k, backend):
    """A net trained by backpropagation that ends with layer k's head."""
    cut = network(
        [*SIZES[: k + 1], SIZES[-1]], "bp", [f.name for f in net.activations[:k]], net.output_loss.name, backend
    )
    for j in range(1, k + 1):
        for kind in "Wb":
            put(cut, cut.parameters[f"{kind}{j}"], host(net, net.parameters[f"{kind}{j}"]))
    for own, head in (("W", "H"), ("b", "c")):
        put(cut, cut.parameters[f"{own}{k + 1}"], host(net, net.parameters[f"{head}{k}"]))
    return cut


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", [name for name, f in ACTIVATIONS.items() if f.learns])
def test_a_layer_descends_its_own_loss(activation, loss, backend):
    """W_k and its head have the gradients of the net that ends with that head, by true backpropagation."""
    net = network(SIZES, "layerwise", activation, loss, backend)
    for k in (1, 2):
        put(net, net.parameters[f"c{k}"], rng.normal(size=3))
    batch = samples(SIZES, loss)
    found = net.gradients(*batch)
    for k in (1, 2):
        true = below(net, k, backend).gradients(*batch)
        pairs = {f"W{k}": f"W{k}", f"b{k}": f"b{k}", f"H{k}": f"W{k + 1}", f"c{k}": f"b{k + 1}"}
        close({a: found[a] for a in pairs}, {a: true[b] for a, b in pairs.items()}, 1e-13)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_local_gradient_against_finite_differences(loss):
    net = network(SIZES, "layerwise", "tanh", loss)
    batch = samples(SIZES, loss)
    found = net.gradients(*batch)
    for k in (1, 2):
        cut = below(net, k, "numpy")
        numeric = slopes(lambda cut=cut: cut.loss(*batch), cut.parameters[f"W{k}"], cut.parameters[f"b{k}"])
        for name, expected in zip((f"W{k}", f"b{k}"), numeric, strict=True):
            np.testing.assert_allclose(found[name], expected, rtol=1e-6, atol=2e-9)


def test_no_layer_hears_of_those_above(backend):
    net, batch = network(SIZES, "layerwise", backend=backend), samples(SIZES)
    first = net.gradients(*batch)
    for name in ("W2", "b2", "H2", "c2", "W3", "b3"):
        put(net, net.parameters[name], rng.normal(size=net.parameters[name].shape))
    again = net.gradients(*batch)
    close(again, first, 0, ("W1", "b1", "H1", "c1"))
    for name in ("W2", "b2", "H2", "c2", "W3", "b3"):
        assert np.abs(again[name] - first[name]).max() > 1e-3, name


def test_one_hidden_layer_whose_head_is_the_output_layer_is_bp(backend):
    sizes = [5, 6, 3]
    bp, local = (network(sizes, rule, backend=backend) for rule in ("bp", "layerwise"))
    put(local, local.parameters["H1"], host(bp, bp.parameters["W2"]))
    put(local, local.parameters["c1"], host(bp, bp.parameters["b2"]))
    batch = samples(sizes)
    found = local.gradients(*batch)
    close({n: found[n] for n in bp.parameters}, bp.gradients(*batch), 1e-14)
    close({"H1": found["H1"], "c1": found["c1"]}, {"H1": found["W2"], "c1": found["b2"]}, 1e-14)
    angles = local.alignment(*batch)
    np.testing.assert_allclose([angles["per_sample"], angles["weight"]], 0, atol=1e-5)


@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_the_head_trains_along_with_the_layer(dropout, backend):
    """From the output layer's own weights the head takes its steps, under the same dropout mask."""
    settings = {"hidden": (7,), "dropout": dropout, "optimizer": "adam", "init": "uniform", "backend": backend}
    bp, local = (trainer(rule=rule, **settings) for rule in ("bp", "layerwise"))
    put(local.net, local.net.parameters["H1"], host(bp.net, bp.net.parameters["W2"]))
    for _ in range(5):
        bp.step()
        local.step()
    found, expected = values(local.net), values(bp.net)
    close({n: found[n] for n in expected}, expected, 1e-12)
    close({"W2": found["H1"], "b2": found["c1"]}, expected, 1e-12, ("W2", "b2"))


# Hebbian


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


@pytest.mark.parametrize("rule", ["hebbian", "rbm"])
def test_hidden_layers_know_nothing_of_labels_and_of_layers_above(rule, backend):
    net = network(SIZES, rule, backend=backend)
    x, y = rng.random((9, 5)), rng.integers(0, 3, 9)
    first = net.gradients(x, y)
    for name in ("W3", "b3"):
        put(net, net.parameters[name], rng.normal(size=net.parameters[name].shape))
    again = net.gradients(x, (y + 1) % 3)
    close(again, first, 0, set(first) - {"W3", "b3"})
    assert np.abs(again["W3"] - first["W3"]).max() > 1e-2
    for name in ("W2", "b2"):
        put(net, net.parameters[name], rng.normal(size=net.parameters[name].shape))
    close(net.gradients(x, y), first, 0, [name for name in first if name[1] == "1"])


# RBM

DRAW = np.random.default_rng(5)
W, B, C = 1.2 * DRAW.normal(size=(3, 4)), 0.5 * DRAW.normal(size=3), 0.5 * DRAW.normal(size=4)
V, H = (np.array(list(np.ndindex(*(2,) * n)), float) for n in (4, 3))
DATA_V = DRAW.integers(0, 2, (8, 4)).astype(float)


def free_energy(v, W=W, b=B, c=C):
    """-log sum over h of exp(-E(v, h)), by enumeration; v is (samples, 4)."""
    minus_energy = v @ W.T @ H.T + H @ b + (v @ c)[:, None]
    return -np.log(np.exp(minus_energy).sum(axis=1))


def model():
    """p(v) of every state of the visible units."""
    p = np.exp(-free_energy(V))
    return p / p.sum()


def sweep():
    """T[i, j] = p(v' = j | v = i), one sweep of Gibbs sampling."""
    up, down = logistic(V @ W.T + B), logistic(H @ W + C)
    h_given_v = np.prod(np.where(H[None] == 1, up[:, None], 1 - up[:, None]), axis=2)
    v_given_h = np.prod(np.where(V[None] == 1, down[:, None], 1 - down[:, None]), axis=2)
    return h_given_v @ v_given_h


def statistics(p):
    """<h v^T>, <h>, <v> of p(v), with p(h|v) for h."""
    up = logistic(V @ W.T + B)
    return {"W1": (up * p[:, None]).T @ V, "b1": p @ up, "c1": p @ V}


def shares(x):
    """p(v) of data."""
    return np.array([(x == v).all(axis=1).mean() for v in V])


def descended(data, found):
    return {name: s - statistics(data)[name] for name, s in statistics(found).items()}


def rbm(backend, x, **options):
    """The gradients of the 4x3 machine that the rule finds on x, and its net."""
    net = network([4, 3, 2], RBM(**options), backend=backend)
    for name, value in (("W1", W), ("b1", B), ("c1", C)):
        put(net, net.parameters[name], value)
    return {name: g for name, g in net.gradients(x, np.zeros(len(x), int)).items() if name[1] == "1"}, net


def test_enumeration_gives_the_gradient_of_the_likelihood():
    """What the tests below compare with, against finite differences of the log likelihood; a long chain ends there."""
    w, b, c = W.copy(), B.copy(), C.copy()

    def minus_log_likelihood():
        return free_energy(DATA_V, w, b, c).mean() + np.log(np.exp(-free_energy(V, w, b, c)).sum())

    numeric = dict(zip(("W1", "b1", "c1"), slopes(minus_log_likelihood, w, b, c), strict=True))
    exact = descended(shares(DATA_V), model())
    close(exact, numeric, 1e-8)
    close(descended(shares(DATA_V), shares(DATA_V) @ np.linalg.matrix_power(sweep(), 500)), exact, 1e-10)
    close(descended(model(), model() @ sweep()), {name: np.zeros_like(g) for name, g in exact.items()}, 1e-14)


@pytest.mark.parametrize("visible", ["probabilities", "samples"])
@pytest.mark.parametrize("k", [1, 3])
def test_both_phases_are_the_slopes_of_the_free_energy(k, visible, backend):
    """What is descended is the slope of F(data) - F(what the sampler ended with), whatever that is."""
    x = DATA_V if visible == "samples" else rng.random((8, 4))
    found, net = rbm(backend, x, k=k, visible=visible)
    end = host(net, net.pass_for(8).array("v1", 4, 8))[0].T
    assert np.isin(end, (0, 1)).all() == (visible == "samples")
    w, b, c = W.copy(), B.copy(), C.copy()

    def difference():
        return free_energy(x, w, b, c).mean() - free_energy(end, w, b, c).mean()

    close(found, dict(zip(("W1", "b1", "c1"), slopes(difference, w, b, c), strict=True)), 1e-9)


@dataclasses.dataclass(frozen=True)
class MeanField(RBM):
    """Probabilities in place of every sample: no chance is left."""

    def sample(self, net, p, out, k, draw):
        out[...] = p


@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.parametrize("k", [1, 3])
def test_the_stack_without_chance_against_plain_numpy(k, persistent, backend):
    rule = MeanField(k=k, persistent=persistent, particles=7)
    net, x = network(SIZES, rule, backend=backend), rng.random((9, 5))
    for name in ("c1", "c2"):
        put(net, net.parameters[name], rng.normal(size=net.parameters[name].shape))
    p, v, expected = values(net), x.T, {}
    for j in (1, 2):
        w, b, c = p[f"W{j}"], p[f"b{j}"][:, None], p[f"c{j}"][:, None]
        first = last = logistic(w @ v + b)
        if persistent:
            last = rng.random((SIZES[j], 7))
            net.state[f"particles{j}"][...] = net.backend.to_device(last[None])
        for _ in range(k):
            end = logistic(w.T @ last + c)
            last = logistic(w @ end + b)
        m = last.shape[1]
        expected[f"W{j}"] = last @ end.T / m - first @ v.T / 9
        expected[f"b{j}"] = last.mean(axis=1) - first.mean(axis=1)
        expected[f"c{j}"] = end.mean(axis=1) - v.mean(axis=1)
        v = first
    close(net.gradients(x, np.zeros(9, int)), expected, 1e-13, expected)


BOUND = 5 * 0.5  # five deviations of a mean of numbers from 0 to 1, times the root of how many there are


@pytest.mark.parametrize("k", [1, 2, 30])
def test_contrastive_divergence_has_the_enumerated_expectation(k, backend):
    """CD-1 and CD-2, which the bound tells from the likelihood's gradient, and CD-30, which is the gradient."""
    copies = {1: 4000, 2: 4000, 30: 500}[k] if backend == "cupy" else 5000
    found, _ = rbm(backend, np.repeat(DATA_V, copies, axis=0), k=k, visible="samples")
    data, bound = shares(DATA_V), BOUND / np.sqrt(8 * copies)
    expected = descended(data, data @ np.linalg.matrix_power(sweep(), k))
    close(found, expected, bound)
    exact = descended(data, model())
    apart = max(np.abs(expected[name] - g).max() for name, g in exact.items())
    assert apart > 3 * bound if k < 30 else apart < bound / 5


def test_cd_1_is_zero_in_expectation_on_the_models_own_data():
    counts = np.round(40_000 * model()).astype(int)
    found, _ = rbm("numpy", np.repeat(V, counts, axis=0), visible="samples")
    for g in found.values():
        assert np.abs(g).max() < BOUND / np.sqrt(counts.sum())


def test_gray_data_are_sampled_too_where_visible_units_are():
    """<.>_0 of data 1/2 is that of all 16 states alike, which p(h|1/2) is not."""
    gray = np.full((40_000, 4), 0.5)
    bound = BOUND / np.sqrt(40_000)
    uniform = np.full(16, 1 / 16)
    found, _ = rbm("numpy", gray, visible="samples")
    expected = descended(uniform, uniform @ sweep())
    close(found, expected, 2 * bound)
    other, _ = rbm("numpy", gray)
    assert max(np.abs(other[name] - g).max() for name, g in expected.items()) > 4 * bound


def chains(backend, **settings):
    x = np.repeat(DATA_V, 2, axis=0)
    data = gpufa.Data(x, np.arange(16) % 2, x, np.arange(16) % 2)
    options = {"persistent": True, "particles": 8000, "visible": "samples"}
    return trainer(data, rule="rbm", rule_options=options, hidden=(3,), batch_size=16, backend=backend, **settings)


@pytest.mark.filterwarnings("error")
def test_persistent_chains_reach_the_model(backend):
    """One sweep a step, weights held: the particles end as samples of the model; looking at them moves none."""
    run = chains(backend, optimizer="sgd", lr=1e-300, epochs=40)
    for name, value in (("W1", W), ("b1", B), ("c1", C)):
        put(run.net, run.net.parameters[name], value)
    first, batch = {}, (DATA_V, np.zeros(8, int))
    for epoch in range(40):
        run.progress.epoch, run.progress.batch = epoch, 0
        run.begin_epoch()
        run.step()
        first = first or run.net.gradients(*batch)
    kept = host(run.net, run.net.state["particles1"])
    found = run.net.gradients(*batch)
    np.testing.assert_array_equal(host(run.net, run.net.state["particles1"]), kept)
    assert np.isin(kept, (0, 1)).all()
    bound, exact = BOUND / np.sqrt(8000), descended(shares(DATA_V), model())
    close(found, exact, bound, exact)
    assert max(np.abs(first[name] - g).max() for name, g in exact.items()) > 2 * bound


# All of them in training


def settings_of(rule, options, **kw):
    return {"rule": rule, "rule_options": options, "init": "uniform", "dtype": "float64", **kw}


def arrays(run):
    return values(run.net) | {name: host(run.net, a) for name, a in run.net.state.items()}


def stepped(steps=11, **settings):
    run = trainer(UNIT, **settings)
    for step in range(steps):
        if step % 5 == 0:
            run.progress.epoch, run.progress.batch = step // 5, 0
            run.begin_epoch()
        run.step()
    return run


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("rule", "options"), SETTINGS, ids=str)
def test_replicas_are_single_runs_and_backends_agree(rule, options, backend):
    settings = settings_of(rule, options, dropout=0.3)
    both = stepped(seeds=(0, 1), backend=backend, **settings)
    for r in (0, 1):
        one = arrays(stepped(seeds=(r,), **settings))
        many = {name: a[r] for name, a in arrays(both).items()}
        close({name: a.reshape(many[name].shape) for name, a in one.items()}, many)
    start = values(trainer(UNIT, seeds=(0, 1), backend=backend, **settings).net)
    for name, p in values(both.net).items():
        assert np.abs(p - start[name]).max() > 1e-6, name


@pytest.mark.parametrize("rule", ["hebbian", "rbm"])
def test_what_dropout_hides_is_hidden_from_learning(rule):
    """Layer 2 and the output layer learn from what layer 1 and 2 sent, mask and all."""
    run = trainer(UNIT, **settings_of(rule, {}, dropout=0.5, optimizer="sgd", lr=0.1, weight_decay=0.0))
    before = values(run.net)
    run.step()
    (step,) = run._steps.values()
    x, sent, e = (host(run.net, a)[0] for a in (step.p.sent[1], step.p.sent[2], step.p.e))
    moved = {name: p - before[name] for name, p in values(run.net).items()}
    np.testing.assert_allclose(moved["W3"], -0.1 * e @ sent.T / 8, atol=1e-14)
    if rule == "rbm":
        np.testing.assert_array_equal(step.p.array("data2", 5, 8)[0], x)
    else:
        W, a = before["W2"], before["W2"] @ x + before["b2"][:, None]
        y = a - a.mean(axis=1, keepdims=True)
        np.testing.assert_allclose(moved["W2"], 0.1 / 5 * (y @ x.T - y @ y.T @ W) / 8, atol=1e-14)


def test_no_two_draws_share_their_random_numbers(monkeypatch):
    for options in ({"k": 4, "visible": "samples"}, {"k": 4, "persistent": True}, {}):
        net, streams = network(SIZES, RBM(**options)), []
        monkeypatch.setattr("gpufa.net.passes.Pass.random", lambda *a, stream, seen=streams, **kw: seen.append(stream))
        net.gradients(rng.random((9, 5)), np.zeros(9, int))
        assert len(set(streams)) == len(streams) >= 4


@pytest.mark.parametrize(("rule", "options"), SETTINGS, ids=str)
def test_a_step_of_sgd_is_the_rules_gradient_at_any_batch_sum(rule, options):
    """Mean and sum differ by the number of samples, the particles' part included."""
    deltas = []
    for gradient in ("mean", "sum"):
        run = trainer(UNIT, **settings_of(rule, options, gradient=gradient, optimizer="sgd", lr=0.01, weight_decay=0.0))
        before = values(run.net)
        run.step()
        deltas.append({name: p - before[name] for name, p in values(run.net).items()})
    close(deltas[1], {name: 8 * d for name, d in deltas[0].items()}, 1e-12)


@pytest.mark.parametrize(("rule", "options"), [SETTINGS[i] for i in (0, 2, 7)], ids=str)
def test_resume_is_bit_for_bit(rule, options, tmp_path):
    config = gpufa.Config(
        **settings_of(rule, options, hidden=(5, 4), batch_size=8, seeds=(0, 1), backend="numpy"), epochs=2
    )
    whole = gpufa.train(config, UNIT)
    gpufa.train(dataclasses.replace(config, epochs=1, out=str(tmp_path / "half")), UNIT)
    resumed = gpufa.resume(tmp_path / "half", epochs=2, data=UNIT)
    for kind in ("parameters", "state"):
        ours, theirs = getattr(resumed.network, kind), getattr(whole.network, kind)
        close(ours, theirs, 0)
    assert bool(whole.network.state) == ("persistent" in options)
    assert all(np.abs(a).max() > 0 for a in whole.network.state.values())


@pytest.mark.parametrize(("rule", "options"), SETTINGS, ids=str)
def test_nothing_is_allocated_in_a_step(rule, options):
    data = gpufa.Data(rng.random((640, 200)), np.arange(640) % 10, rng.random((10, 200)), np.arange(10))
    run = trainer(data, rule=rule, rule_options=options, hidden=(300, 200), batch_size=64)
    for _ in range(3):
        run.step()
    tracemalloc.start()
    for _ in range(3):
        run.step()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * 300 * 8 / 5


@pytest.mark.parametrize(
    ("rule", "options", "text"),
    [
        ("hebbian", {"variant": "anti"}, "unknown form of Oja's rule 'anti'; set rule.variant to one of subspace, "),
        ("hebbian", {"rate": 0}, "rate of the hidden layers 0 can't be used; set rule.rate to a number above 0"),
        ("rbm", {"k": 0}, "number of Gibbs sweeps 0 can't be used; set rule.k to a whole number of at least 1"),
        ("rbm", {"particles": 0.5}, "number of particles 0.5 can't be used; set rule.particles to a whole number"),
        ("rbm", {"persistent": "yes"}, "persistent = 'yes' can't be used; set rule.persistent to true or false"),
        ("rbm", {"visible": "means"}, "unknown state of visible units 'means'; set rule.visible to one of prob"),
    ],
)
def test_options_of_no_use_are_refused(rule, options, text):
    with pytest.raises(gpufa.InvalidValue) as error:
        make_rule(rule, options)
    assert text in str(error.value)


def test_an_rbm_refuses_other_units_and_inputs_that_are_no_probabilities(backend):
    with pytest.raises(gpufa.InvalidValue, match="units of an RBM are logistic, not relu; leave --activation out"):
        gpufa.Network([4, 3, 3, 2], rule="rbm", activation=["logistic", "relu"], backend=backend)
    wide = UNIT._replace(x_train=UNIT.x_train * 2 - 1)
    with pytest.raises(gpufa.InvalidValue, match=r"inputs from -0\.9\d+ to 0\.9\d+ are no probabilities; bring"):
        trainer(wide, rule="rbm", backend=backend)
    trainer(wide, rule="rbm", scaling="unit", backend=backend)
