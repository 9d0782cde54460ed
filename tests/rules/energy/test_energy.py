"""Equilibrium propagation, contrastive Hebbian learning, predictive coding: what they are at rest, and trained."""

import itertools

import numpy as np
import pytest
from rulelab import DATA, close, host, network, put, samples, trainer, values

import gpufa
from gpufa.basics.random import Generator, Purpose
from gpufa.functions.activations import ACTIVATIONS
from gpufa.functions.losses import LOSSES
from gpufa.net.checks import network_target
from gpufa.rules import make_rule
from gpufa.rules.energy.chl import CHL
from gpufa.rules.energy.eqprop import EqProp
from gpufa.rules.energy.phases import ContrastiveRule
from gpufa.rules.energy.predictive_coding import PredictiveCoding

SIZES = [5, 6, 4, 3]
LONG = {"free_steps": 100, "nudged_steps": 100}
DIFFERENTIABLE = [name for name, f in ACTIVATIONS.items() if f.learns]


def slopes(net, f, step=1e-5):
    """The central differences of f() in every parameter."""
    found = {}
    for name, p in net.parameters.items():
        found[name] = np.empty_like(p)
        for at in np.ndindex(p.shape):
            kept = p[at]
            p[at] = kept + step
            above = f()
            p[at] = kept - step
            found[name][at] = (above - f()) / (2 * step)
            p[at] = kept
    return found


def distance(a, b):
    return max(np.abs(a[name] - b[name]).max() for name in a)


def weak(net, factor=0.6):
    """Weights so small that the net has one state of rest."""
    for name, p in values(net).items():
        put(net, net.parameters[name], factor * p)
    return net


# Equilibrium propagation.


@pytest.mark.parametrize(
    ("activation", "output", "loss", "factor"),
    [("tanh", "identity", "squared_error", 0.5), ("logistic", "logistic", "squared_error", 1.5),
     ("scaled_tanh", "identity", "cross_entropy", 0.5)],
)  # fmt: skip
def test_eqprop_goes_to_the_slope_of_the_loss_at_rest(activation, output, loss, factor):
    """One-sided the error falls as beta, symmetric as beta^2."""
    sizes, found = [3, 4, 3, 2], {}
    x, y = samples(sizes, loss, m=4)
    made = weak(network(sizes, EqProp(output=output, **LONG), activation, loss), factor)
    true = slopes(made, lambda: made.loss(x, y))
    for variant, beta in itertools.product(("one_sided", "symmetric"), (0.02, 0.01)):
        net = weak(network(sizes, EqProp(variant, beta, output=output, **LONG), activation, loss), factor)
        found[variant, beta] = net.gradients(x, y)
    for variant, ratio in (("one_sided", 2), ("symmetric", 4)):
        one, half = (distance(found[variant, beta], true) for beta in (0.02, 0.01))
        assert one / half == pytest.approx(ratio, rel=0.05)
    extrapolated = {n: (4 * found["symmetric", 0.01][n] - found["symmetric", 0.02][n]) / 3 for n in true}
    close(extrapolated, true, 1e-6)
    assert min(np.abs(g).max() for g in true.values()) > 1e-4


def inside(sizes, rule, backend, **kw):
    """A net of hard_logistic units, and samples, whose states stay inside 0 .. 1, where all is linear."""
    net, draw = network(sizes, rule, "hard_logistic", "squared_error", backend, **kw), np.random.default_rng(3)
    for name, p in net.parameters.items():
        low, high = (-0.15, 0.15) if name[0] == "W" else (0.4, 0.6)
        put(net, p, draw.uniform(low, high, p.shape))
    x, y = draw.uniform(0, 1, (7, sizes[0])), draw.uniform(0.3, 0.7, (7, sizes[-1]))
    return net, x, y


def at_rest(net, x, y, beta):
    """The states by layer, from the linear equations (1 - J + beta P) s = c + beta P y."""
    p = values(net)
    n1, n2, n3 = net.sizes.units[1:]
    zero = np.zeros
    J = np.block([[zero((n1, n1)), p["W2"].T, zero((n1, n3))], [p["W2"], zero((n2, n2)), p["W3"].T],
                  [zero((n3, n1)), p["W3"], zero((n3, n3))]])  # fmt: skip
    P = np.diag([0.0] * (n1 + n2) + [beta] * n3)
    drive = np.concatenate([p["W1"] @ x.T + p["b1"][:, None], *(np.tile(p[b][:, None], len(x)) for b in ("b2", "b3"))])
    target = np.concatenate([zero((n1 + n2, len(x))), beta * y.T])
    s = np.linalg.solve(np.eye(n1 + n2 + n3) - J + P, drive + target)
    assert s.min() > 0
    assert s.max() < 1
    return [x.T, *np.split(s, [n1, n1 + n2])]


