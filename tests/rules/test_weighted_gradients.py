"""The gradient under weights is the sum of w_i times each sample's own, for every rule that says it is linear."""

import re
from pathlib import Path

import numpy as np
import pytest
from rulelab import close, network, samples

import gpufa
from gpufa.rules import RULES

LINEAR = [name for name, rule in RULES.items() if rule().linear]
WEIGHTS = np.array([0.5, 0.0, 3.0, 1.0, 0.25, 2.0, 1e-3, 1.0, 7.0])
NETS = {
    "plain": [5, 6, 4, 3],
    "blocks": ["input 5", "dense 6 tanh, dense 4 tanh", "residual(dense 4 tanh)", "dense 3"],
}


def test_the_documents_name_them():
    text = (Path(__file__).resolve().parents[2] / "docs" / "rules.md").read_text()
    (row,) = (line for line in text.splitlines() if line.startswith("Rules that take weights of samples and classes: "))
    assert re.findall(r"`(\w+)`", row.partition(";")[0]) == LINEAR


def summed(net, x, y, weights):
    """sum of w_i * (the gradient of sample i alone) / sum of w_i."""
    alone = [net.gradients(x[i : i + 1], y[i : i + 1]) for i in range(len(x))]
    return {
        name: sum(w * one[name] for w, one in zip(weights, alone, strict=True)) / weights.sum() for name in alone[0]
    }


def holds(net, loss, tolerance=1e-10):
    x, y = samples([5, 6, 4, 3], loss)
    found = net.gradients(x, y, sample_weights=WEIGHTS)
    close(found, summed(net, x, y, WEIGHTS), tolerance)
    assert any(abs(found[name] - one).max() > 1e-3 for name, one in net.gradients(x, y).items())


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy", "squared_error"])
@pytest.mark.parametrize("rule", LINEAR)
def test_weights_weigh_gradients(rule, loss, backend):
    holds(network(NETS["plain"], rule, "tanh", loss, backend), loss)


@pytest.mark.parametrize("rule", [name for name in LINEAR if {"pull", "matrix"} & RULES[name]().needs == {"pull"}])
def test_within_blocks_too(rule, backend):
    holds(network(NETS["blocks"], rule, None, "cross_entropy", backend), "cross_entropy")


@pytest.mark.parametrize(
    ("options", "linear"),
    [
        ({"nonlinearity": "relu"}, True),
        ({"nonlinearity": "tanh"}, False),
        ({"nonlinearity": "mlp"}, False),
        ({"inject": "pre_activation"}, True),
        ({"rank": 2}, True),
        ({"density": 0.5, "law": "ternary"}, True),
    ],
)
def test_forms_of_dfa(options, linear, backend):
    rule = gpufa.rules.make_rule("dfa", options)
    assert rule.linear == linear
    net = network(NETS["plain"], rule, "tanh", backend=backend)
    if linear:
        holds(net, "cross_entropy")
    else:
        with pytest.raises(gpufa.InvalidValue, match="rule 'dfa' does not learn in proportion"):
            net.gradients(*samples([5, 6, 4, 3]), sample_weights=WEIGHTS)


@pytest.mark.parametrize("sources", [[2, 3], [3, 1], [[2, 3], 3]])
def test_forms_of_topology(sources, backend):
    holds(network(NETS["plain"], gpufa.rules.make_rule("topology", {"sources": sources}), "tanh", backend=backend), "")


@pytest.mark.parametrize("rule", [name for name in RULES if name not in LINEAR])
def test_the_others_refuse(rule):
    net = network([9, 6, 3], rule, "hard_logistic" if rule == "eqprop" else None)
    text = f"rule '{rule}' does not learn in proportion to each sample's error, .* use one of bp, .*, or leave"
    with pytest.raises(gpufa.InvalidValue, match=text):
        net.gradients(np.ones((2, 9)), [0, 1], sample_weights=[1, 2])


def test_a_rule_that_says_so_wrongly_is_found(backend):
    """The identity tells: sdfa's sign of e has no size that a weight could change."""

    class Claims(RULES["sdfa"]):
        linear = True

    with pytest.raises(AssertionError):
        holds(network(NETS["plain"], Claims, "tanh", backend=backend), "cross_entropy")


def test_weights_of_one_call_are_not_those_of_the_next(backend):
    net, (x, y) = network(NETS["plain"], "bp", "tanh", backend=backend), samples([5, 6, 4, 3])
    plain, loss = net.gradients(x, y), net.loss(x, y)
    net.gradients(x, y, sample_weights=WEIGHTS)
    assert net.loss(x, y) == loss
    net.gradients(x, y, sample_weights=WEIGHTS)
    close(net.gradients(x, y), plain, 0)
    close(net.gradients(x, y, sample_weights=5 * WEIGHTS), net.gradients(x, y, sample_weights=WEIGHTS), 1e-14)


@pytest.mark.parametrize(
    ("weights", "text"),
    [
        ([1, 2, 3], r"sample_weights have the shape \(3,\); give one for each of 9 samples"),
        (
            [1, 2, -3, *[1] * 6],
            r"sample_weights have -3 in row 2 \(counted from 0\); give finite numbers of at least 0",
        ),
        ([np.nan, *[1] * 8], r"sample_weights have nan in row 0"),
        ([0] * 9, "sample_weights are all 0, and nothing would be learned"),
        (["one"] * 9, "sample_weights is of dtype <U3; give real numbers"),
    ],
)
def test_weights_that_are_none(weights, text):
    with pytest.raises(gpufa.InvalidValue, match=text):
        network(NETS["plain"], "bp", "tanh").gradients(*samples([5, 6, 4, 3]), sample_weights=weights)
