"""What only a GPU can show: pytest -m gpu. The operations, and every formula of the tables, are held to NumPy's numbers
on it by test_operations.py and test_same_code.py."""

import dataclasses

import numpy as np
import pytest
from test_cupy import agree, parameters_of
from test_training import DATA, OPTIONS, config

import gpufa
from gpufa.backends import get_backend, why_no_gpu
from gpufa.backends.device import CaptureFailed
from gpufa.trainer import Trainer

pytestmark = pytest.mark.gpu


def refuse(step):
    raise CaptureFailed("for a test")


def test_the_gpu_is_found():
    assert why_no_gpu() == ""
    assert get_backend("auto").name == "cupy"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_training_gives_numpys_numbers(options):
    agree(gpufa.train(config(**options, backend="cupy"), DATA), gpufa.train(config(**options), DATA))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_recorded_steps_are_the_eager_ones_bit_for_bit(options, dtype, monkeypatch):
    settings = config(**options, dtype=dtype, hidden=(300, 300, 300), backend="cupy")
    recorded, again = gpufa.train(settings, DATA), gpufa.train(settings, DATA)
    monkeypatch.setattr(recorded.network.backend.device, "record", refuse)
    with pytest.warns(UserWarning, match="for a test"):
        eager = gpufa.train(settings, DATA)
    for name, p in parameters_of(recorded).items():
        np.testing.assert_array_equal(p, parameters_of(again)[name])
        np.testing.assert_array_equal(p, parameters_of(eager)[name])


def test_memory_does_not_grow_over_a_thousand_steps():
    import cupy

    trainer = Trainer(config(rule="dfa", backend="cupy", epochs=1000, dropout=0.2, clip=1.0), DATA)
    pool = cupy.get_default_memory_pool()

    def epochs(n):
        for _ in range(n):
            trainer.progress.batch = 0
            trainer.begin_epoch()
            for _ in range(trainer.batches.per_epoch):
                trainer.step()
        trainer.look()
        return pool.used_bytes()

    before = epochs(3)
    assert epochs(-(-1000 // trainer.batches.per_epoch)) == before


def test_too_little_memory_is_told_and_the_next_run_is_fine():
    with pytest.raises(gpufa.errors.OutOfMemory, match=r"has no room for an array .* reduce --batch-size, --hidden"):
        gpufa.Network([2_000_000, 1_000_000, 10], backend="cupy", init="zeros")
    assert np.isfinite(gpufa.train(config(backend="cupy", epochs=1), DATA).summary["test_loss"]).all()


def test_two_devices():
    import cupy

    if cupy.cuda.runtime.getDeviceCount() < 2:
        pytest.skip("one GPU")
    runs = [gpufa.train(config(backend="cupy", device=i), DATA) for i in (1, 0)]
    assert "GPU 1" in runs[0].summary["environment"]["device"]
    for name, p in parameters_of(runs[1]).items():
        np.testing.assert_array_equal(p, parameters_of(runs[0])[name])


def test_tf32_is_near_and_not_the_same():
    kw = {"rule": "dfa", "seed": 0, "init": "uniform", "backend": "cupy"}
    x, y = np.random.default_rng(0).normal(size=(64, 512)), np.arange(64) % 10
    full, fast = (gpufa.Network([512, 512, 10], precision=p, **kw).gradients(x, y) for p in ("fp32", "tf32"))
    assert np.abs(full["W1"] - fast["W1"]).max() < 1e-2 * np.abs(full["W1"]).max()
    assert (full["W1"] != fast["W1"]).any()


@pytest.mark.parametrize("rule", ["bp", "fa", "dfa", "ifa"])
def test_bfloat16_trains_near_float32(rule):
    settings = config(rule=rule, init="uniform", epochs=8, dtype="float32", backend="cupy")
    full, half = (gpufa.train(dataclasses.replace(settings, precision=p), DATA) for p in ("fp32", "bf16"))
    np.testing.assert_allclose(half.summary["train_loss"], full.summary["train_loss"], rtol=0.05)
