"""Evolution strategies: slopes along random directions, and their mean."""

import numpy as np
import pytest
from oneshotlab import regression, rng
from rulelab import close, host, network, samples, trainer, values

from gpufa.basics.random import Generator, Purpose
from gpufa.net.learning.gradients import Gradients
from gpufa.rules import make_rule


def noise(net, seed, pairs, step=0):
    """eps of each pair by parameter, as the rule draws them."""
    names = list(net.parameters)
    draws = []
    for pair in range(pairs):
        eps = {}
        for i, name in enumerate(names):
            stream = pair * len(names) + i
            out = np.empty(net.parameters[name].shape)
            eps[name] = Generator().fill("normal", out, seed, Purpose.RULE, stream=stream, step=step)
        draws.append(eps)
    return draws


def along(gradient, eps):
    return sum((gradient[name] * eps[name]).sum() for name in eps)


# --- evolution strategies


@pytest.mark.parametrize("pairs", [1, 3])
def test_a_quadratic_loss_has_exactly_its_slope_along_eps(pairs, backend):
    """(L+ - L-) / (2 sigma) = grad L . eps for a linear net with squared error, however large sigma is."""
    rule = make_rule("evolution", {"pairs": pairs, "sigma": 0.7})
    bp, es = (network([5, 3], rule, loss="squared_error", backend=backend, seed=4) for rule in ("bp", rule))
    batch = samples([5, 3], "squared_error")
    true, before = bp.gradients(*batch), values(es)
    draws = noise(es, 4, pairs)
    expected = {name: sum(along(true, eps) * eps[name] for eps in draws) / pairs for name in true}
    close(es.gradients(*batch), expected, 1e-10)
    close(values(es), before, 0)


def test_the_mean_estimate_is_the_gradient():
    """P estimates in n dimensions err by |g| sqrt((n + 1) / P) as a root mean square; bound: 1.5 times that."""
    sizes, seeds, pairs = [5, 4, 3], range(50), 100
    rule = make_rule("evolution", {"pairs": pairs, "sigma": 1e-3})
    bp, es = network(sizes, "bp"), network(sizes, rule, seeds=list(seeds))
    for name, p in bp.parameters.items():
        es.parameters[name][...] = p
    batch = samples(sizes)
    true, found = bp.gradients(*batch), es.gradients(*batch)
    g, estimate = (np.concatenate([a[name].ravel() for name in true])
                   for a in (true, {name: e.mean(axis=0) for name, e in found.items()}))  # fmt: skip
    n, size = len(g), np.linalg.norm(g)
    error = np.linalg.norm(estimate - g) / size
    assert error < 1.5 * np.sqrt((n + 1) / (len(seeds) * pairs))
    assert np.linalg.norm(found["W1"][0] - found["W1"][1]) > 0.1 * size


@pytest.mark.parametrize("gradient", ["mean", "sum"])
def test_a_step_descends_the_slopes_of_its_own_step_and_restores_what_is_frozen(gradient, backend):
    """Of a net that is linear behind its frozen layer, with one and the same dropout mask for both signs."""
    data = regression()
    options = {"pairs": 2, "sigma": 0.5}
    made = trainer(
        data, rule="evolution", rule_options=options, hidden=(9,), freeze=(1,), dropout=0.5, gradient=gradient,
        optimizer="sgd", lr=0.1, loss="squared_error", backend=backend,
    )  # fmt: skip
    net = made.net
    for step in range(4):
        before = values(net)
        made.step()
        (one,) = made._steps.values()
        sent, y = host(net, one.p.sent[1])[0], host(net, one.p.y)[0]
        e = before["W2"] @ sent + before["b2"][:, None] - y
        share = 1 / one.m if gradient == "mean" else 1
        true = {"W2": share * e @ sent.T, "b2": share * e.sum(axis=1)}
        draws = [{name: eps[name] for name in true} for eps in noise(net, 0, 2, step)]
        after = values(net)
        close(after, before, 0, ("W1", "b1"))
        expected = {name: before[name] - 0.1 * sum(along(true, eps) * eps[name] for eps in draws) / 2 for name in true}
        close(after, expected, 1e-10, true)
        assert (sent == 0).any()


# --- all three


def test_the_alignment_of_an_estimate():
    """Many pairs come close to the gradient, few are nearly orthogonal to it."""
    batch = samples([5, 6, 3])
    angles = [network([5, 6, 3], make_rule("evolution", {"pairs": n})).alignment(*batch)["gradient"] for n in (1, 2000)]
    assert angles[0] > 45
    assert angles[1] < 15


def test_evolution_keeps_frozen_gradients_out_of_the_arena():
    net = network([5, 6, 3], "evolution")
    p, arena = net.pass_for(4), net.new_arena()
    net.rule.forward(p, rng.normal(size=(4, 5)))
    p.y[:, 0] = 1
    net.rule.gradients(p, Gradients(arena, [(1 / 4, (2,))]))
    assert not arena["W1"].any()
    assert arena["W2"].any()
