"""Training on a GPU: NumPy's numbers, recorded or not, in any setting; what a step takes; checkpoints of either side.

The operations are held to NumPy's numbers in operations/, every formula of the tables by test_same_code.py,
threads and several GPUs by test_gpu_threads.py, and failures by test_gpu_faults.py.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest
from traininglab import DATA, OPTIONS, Poison, config, parameters

import gpufa
from gpufa.backends import get_backend, why_no_gpu
from gpufa.backends.gpu.cupydevice import CupyDevice, open_device
from gpufa.backends.gpu.device import CaptureFailed
from gpufa.basics.errors import DeviceError
from gpufa.functions.activations import ACTIVATIONS
from gpufa.training.trainer import Trainer

pytestmark = pytest.mark.gpu
BATCHES = -(-90 // 16)  # an epoch of DATA's; the last has fewer samples


def agree(run, reference):
    for name, p in parameters_of(run).items():
        np.testing.assert_allclose(p, parameters(reference)[name], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(run.history.epochs["test_loss"], reference.history.epochs["test_loss"], rtol=1e-9)


def parameters_of(run):
    return {name: run.network.backend.to_host(p) for name, p in run.network.parameters.items()}


def same(run, other):
    for name, p in parameters_of(run).items():
        np.testing.assert_array_equal(p, parameters_of(other)[name])
    np.testing.assert_array_equal(run.history.epochs["test_loss"], other.history.epochs["test_loss"])


@pytest.fixture
def recordings(monkeypatch):
    """[how many steps were recorded, how often one was replayed]."""
    counts, record = [0, 0], CupyDevice.record

    def noted(self, step):
        replay = record(self, step)
        counts[0] += 1

        def run():
            counts[1] += 1
            replay()

        return run

    monkeypatch.setattr(CupyDevice, "record", noted)
    return counts


def refuse(self, step):
    raise CaptureFailed("for a test")


def test_the_gpu_is_found():
    assert why_no_gpu() == ""
    assert get_backend("auto").name == "cupy"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_training_gives_numpys_numbers(options):
    run = gpufa.train(config(**options, backend="cupy"), DATA)
    assert run.network.backend.name == "cupy"
    assert "(GPU 0)" in run.summary["environment"]["device"]
    agree(run, gpufa.train(config(**options), DATA))


def test_stopping_diverging_and_regression(tmp_path):
    settings = config(validation=0.3, patience=2, epochs=20, optimizer="adam", lr=0.02)
    agree(gpufa.train(dataclasses.replace(settings, backend="cupy"), DATA), gpufa.train(settings, DATA))
    run = gpufa.train(config(backend="cupy", out=str(tmp_path)), DATA, callbacks=[Poison(1, 2)])
    assert run.summary["status"] == ["finished", "diverged", "finished"]
    targets = (DATA.x_train, DATA.x_train[:, :2], DATA.x_test, DATA.x_test[:, :2])
    agree(gpufa.train(config(rule="fa", backend="cupy"), targets), gpufa.train(config(rule="fa"), targets))


def test_a_checkpoint_of_one_backend_is_read_by_the_other(tmp_path):
    whole = gpufa.train(config(rule="fa", epochs=6), DATA)
    for first, second in (("numpy", "cupy"), ("cupy", "numpy")):
        out = tmp_path / first
        gpufa.train(config(rule="fa", epochs=3, backend=first, out=str(out)), DATA)
        agree(gpufa.resume(out, epochs=6, data=DATA, backend=second), whole)
        x = DATA.x_test
        np.testing.assert_allclose(
            gpufa.load(out, backend=second).predict(x), gpufa.load(out, backend=first).predict(x)
        )


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation(activation):
    rule = gpufa.rules.DFA(inject="activation" if ACTIVATIONS[activation].learns else "pre_activation")
    kw = {"rule": rule, "activation": activation, "init": "uniform", "dtype": "float64"}
    ours, theirs = (gpufa.Network([6, 8, 3], backend=b, **kw) for b in ("cupy", "numpy"))
    batch = DATA.x_train, DATA.y_train
    for name, g in theirs.gradients(*batch).items():
        np.testing.assert_allclose(ours.gradients(*batch)[name], g, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(ours.alignment(*batch)["gradient"], theirs.alignment(*batch)["gradient"], rtol=1e-6)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", [pytest.param("float32", marks=pytest.mark.slow), "float64"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_step_is_recorded_once_and_replayed_to_the_same_bits(options, dtype, recordings, monkeypatch):
    settings = config(**options, dtype=dtype, hidden=(40, 30), backend="cupy")
    recorded, again = gpufa.train(settings, DATA), gpufa.train(settings, DATA)
    # Whole batches, and the epoch's last; the first step of each kind is not a replay.
    assert recordings == [2 * 2, 2 * (settings.epochs * BATCHES - 2)]
    same(recorded, again)
    monkeypatch.setattr(CupyDevice, "record", refuse)
    with pytest.warns(UserWarning, match=r"can't be recorded \(for a test\); it runs operation by operation") as told:
        eager = gpufa.train(settings, DATA)
    assert len(told) == 1
    same(recorded, eager)


@pytest.mark.parametrize("allocator", ["CuPy's", "none", "a pool of managed memory"])
def test_a_rule_that_allocates_goes_on_unrecorded(allocator, recordings):
    @dataclass(frozen=True)
    class Signs(gpufa.Rule):
        def deltas(self, net, e):
            for k in reversed(net.hidden):
                net.inject(k, net.xp.sign(net.W[k + 1].swapaxes(-1, -2)), net.delta[k + 1])

    from cupy.cuda import MemoryPool, get_allocator, malloc_managed, using_allocator

    found = {"CuPy's": get_allocator(), "none": None, "a pool of managed memory": MemoryPool(malloc_managed).malloc}
    with (
        using_allocator(found[allocator]),
        pytest.warns(UserWarning, match="can't be recorded .* bytes were allocated inside the step"),
    ):
        run = gpufa.train(config(optimizer="sgd", lr=0.05, backend="cupy"), DATA, rule=Signs)
    assert recordings == [0, 0]
    agree(run, gpufa.train(config(optimizer="sgd", lr=0.05), DATA, rule=Signs))


def test_stopped_replicas_leave_the_recorded_step(recordings):
    settings = config(epochs=6, optimizer="sgd", lr=0.1)
    run = gpufa.train(dataclasses.replace(settings, backend="cupy"), DATA, callbacks=[Poison(1, 2)])
    assert run.summary["status"] == ["finished", "diverged", "finished"]
    assert recordings[0] == 4  # whole batches and the epoch's last, before one stopped and after
    reference = gpufa.train(settings, DATA, callbacks=[Poison(1, 2)])
    for name, p in parameters_of(run).items():
        np.testing.assert_allclose(p[[0, 2]], parameters(reference)[name][[0, 2]], rtol=1e-10, atol=1e-12)


def test_memory_does_not_grow_over_many_steps(standin_or):
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
    assert epochs(standin_or(1000, less=60) // trainer.batches.per_epoch) == before


def test_all_hidden_layers_take_one_launch(launched):
    trainer = Trainer(config(rule="dfa", hidden=(5,) * 9, optimizer="sgd", lr=0.1, backend="cupy"), DATA)
    trainer.begin_epoch()
    launched.clear()
    trainer.step()
    assert launched.count("feedback_delta") == launched.count("row_sums") == launched.count("output_error") == 1
    assert launched.count("bias_activation") == 9
    assert "gate" not in launched


def test_bytes_are_scaled_as_they_are_gathered():
    images = [np.clip(x * 20 + 128, 0, 255).astype(np.uint8) for x in (DATA.x_train, DATA.x_test)]
    data = gpufa.Data(images[0], DATA.y_train, images[1], DATA.y_test)
    settings = config(scaling="standard")
    run = gpufa.train(dataclasses.replace(settings, backend="cupy"), data)
    agree(run, gpufa.train(settings, data))


@pytest.mark.parametrize("rule", ["fa", "dfa", "ifa"])
def test_a_procedural_checkpoint_holds_the_key_alone(rule, tmp_path):
    nets = {}
    for backend in ("numpy", "cupy"):
        out = tmp_path / backend
        settings = config(rule=rule, feedback="procedural", backend=backend, out=str(out), epochs=2)
        nets[backend] = gpufa.train(settings, DATA).network
        arrays, metadata = gpufa.checkpoints.networks.contents(out)
        assert not any(name.startswith("feedback/") for name in arrays)
        assert metadata["network"]["feedback"] == "procedural"
    for backend, other in (("numpy", "cupy"), ("cupy", "numpy")):
        loaded = gpufa.load(tmp_path / backend, backend=other)
        for name, b in nets["numpy"].feedback.items():
            np.testing.assert_array_equal(loaded.backend.to_host(loaded.feedback[name]), b)
    resumed = gpufa.resume(tmp_path / "cupy", epochs=4, data=DATA)
    agree(resumed, gpufa.train(config(rule=rule, epochs=4), DATA))


@pytest.mark.usefixtures("faults_expected")
def test_cublas_errors_come_with_their_names():
    device = open_device(0)
    x = device.upload(np.zeros((2, 2), np.float32))
    with pytest.raises(DeviceError, match="cublasGemmStridedBatchedEx failed with CUBLAS_STATUS_NOT_SUPP"):
        device.gemm(x, x, device.upload(np.zeros((2, 2))), 1.0, 0.0, "fp32")
    with pytest.raises(ValueError, match="neither row- nor column-major"):
        device.gemm(device.upload(np.zeros((4, 4)))[::2, ::2], x, x, 1.0, 0.0, "fp32")
    with pytest.raises(ValueError, match="can't be written into"):
        device.gemm(x, x, device.upload(np.zeros((2, 3), np.float32)), 1.0, 0.0, "fp32")


def test_tf32_is_near_and_not_the_same():
    kw = {"rule": "dfa", "seed": 0, "init": "uniform", "backend": "cupy"}
    x, y = np.random.default_rng(0).normal(size=(64, 512)), np.arange(64) % 10
    full, fast = (gpufa.Network([512, 512, 10], precision=p, **kw).gradients(x, y) for p in ("fp32", "tf32"))
    assert np.abs(full["W1"] - fast["W1"]).max() < 1e-2 * np.abs(full["W1"]).max()
    assert (full["W1"] != fast["W1"]).any()


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["bp", "fa", "dfa", "ifa"])
def test_bfloat16_trains_near_float32(rule):
    settings = config(rule=rule, init="uniform", epochs=8, dtype="float32", backend="cupy")
    full, half = (gpufa.train(dataclasses.replace(settings, precision=p), DATA) for p in ("fp32", "bf16"))
    np.testing.assert_allclose(half.summary["train_loss"], full.summary["train_loss"], rtol=0.05)
