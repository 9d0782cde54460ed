"""Restricted Boltzmann machines: held to the enumeration of all their states."""

import dataclasses

import numpy as np
import pytest
from locallab import SIZES, UNIT, slopes
from rulelab import close, host, network, put, rng, trainer, values

import gpufa
from gpufa.rules.local.rbm import RBM


def logistic(a):
    return 1 / (1 + np.exp(-a))


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


# RBM


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


def test_an_rbm_refuses_other_units_and_inputs_that_are_no_probabilities(backend):
    with pytest.raises(gpufa.InvalidValue, match="units of an RBM are logistic, not relu; leave --activation out"):
        gpufa.Network([4, 3, 3, 2], rule="rbm", activation=["logistic", "relu"], backend=backend)
    wide = UNIT._replace(x_train=UNIT.x_train * 2 - 1)
    with pytest.raises(gpufa.InvalidValue, match=r"inputs from -0\.9\d+ to 0\.9\d+ are no probabilities; bring"):
        trainer(wide, rule="rbm", backend=backend)
    trainer(wide, rule="rbm", scaling="unit", backend=backend)