@pytest.mark.parametrize("variant", ["one_sided", "symmetric", "random_sign"])
def test_eqprop_where_all_is_linear(backend, variant):
    net, x, y = inside(SIZES, EqProp(variant, 0.3, free_steps=80, nudged_steps=80), backend)
    sign = float(Generator().fill("sign", np.empty(1), 0, Purpose.RULE, stream=1)[0])
    beta = 0.3 * (sign if variant == "random_sign" else 1)
    free, plus, minus = (at_rest(net, x, y, b) for b in (0, beta, -beta))
    other, width = (minus, 2 * beta) if variant == "symmetric" else (free, beta)
    found = net.gradients(x, y)
    for k in (1, 2, 3):
        expected = (other[k] @ other[k - 1].T - plus[k] @ plus[k - 1].T) / width / len(x)
        np.testing.assert_allclose(found[f"W{k}"], expected, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(found[f"b{k}"], (other[k] - plus[k]).mean(axis=1) / width, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(net.predict(x), free[3].T, rtol=1e-12)
    np.testing.assert_allclose(net.loss(x, y), np.square(free[3].T - y).sum() / 2 / len(x), rtol=1e-12)


def energy(net, x, rho):
    """1/2 sum s^2 - sum rho W rho - sum b rho, summed over samples, of the free phase."""
    p, pars = net.pass_for(len(x)), net.parameters
    net.rule.forward(p, net.backend.to_device(x))
    s = [None, *(p.rule.phase(p, "free").u[k][0] for k in (1, 2, 3))]
    r = [x.T, *map(rho, s[1:])]
    inner = sum((r[k] * (pars[f"W{k}"] @ r[k - 1] + pars[f"b{k}"][:, None])).sum() for k in (1, 2, 3))
    return sum(np.square(u).sum() for u in s[1:]) / 2 - inner


@pytest.mark.parametrize("step", [0.5, 1.0])
@pytest.mark.parametrize(("activation", "rho"), [("hard_logistic", lambda s: s), ("tanh", np.tanh)])
def test_no_step_of_the_free_phase_raises_the_energy(activation, rho, step):
    x, _ = samples(SIZES)
    strong = 3.0 if activation == "hard_logistic" else 0.3  # however strong, where rho is straight
    found = []
    for steps in range(1, 25):
        rule = EqProp(step=step, free_steps=steps, output=activation)
        found.append(energy(weak(network(SIZES, rule, activation), strong), x, rho))
    change = np.diff(found)
    assert change.max() < 1e-12
    assert change[0] < -1e-3


def test_states_of_hard_units_stay_in_their_bounds_and_come_back():
    """A unit that the input holds at 0 is freed by the nudge as soon as the pull is upwards."""
    net = network([2, 3, 2], EqProp("one_sided", 1.0), "hard_logistic", "squared_error")
    for p in net.parameters.values():
        p[...] = 0
    x, y = np.ones((4, 2)), np.tile([0.6, 0.0], (4, 1))
    found = net.gradients(x, y)
    np.testing.assert_allclose(found["b2"], [-0.3, 0], atol=1e-12)  # s = beta y / (1 + beta)
    net.parameters["b2"][...] = [-5, 5]
    np.testing.assert_array_equal(net.predict(x), np.tile([0.0, 1.0], (4, 1)))


def test_the_sign_of_beta_is_each_steps_and_each_nets_own(backend):
    made = trainer(rule="eqprop", rule_options={"variant": "random_sign"}, seeds=(0, 1), batch_size=4, backend=backend)
    drawn = []
    for _ in range(10):
        made.step()
        drawn.append(host(made.net, made._steps[4].p.array("sign", 1, 1)).ravel())
    expected = [
        [Generator().fill("sign", np.empty(1), seed, Purpose.RULE, stream=1, step=t)[0] for seed in (0, 1)]
        for t in range(10)
    ]
    np.testing.assert_array_equal(drawn, expected)
    assert len(set(map(tuple, expected))) == 4


def test_eqprop_without_hidden_layers():
    net = network([5, 3], EqProp("symmetric", 0.5, output="identity", **LONG), loss="squared_error")
    x, y = samples([5, 3], "squared_error")
    e = (x @ net.parameters["W1"].T + net.parameters["b1"] - y).T
    np.testing.assert_allclose(net.gradients(x, y)["W1"], e @ x / len(x) / (1 - 0.5**2), rtol=1e-10)


# Contrastive Hebbian learning.


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ["tanh", "logistic", "softplus"])
def test_chl_goes_to_bp_as_gamma(activation, loss):
    batch = samples(SIZES, loss)
    true = network(SIZES, "bp", activation, loss).gradients(*batch)
    errors = []
    for gamma in (2e-3, 1e-3):
        net = network(SIZES, CHL(gamma, free_steps=20, clamped_steps=20), activation, loss)
        errors.append(distance(net.gradients(*batch), true))
        angles = net.alignment(*batch)
        assert angles["per_sample"].max() < 1
        assert angles["gradient"].max() < 1
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.03)
    assert errors[1] < 0.03 * max(np.abs(g).max() for g in true.values())


