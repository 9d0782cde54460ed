"""What only a GPU can show: pytest -m gpu. The operations, and every formula of the tables, are held to NumPy's numbers
on it by test_operations.py and test_same_code.py."""

import dataclasses
import subprocess
import sys
from pathlib import Path

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
    settings = config(**options, dtype=dtype, hidden=(300, 300), backend="cupy")
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


HOG = """
import cupy, sys
free, total = cupy.cuda.Device().mem_info
held = cupy.cuda.alloc(free - (256 << 20))
print("held", flush=True)
sys.stdin.read()
"""


def test_memory_that_another_process_holds_is_named():
    hog = subprocess.Popen([sys.executable, "-c", HOG], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert hog.stdout.readline() == "held\n"
        with pytest.raises(gpufa.errors.OutOfMemory, match=r"MiB are held by others \(see nvidia-smi\); reduce"):
            gpufa.Network([20_000, 20_000, 10], backend="cupy", init="zeros")
    finally:
        hog.communicate()
    assert np.isfinite(gpufa.train(config(backend="cupy", epochs=1), DATA).summary["test_loss"]).all()


LOST = """
import sys
sys.path.insert(0, "tests")
import cupy, gpufa
from test_training import DATA, config

class Trap(gpufa.Callback):
    def on_step(self, trainer):
        if trainer.progress.epoch == 3:
            cupy.RawKernel('extern "C" __global__ void stop() { asm("trap;"); }', "stop")((1,), (1,), ())

gpufa.train(config(epochs=6, checkpoint_every=2, backend="cupy", out=sys.argv[1]), DATA, callbacks=[Trap()])
"""


def test_a_device_that_is_lost_in_mid_run_costs_one_interval(tmp_path):
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", LOST, tmp_path], cwd=root, capture_output=True, text=True)
    assert "DeviceError: the GPU failed (cuda" in done.stderr
    assert "the run ended after epoch 3; its checkpoint is of epoch 2" in done.stderr
    resumed, whole = gpufa.resume(tmp_path, data=DATA), gpufa.train(config(epochs=6, backend="cupy"), DATA)
    for name, p in parameters_of(resumed).items():
        np.testing.assert_array_equal(p, parameters_of(whole)[name])


def test_what_tells_cupys_errors_apart():
    import cupy

    for error in (
        cupy.cuda.memory.OutOfMemoryError,
        cupy.cuda.runtime.CUDARuntimeError,
        cupy.cuda.driver.CUDADriverError,
    ):
        assert error.__module__.startswith("cupy")
        assert error.__name__ in ("OutOfMemoryError", "CUDARuntimeError", "CUDADriverError")


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
