"""bfloat16: how it is rounded, one step against the same step spelled in NumPy, and training near float32's."""

import dataclasses

import numpy as np
import pytest
from traininglab import DATA, config

import gpufa
from gpufa.backends import get_backend
from gpufa.training.trainer import Trainer

pytestmark = pytest.mark.gpu
rng = np.random.default_rng(0)


def rounded(x):
    """The nearest bfloat16, ties to even, as a float32."""
    bits = np.asarray(x, np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16 << 16).astype(np.uint32).view(np.float32)


def floats(bits):
    """What an array of bfloat16 bits holds."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


@pytest.mark.parametrize("columns", [64, 61])
def test_numbers_are_rounded_to_nearest_even(columns):
    backend = get_backend("cupy", precision="bf16")
    x = (rng.normal(size=(3, columns)) * 10.0 ** rng.integers(-30, 30, (3, columns))).astype(np.float32)
    x[0, :8] = [0, -0.0, np.inf, -np.inf, 1 + 2**-8, 1 + 3 * 2**-8, 3.4e38, 1e-40]
    out = backend.zeros(x.shape, "uint16")
    backend.lower(backend.to_device(x), out=out)
    np.testing.assert_array_equal(floats(backend.to_host(out)), rounded(x))
    x[:] = np.nan
    backend.lower(backend.to_device(x), out=out)
    assert np.isnan(floats(backend.to_host(out))).all()


def step_of(settings, precision="bf16"):
    trainer = Trainer(dataclasses.replace(settings, backend="cupy", precision=precision), DATA)
    trainer.begin_epoch()
    before = {name: trainer.net.backend.to_host(p) for name, p in trainer.net.parameters.items()}
    trainer.step()
    after = {name: trainer.net.backend.to_host(p) for name, p in trainer.net.parameters.items()}
    return trainer, before, after


@pytest.mark.parametrize("rule", ["bp", "fa", "dfa", "ifa"])
def test_a_step_is_the_rules_with_every_array_rounded(rule):
    settings = config(
        rule=rule, optimizer="sgd", lr=0.1, seeds=(1,), dtype="float32", init="uniform", hidden=(9, 8), batch_size=16
    )
    trainer, before, after = step_of(settings)
    index = trainer.net.backend.to_host(trainer.batches.order)[0, :16]
    W = [None, *(rounded(before[f"W{k}"]) for k in (1, 2, 3))]
    B = {name: rounded(trainer.net.backend.to_host(b)) for name, b in trainer.net.feedback.items()}
    h = [rounded(DATA.x_train[index].T)]
    for k in (1, 2):
        h.append(rounded(np.tanh(rounded(W[k] @ h[-1]) + before[f"b{k}"][:, None])))
    a = rounded(rounded(W[3] @ h[-1]) + before["b3"][:, None])
    e = np.exp(a - a.max(0))
    e = rounded(e / e.sum(0) - np.eye(3)[DATA.y_train[index]].T)
    slopes = [1 - own * own for own in h[1:]]
    if rule == "dfa":
        d1, d2 = (rounded((B[f"B{k}"] @ e) * slopes[k - 1]) for k in (1, 2))
    elif rule == "ifa":
        d1 = rounded((B["B1"] @ e) * slopes[0])
        d2 = rounded((W[2] @ d1) * slopes[1])
    else:
        back = (lambda k: W[k + 1].T) if rule == "bp" else (lambda k: B[f"B{k}"])
        d2 = rounded((back(2) @ e) * slopes[1])
        d1 = rounded((back(1) @ d2) * slopes[0])
    for k, (d, below) in enumerate(zip((d1, d2, e), h, strict=True), start=1):
        for name, gradient in ((f"W{k}", d @ below.T), (f"b{k}", d.sum(1))):
            moved = (before[name] - after[name]) / 0.1 * 16
            # One rounding that falls the other way moves a sum by half a unit of bfloat16's last place.
            np.testing.assert_allclose(moved, gradient, atol=2**-8 * np.abs(gradient).max(), err_msg=name)
            assert np.median(np.abs(moved - gradient)) < 1e-3 * np.abs(gradient).max()


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "options",
    [
        {"rule": "dfa"},
        {"rule": "dfa", "feedback": "procedural"},
        {"rule": "fa", "feedback": "procedural", "hidden": (80, 70)},
        {"rule": "bp", "dropout": 0.3, "input_dropout": 0.2},
        {"rule": "fa", "input_noise": 0.2, "activation": "gelu"},
        {"rule": "ifa", "adversarial": 0.1, "adversarial_mix": "beside", "clip": 1.0},
    ],
    ids=str,
)
def test_training_is_near_float32s(options):
    settings = config(**{"init": "uniform", "epochs": 8, "dtype": "float32", "backend": "cupy"} | options)
    full, half = (gpufa.train(dataclasses.replace(settings, precision=p), DATA) for p in ("fp32", "bf16"))
    assert half.summary["environment"]["TF32"].startswith("no: training keeps its activity in bfloat16")
    np.testing.assert_allclose(half.summary["train_loss"], full.summary["train_loss"], rtol=0.05)
    assert half.summary["train_loss"] != full.summary["train_loss"]
    if "feedback" in options:
        stored = gpufa.train(dataclasses.replace(settings, precision="bf16", feedback="stored"), DATA)
        np.testing.assert_allclose(stored.summary["train_loss"], half.summary["train_loss"], rtol=0.02)


def test_slabs_take_half_the_memory():
    trainer, _, _ = step_of(config(dtype="float32"))
    (step,) = trainer._steps.values()
    assert {a.dtype.name for a in (step.p.h.slab, step.p.delta.slab, step.x, step.p.y)} == {"uint16"}
    assert trainer.net.arena.flat.dtype == np.float32


def test_what_bfloat16_can_not_do_is_refused():
    class Own(gpufa.Rule):
        def deltas(self, net, e):
            raise AssertionError

    settings = config(dtype="float32", backend="cupy", precision="bf16")
    with pytest.raises(gpufa.InvalidValue, match="rule 'own' does arithmetic of its own, which precision 'bf16' can't"):
        Trainer(settings, DATA, rule=Own)
    with pytest.raises(gpufa.InvalidValue, match="precision 'bf16' is for dtype float32, not float64"):
        Trainer(dataclasses.replace(settings, dtype="float64"), DATA)
    with pytest.raises(gpufa.InvalidValue, match="precision 'bf16' needs a GPU, but backend numpy was asked for"):
        Trainer(dataclasses.replace(settings, backend="numpy"), DATA)