def test_chl_of_a_linear_net(backend):
    """Both phases from their linear equations."""
    gamma = 0.1
    net = weak(network(SIZES, CHL(gamma, 40, 40), "identity", "squared_error", backend))
    x, y = samples(SIZES, "squared_error")
    p, m = values(net), len(x)
    n1, n2, n3 = SIZES[1:]
    zero, I = np.zeros, np.eye  # noqa: E741
    below = np.concatenate([p["W1"] @ x.T + p["b1"][:, None], np.tile(p["b2"][:, None], m)])
    inner = np.block([[I(n1), -gamma * p["W2"].T], [-p["W2"], I(n2)]])
    to_top = np.block([[zero((n1, n3))], [-gamma * p["W3"].T]])
    whole = np.block([[inner, to_top], [zero((n3, n1)), -p["W3"], I(n3)]])
    free = np.linalg.solve(whole, np.concatenate([below, np.tile(p["b3"][:, None], m)]))
    clamped = np.concatenate([np.linalg.solve(inner, below - to_top @ y.T), y.T])
    free, clamped = ([x.T, *np.split(h, [n1, n1 + n2])] for h in (free, clamped))
    found = net.gradients(x, y)
    for k in (1, 2, 3):
        scale = gamma ** (k - 3) / m
        expected = scale * (free[k] @ free[k - 1].T - clamped[k] @ clamped[k - 1].T)
        np.testing.assert_allclose(found[f"W{k}"], expected, rtol=1e-9, atol=1e-10)
        np.testing.assert_allclose(found[f"b{k}"], scale * (free[k] - clamped[k]).sum(axis=1), rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(net.predict(x), free[3].T, rtol=1e-11)


# Predictive coding.


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", DIFFERENTIABLE)
def test_exact_predictive_coding_is_bp(activation, loss):
    sizes = [5, 7, 6, 4, 3]
    batch = samples(sizes, loss)
    bp, exact = (network(sizes, rule, activation, loss) for rule in ("bp", PredictiveCoding(exact=True)))
    close(exact.gradients(*batch), bp.gradients(*batch), 1e-12)
    np.testing.assert_allclose(exact.predict(batch[0]), bp.predict(batch[0]), rtol=1e-14)
    assert exact.alignment(*batch)["per_sample"].max() < 1e-5


@pytest.mark.filterwarnings("error")
def test_exact_predictive_coding_trains_as_bp(backend):
    """With dropout too, whose masks both find; the activity of one layer is not that of the next."""
    common = {"backend": backend, "activation": ("gelu", "tanh"), "init": "uniform", "optimizer": "adam", "lr": 3e-3}
    found = []
    for rule, options in (("bp", {}), ("predictive_coding", {"exact": True})):
        made = trainer(rule=rule, rule_options=options, dropout=0.5, input_dropout=0.2, batch_size=4, **common)
        for _ in range(10):
            made.step()
        found.append(values(made.net))
    close(*found, 1e-10)


def test_the_first_step_of_inference_is_bps_delta():
    """One hidden layer moves by step * delta, and has made no prediction that changed."""
    sizes, batch = [5, 6, 3], samples([5, 6, 3])
    true = network(sizes, "bp").gradients(*batch)
    for step in (0.3, 1.0):
        found = network(sizes, PredictiveCoding(step, 1)).gradients(*batch)
        close(found, {n: step * g for n, g in true.items()}, 1e-13, names=("W1", "b1"))
        assert not np.allclose(found["W2"], true["W2"], rtol=1e-3)


def misses(net, x, y):
    """delta_1 .. delta_L after inference, and what went up, r_0 .. r_{L-1}, of a net without replicas."""
    p = net._error(x, y)
    delta, v = net.rule.infer(p)
    return [delta[k][0] for k in range(1, p.L + 1)], [r[0] if r.ndim == 3 else r for r in v.r[: p.L]], p.value


def free_energy(net, x, y):
    """1/2 sum eps^2 of the hidden layers + the loss of what is predicted from the layer below, mean over samples."""
    delta, r, _ = misses(net, x, y)
    a = (net.parameters[f"W{net.sizes.L}"] @ r[-1] + net.parameters[f"b{net.sizes.L}"][:, None])[None]
    target, value = np.zeros_like(a), np.empty((1, len(x)))
    net.backend.targets(network_target(net, y, len(x)), out=target)
    net.output_loss.values(a, target, value, np.empty_like(a))
    return (sum(np.square(d).sum() for d in delta[:-1]) / 2 + value.sum()) / len(x)


@pytest.mark.parametrize(("activation", "loss"), [("tanh", "squared_error"), ("gelu", "cross_entropy")])
def test_predictive_coding_at_rest_descends_its_energy(activation, loss):
    sizes = [3, 4, 3, 2]
    batch = samples(sizes, loss, m=4)
    net = weak(network(sizes, PredictiveCoding(0.5, 100), activation, loss))
    close(net.gradients(*batch), slopes(net, lambda: free_energy(net, *batch)), 1e-7)


def test_no_step_of_inference_raises_the_energy():
    batch = samples(SIZES)
    found = [free_energy(network(SIZES, PredictiveCoding(0.3, steps)), *batch) for steps in range(1, 20)]
    assert np.diff(found).max() < 0
    assert found[0] < network(SIZES, "bp").loss(*batch)


def test_predictive_coding_of_a_linear_net(backend):
    """delta_L = S^-1 (yhat - y) with S = 1 + W_3 W_3^T + W_3 W_2 W_2^T W_3^T, delta_k the chain's transpose of it."""
    net = weak(network(SIZES, PredictiveCoding(0.5, 120), "identity", "squared_error", backend))
    x, y = samples(SIZES, "squared_error")
    p = values(net)
    h1 = p["W1"] @ x.T + p["b1"][:, None]
    h2 = p["W2"] @ h1 + p["b2"][:, None]
    e = p["W3"] @ h2 + p["b3"][:, None] - y.T
    chain = p["W3"] @ p["W2"]
    d3 = np.linalg.solve(np.eye(3) + p["W3"] @ p["W3"].T + chain @ chain.T, e)
    d2, d1 = p["W3"].T @ d3, chain.T @ d3
    v1 = h1 - d1
    v2 = p["W2"] @ v1 + p["b2"][:, None] - d2
    expected = {"W1": d1 @ x, "W2": d2 @ v1.T, "W3": d3 @ v2.T, "b1": d1.sum(1), "b2": d2.sum(1), "b3": d3.sum(1)}
    close(net.gradients(x, y), {name: g / len(x) for name, g in expected.items()}, 1e-10)


# All of them.


@pytest.mark.parametrize("rule", [CHL(), PredictiveCoding(), PredictiveCoding(exact=True)], ids=lambda rule: rule.name)
def test_without_hidden_layers_nothing_but_the_error_is_left(rule):
    batch = samples([5, 3])
    close(network([5, 3], rule).gradients(*batch), network([5, 3], "bp").gradients(*batch), 1e-13)


def test_chl_finds_the_masks_of_dropout():
    """As gamma -> 0 its steps are backprop's under the same masks."""
    found = []
    for rule, options, dropout in (("bp", {}, 0.5), ("chl", {"gamma": 1e-4}, 0.5), ("bp", {}, 0.0)):
        common = {"optimizer": "sgd", "lr": 0.5, "init": "uniform", "input_dropout": dropout / 2, "dropout": dropout}
        made = trainer(rule=rule, rule_options=options, **common)
        for _ in range(4):
            made.step()
        found.append(values(made.net))
    assert distance(found[0], found[1]) < 1e-3
    assert distance(found[0], found[2]) > 3e-2


TRAINED = [
    ("eqprop", {}, {}),
    ("eqprop", {"variant": "random_sign"}, {"dropout": 0.2, "input_dropout": 0.2}),
    ("eqprop", {"variant": "one_sided", "output": "identity"}, {"activation": ("tanh", "logistic"), "optimizer": "adam",
                                                                 "lr": 3e-3}),
    ("chl", {}, {}),
    ("chl", {"gamma": 0.1}, {"dropout": 0.2, "activation": "gelu", "loss": "binary_cross_entropy"}),
    ("predictive_coding", {}, {"activation": ("gelu", "hard_logistic"), "dropout": 0.2}),
    ("predictive_coding", {"exact": True}, {"loss": "squared_error"}),
]  # fmt: skip


def after(steps, **settings):
    made = trainer(batch_size=4, **settings)
    for _ in range(steps):
        made.step()
    return values(made.net)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("rule", "options", "settings"), TRAINED, ids=str)
