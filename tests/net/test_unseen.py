"""The training samples are made floats for rules that say that they prepare themselves by them, and for no others."""

import numpy as np
import pytest

import gpufa

USES = [
    lambda x: x.mean(axis=0),
    lambda x: x[0],
    len,
    list,
    np.asarray,
    np.mean,
    lambda x: np.zeros(3) + x,
]
DATA = gpufa.Data(np.zeros((6, 3), np.uint8), np.arange(6) % 2, np.zeros((2, 3), np.uint8), np.arange(2))


def rule(use, needs):
    class Prepared(gpufa.rules.DFA):
        def prepare(self, model, x, y):
            use(x)

    Prepared.needs = gpufa.Rule.needs | needs
    return Prepared


@pytest.mark.parametrize("use", USES)
def test_a_rule_that_looks_at_them_unasked_is_told(use):
    config = gpufa.Config(hidden=(3,), epochs=1, backend="numpy")
    with pytest.raises(
        gpufa.InvalidValue, match=r"rule 'prepared' prepares itself by the .* add \"samples\" to its needs"
    ):
        gpufa.train(config, DATA, rule=rule(use, set()))
    gpufa.train(config, DATA, rule=rule(use, {"samples"}))
