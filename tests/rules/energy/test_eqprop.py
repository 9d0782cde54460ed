"""Equilibrium propagation: what it goes to at rest, and the energy that it descends."""

import itertools

import numpy as np
import pytest
from energylab import SIZES, distance, slopes, weak
from rulelab import close, host, network, put, samples, trainer, values

import gpufa
from gpufa.basics.random import Generator, Purpose
from gpufa.rules.energy.eqprop import EqProp

LONG = {"free_steps": 100, "nudged_steps": 100}


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
    s = [None, *(net.rule.phase(p, "free").u[k][0] for k in (1, 2, 3))]
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


# All of them.


@pytest.mark.parametrize("activation", ["relu", "identity", "hard_tanh"])
def test_eqprop_refuses_units_without_rest(activation):
    text = (
        f"hidden layer 2 of '{activation}' units.*choose --activation from hard_logistic, logistic, tanh, scaled_tanh"
    )
    with pytest.raises(gpufa.InvalidValue, match=text):
        gpufa.Network(SIZES, activation=["tanh", activation], rule="eqprop", backend="numpy")
