"""The same code on either backend: every rule, activation, loss and optimizer gives NumPy's numbers on a GPU.

Adam and its like have an eps of 1e-3, with which they are as steady as the others, see test_promises.py.
"""

import itertools

import numpy as np
import pytest
from rulelab import OWN, STEADY_EPS

import gpufa
from gpufa.backends.gpu.cupydevice import CupyDevice
from gpufa.backends.gpu.device import CaptureFailed
from gpufa.functions.activations import ACTIVATIONS
from gpufa.functions.losses import LOSSES
from gpufa.functions.optimizers import OPTIMIZERS
from gpufa.rules import RULES, make_rule
from gpufa.training.trainer import Trainer

pytestmark = pytest.mark.gpu
rng = np.random.default_rng(0)
DATA = gpufa.Data(rng.normal(size=(40, 6)), np.arange(40) % 3, rng.normal(size=(6, 6)), np.arange(6) % 3)
WHOLE = "bp", "fa", "dfa", "ifa"  # rules for which every combination is tried; for the others each formula once
TABLE = [
    row
    for row in itertools.product(WHOLE, ACTIVATIONS, LOSSES, OPTIMIZERS)
    if row[0] == "dfa" or ACTIVATIONS[row[1]].learns
]
OTHERS = [rule for rule in RULES if rule not in WHOLE]


def trained(backend, steps, **settings):
    """The parameters after so many steps, five an epoch."""
    config = gpufa.Config(
        **{"hidden": (5, 4), "batch_size": 8, "seeds": (0, 1), "init": "uniform"} | STEADY_EPS | settings
    )
    trainer = Trainer(gpufa.Config(**vars(config) | {"backend": backend}), DATA)
    trainer.rule.prepare(trainer.net, trainer.train[0], trainer.train[1])
    for step in range(steps):
        if step % 5 == 0:
            trainer.progress.epoch, trainer.progress.batch = step // 5, 0
            trainer.begin_epoch()
        trainer.step()
    backend = trainer.net.backend
    return {name: backend.to_host(p) for name, p in trainer.net.parameters.items()}


def agree(steps, tolerance, **settings):
    ours, theirs = (trained(backend, steps, **settings) for backend in ("cupy", "numpy"))
    for name, p in theirs.items():
        assert np.isfinite(p).all()
        np.testing.assert_allclose(ours[name], p, rtol=tolerance, atol=tolerance, err_msg=f"{name} {settings}")


def settings_of(rule, activation, loss, optimizer):
    """The settings of a combination, or None where the rule can't do it."""
    options = {} if ACTIVATIONS[activation].learns or rule != "dfa" else {"inject": "pre_activation"}
    found = {"rule": rule, "rule_options": options, "activation": activation, "loss": loss, "optimizer": optimizer}
    found |= {"lr": 0.01, "dtype": "float64"} | OWN.get(rule, {})
    sizes, made = [6, *found.get("hidden", (5, 4)), 3], make_rule(rule, found["rule_options"])
    try:
        gpufa.Network(sizes, rule=made, activation=activation, loss=loss, backend="numpy")
    except gpufa.InvalidValue:
        return None
    return found


def compare_each(rule):
    """Every activation, loss and optimizer that the rule takes, each at least once, beside changing others."""
    losses, optimizers = itertools.cycle(LOSSES), itertools.cycle(OPTIMIZERS)
    tried = [settings_of(rule, f, next(losses), next(optimizers)) for f in ACTIVATIONS]
    default = RULES[rule].defaults
    tried += [settings_of(rule, default["activation"], default["loss"], optimizer) for optimizer in OPTIMIZERS]
    tried = [settings for settings in tried if settings]
    assert len(tried) >= len(OPTIMIZERS)
    for settings in tried:
        agree(20, 1e-10, **settings)
    agree(1, 1e-5, **settings | {"dtype": "float32", "optimizer": "sgd"})


@pytest.mark.by_kind
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("rule", "activation", "loss", "optimizer"), TABLE)
def test_every_combination_gives_numpys_numbers(rule, activation, loss, optimizer):
    settings = settings_of(rule, activation, loss, optimizer)
    agree(50, 1e-10, **settings)
    agree(1, 1e-5, **settings | {"dtype": "float32"})


@pytest.mark.by_kind
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rule", OTHERS)
def test_every_rule_gives_numpys_numbers(rule):
    compare_each(rule)


@pytest.mark.parametrize("feedback", ["stored", "procedural"])
@pytest.mark.parametrize("rule", ["fa", "dfa", "ifa"])
@pytest.mark.parametrize("law", ["uniform", "sign", "normal"])
def test_procedural_feedback_trains_the_same_bits(rule, law, feedback):
    settings = {"rule": rule, "rule_options": {"law": law}, "dtype": "float64", "hidden": (80, 5), "lr": 0.01}
    agree(10, 1e-10, feedback=feedback, **settings)
    stored, keyed = (trained("cupy", 10, feedback=kind, **settings) for kind in ("stored", feedback))
    for name, p in stored.items():
        np.testing.assert_array_equal(keyed[name], p)


def refuse(self, step):
    raise CaptureFailed("for a test")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_the_same_recorded_and_eager(rule, dtype, monkeypatch):
    settings = {"rule": rule, "dtype": dtype, "lr": 0.01, "optimizer": "sgd"} | OWN.get(rule, {})
    recorded = trained("cupy", 7, **settings)
    if dtype == "float64":
        for name, p in trained("numpy", 7, **settings).items():
            np.testing.assert_allclose(recorded[name], p, rtol=1e-10, atol=1e-10, err_msg=name)
    monkeypatch.setattr(CupyDevice, "record", refuse)
    with pytest.warns(UserWarning, match="for a test"):
        eager = trained("cupy", 7, **settings)
    for name, p in recorded.items():
        np.testing.assert_array_equal(eager[name], p, err_msg=name)