def test_steps_are_those_of_single_nets(rule, options, settings, backend):
    settings = {"rule": rule, "rule_options": options, **settings}
    together = after(10, seeds=(0, 1), **settings)
    if backend == "cupy":
        close(after(10, seeds=(0, 1), backend="cupy", **settings), together)
        return
    for r in (0, 1):
        close(after(10, seeds=(r,), **settings), {name: p[r] for name, p in together.items()})


@pytest.mark.parametrize(("rule", "options", "settings"), TRAINED[1::2], ids=str)
def test_resume_is_bit_for_bit(tmp_path, rule, options, settings):
    def config(**kw):
        return gpufa.Config(
            **{"rule": rule, "rule_options": options, "hidden": (5, 4), "batch_size": 16, "seeds": (0, 1)}
            | {"backend": "numpy", **settings, **kw}
        )

    whole = gpufa.train(config(epochs=2), DATA)
    gpufa.train(config(epochs=1, out=str(tmp_path)), DATA)
    resumed = gpufa.resume(tmp_path, epochs=2, data=DATA)
    for name, p in whole.network.parameters.items():
        np.testing.assert_array_equal(resumed.network.parameters[name], p)
    for table in ("epochs", "probes"):
        ours, theirs = getattr(resumed.history, table), getattr(whole.history, table)
        for name in set(theirs) - {"seconds"}:
            np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


