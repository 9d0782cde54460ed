"""A seed that has stopped keeps all it has beside others that go on, whatever its rule does behind an update."""

from dataclasses import dataclass
from unittest.mock import MagicMock

import numpy as np
import pytest
from rulelab import host

import gpufa
from gpufa.rules import RULES
from gpufa.training.steps.overlapped import OverlappedStep

RNG = np.random.default_rng(0)
X = RNG.uniform(size=(80, 6))
Y = np.where(RNG.uniform(size=80) < 0.3, RNG.integers(0, 3, 80), (X[:, 0] > 0.5).astype(int) + (X[:, 1] > 0.5))
DATA = {"x_train": X, "y_train": Y, "x_test": X, "y_test": Y}


@dataclass(frozen=True)
class Counting(RULES["dfa"]):
    """Writes into all that it may behind each update."""

    name = "counting"

    def state(self, sizes):
        return {"steps": (1,)}

    def after_update(self, net):
        net.state["steps"] += 1
        net.B[1] *= 0.99
        net.W[1] *= 0.99


@pytest.mark.parametrize("place", ["numpy", pytest.param("cupy", marks=pytest.mark.gpu)])
@pytest.mark.parametrize("rule", ["weight_mirror", Counting])
def test_each_seed_is_as_if_alone(rule, place):
    def run(*seeds):
        settings = {"hidden": (8, 8), "epochs": 40, "batch_size": 8, "dtype": "float64", "backend": place}
        stops = {"patience": 2, "keep": "last", "validation": 0.3, "lr": 0.02, "init": "uniform"}
        name = {"rule": rule} if isinstance(rule, str) else {}
        config = gpufa.Config(**settings, **stops, **name, seeds=seeds)
        return gpufa.train(config, DATA, **({} if name else {"rule": rule()}))

    together = run(0, 1, 2, 3)
    assert len(set(together.summary["epochs_per_seed"])) > 1
    for seed in range(4):
        alone = run(seed)
        for kind in "parameters", "feedback", "state":
            both = getattr(together.network, kind)
            for name, own in getattr(alone.network, kind).items():
                found, wanted = host(together.network, both[name][seed]), host(alone.network, own)
                np.testing.assert_allclose(found, wanted.reshape(found.shape), atol=1e-12, err_msg=name)


def test_overlapped_steps_keep_them_likewise():
    step = MagicMock()
    step.clock.now, step.clock.dtype, step.p.backend.zeros = np.zeros(2), "float64", np.zeros
    OverlappedStep([step]).run()
    step.after.assert_called_once()
    step.rule.after_update.assert_not_called()


def test_a_rule_says_whether_it_follows_updates():
    assert [RULES[name].follows for name in ("dfa", "fa", "weight_mirror")] == [False, False, True]
    assert Counting.follows
