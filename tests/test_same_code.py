"""The same code on either backend: every rule, activation, loss and optimizer gives NumPy's numbers on the other.

On a GPU where one is asked for (-m gpu), else on the kernels that the host runs.
"""

import hostdevice
import numpy as np
import pytest

import gpufa
from gpufa.activations import ACTIVATIONS
from gpufa.losses import LOSSES
from gpufa.optimizers import OPTIMIZERS
from gpufa.rules import RULES
from gpufa.trainer import Trainer

rng = np.random.default_rng(0)
DATA = gpufa.Data(rng.normal(size=(40, 6)), np.arange(40) % 3, rng.normal(size=(6, 6)), np.arange(6) % 3)
TABLE = [
    (rule, activation)
    for rule in RULES
    for activation, row in ACTIVATIONS.items()
    if row.learns or "inject" in RULES[rule].__dataclass_fields__
]


def trained(backend, steps, **settings):
    """The parameters after so many steps, five an epoch."""
    config = gpufa.Config(**{"hidden": (5, 4), "batch_size": 8, "seeds": (0, 1), "init": "uniform"} | settings)
    trainer = Trainer(gpufa.Config(**vars(config) | {"backend": backend}), DATA)
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


def compare_all(rule, activation):
    options = {} if ACTIVATIONS[activation].learns else {"inject": "pre_activation"}
    for loss in LOSSES:
        for optimizer in OPTIMIZERS:
            settings = {"rule": rule, "rule_options": options, "activation": activation, "loss": loss}
            settings |= {"optimizer": optimizer, "lr": 0.01, "dtype": "float64"}
            agree(50, 1e-10, **settings)
        agree(1, 1e-5, **settings | {"dtype": "float32"})


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("rule", "activation"), TABLE)
def test_every_combination_gives_numpys_numbers(rule, activation, monkeypatch):
    hostdevice.install(monkeypatch)
    compare_all(rule, activation)


@pytest.mark.gpu
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("rule", "activation"), TABLE)
def test_every_combination_gives_numpys_numbers_on_a_gpu(rule, activation):
    compare_all(rule, activation)


@pytest.mark.parametrize("feedback", ["stored", "procedural"])
@pytest.mark.parametrize("rule", ["fa", "dfa", "ifa"])
@pytest.mark.parametrize("law", ["uniform", "sign", "normal"])
def test_procedural_feedback_trains_the_same_bits(rule, law, feedback, monkeypatch):
    hostdevice.install(monkeypatch)
    settings = {"rule": rule, "rule_options": {"law": law}, "dtype": "float64", "hidden": (80, 5), "lr": 0.01}
    agree(10, 1e-10, feedback=feedback, **settings)
    stored, keyed = (trained("cupy", 10, feedback=kind, **settings) for kind in ("stored", feedback))
    for name, p in stored.items():
        np.testing.assert_array_equal(keyed[name], p)