@pytest.mark.parametrize(
    ("rule", "options", "text"),
    [
        ("eqprop", {"variant": "two"}, "unknown variant 'two'; set rule.variant to one of one_sided, random_sign, sym"),
        ("eqprop", {"beta": 0}, "nudge 0 can't be used; set rule.beta to a number above 0"),
        ("eqprop", {"step": 1.5}, "step of the states 1.5 can't be used; set rule.step to a number above 0 and at"),
        ("eqprop", {"free_steps": 0}, "number of free steps 0 can't be used; set rule.free_steps to a whole number"),
        ("eqprop", {"nudged_steps": 0}, "number of nudged steps 0 can't be used; set rule.nudged_steps to a whole"),
        ("eqprop", {"output": "relu"}, "unknown activation of the output 'relu'; set rule.output to one of hard_log"),
        ("chl", {"gamma": 0}, "strength of the feedback 0 can't be used; set rule.gamma to a number above 1e-06 and"),
        ("chl", {"free_steps": 0}, "number of free steps 0 can't be used; set rule.free_steps to a whole number"),
        ("chl", {"clamped_steps": 0}, "number of clamped steps 0 can't be used; set rule.clamped_steps to a whole"),
        ("predictive_coding", {"step": 0}, "step of inference 0 can't be used; set rule.step to a number above 0"),
        ("predictive_coding", {"steps": 0}, "number of steps 0 can't be used; set rule.steps to a whole number"),
        ("predictive_coding", {"exact": 1}, "exact = 1 can't be used; set rule.exact to true or false"),
    ],
)
def test_options_that_do_not_fit_are_refused(rule, options, text):
    with pytest.raises(gpufa.InvalidValue) as error:
        make_rule(rule, options)
    assert text in str(error.value)


@pytest.mark.parametrize("activation", ["relu", "identity", "hard_tanh"])
def test_eqprop_refuses_units_without_rest(activation):
    text = (
        f"hidden layer 2 of '{activation}' units.*choose --activation from hard_logistic, logistic, tanh, scaled_tanh"
    )
    with pytest.raises(gpufa.InvalidValue, match=text):
        gpufa.Network(SIZES, activation=["tanh", activation], rule="eqprop", backend="numpy")


def test_a_contrastive_rule_must_say_what_it_contrasts():
    class Empty(ContrastiveRule):
        def forward(self, net, x):
            self.begin(net, x)
            return net.forward(x)

    with pytest.raises(NotImplementedError, match=r"Empty must define contrast\(net\)"):
        network(SIZES, Empty).gradients(*samples(SIZES))


def test_chl_refuses_differences_that_the_numbers_can_not_tell():
    text = r"reads the first of 4 layers from differences of about gamma\^3 = 1e-09, below what float32 tells apart"
    with pytest.raises(gpufa.InvalidValue, match=text):
        gpufa.Network([5, 4, 4, 4, 3], rule=CHL(1e-3), backend="numpy")
    gpufa.Network([5, 4, 4, 4, 3], rule=CHL(1e-3), dtype="float64", backend="numpy")
