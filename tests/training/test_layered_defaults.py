"""Nets with blocks of several layers may have other defaults than dense ones."""

import pytest

import gpufa
from gpufa.rules import RULES

MAPS = ("input 1x8x8", "conv 2 3x3 relu, pool 2", "dense 4 tanh")
DENSE = ("input 64", "dense 4 tanh, dropout 0.5")


@pytest.mark.parametrize(
    ("rule", "layers", "lr"),
    [
        ("dfa", MAPS, 5e-4),
        ("fa", MAPS, 5e-4),
        ("topology", MAPS, 5e-4),
        ("dkp", MAPS, 0.02),  # its own optimizer has a rate of its own
        ("bp", MAPS, 3e-3),
        ("dfa", DENSE, 3e-3),
        ("dfa", None, 3e-3),
    ],
)
def test_a_rate_left_open_is_the_rules_own_for_such_blocks(rule, layers, lr):
    config = gpufa.Config(rule=rule, layers=layers)
    assert config.resolved(RULES[rule]()).lr == lr


def test_what_is_given_stays():
    assert gpufa.Config(rule="dfa", layers=MAPS, lr=0.01).resolved(RULES["dfa"]()).lr == 0.01
    assert gpufa.Config(rule="dfa", layers=MAPS, optimizer="sgd").resolved(RULES["dfa"]()).lr == 0.1
