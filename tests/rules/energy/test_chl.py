"""Contrastive Hebbian learning: BP for small gamma, and exactly where all is linear."""

import numpy as np
import pytest
from energylab import SIZES, distance, weak
from partlab import HUBER
from rulelab import network, samples, trainer, values

import gpufa
from gpufa.functions.losses import LOSSES
from gpufa.rules.energy.chl import CHL

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


# All of them.


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


def test_chl_refuses_differences_that_the_numbers_can_not_tell():
    text = r"reads the first of 4 layers from differences of about gamma\^3 = 1e-09, below what float32 tells apart"
    with pytest.raises(gpufa.InvalidValue, match=text):
        gpufa.Network([5, 4, 4, 4, 3], rule=CHL(1e-3), backend="numpy")
    gpufa.Network([5, 4, 4, 4, 3], rule=CHL(1e-3), dtype="float64", backend="numpy")


def test_chl_is_refused_a_loss_whose_error_is_another():
    """It clamps the outputs to the targets, as if the error were yhat - y."""
    with pytest.raises(
        gpufa.InvalidValue, match=r"rule 'chl' clamps the outputs.*the loss 'huber' has another; use a loss"
    ):
        gpufa.Network([3, 4, 1], rule="chl", loss=HUBER)
