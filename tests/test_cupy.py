"""Training by the CuPy backend on the CPU: real kernels, cuBLAS's ABI, a recorded step; the numbers are NumPy's."""

import dataclasses
from dataclasses import dataclass

import hostdevice
import numpy as np
import pytest
from test_training import DATA, OPTIONS, config, parameters

import gpufa
from gpufa.activations import ACTIVATIONS
from gpufa.backends.device import CaptureFailed
from gpufa.trainer import Trainer


@pytest.fixture
def device(monkeypatch):
    return hostdevice.install(monkeypatch)


def agree(run, reference):
    for name, p in parameters_of(run).items():
        np.testing.assert_allclose(p, parameters(reference)[name], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(run.history.epochs["test_loss"], reference.history.epochs["test_loss"], rtol=1e-9)


def parameters_of(run):
    return {name: run.network.backend.to_host(p) for name, p in run.network.parameters.items()}


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_training_gives_numpys_numbers(options):
    run = gpufa.train(config(**options, backend="cupy"), DATA)
    assert run.network.backend.name == "cupy"
    assert run.summary["environment"]["device"] == "the host, for tests"
    agree(run, gpufa.train(config(**options), DATA))


@pytest.mark.usefixtures("device")
def test_stopping_diverging_and_regression(tmp_path):
    from test_training import Poison

    settings = config(validation=0.3, patience=2, epochs=20, optimizer="adam", lr=0.02)
    agree(gpufa.train(dataclasses.replace(settings, backend="cupy"), DATA), gpufa.train(settings, DATA))
    run = gpufa.train(config(backend="cupy", out=str(tmp_path)), DATA, callbacks=[Poison(1, 2)])
    assert run.summary["status"] == ["running", "diverged", "running"]
    targets = (DATA.x_train, DATA.x_train[:, :2], DATA.x_test, DATA.x_test[:, :2])
    agree(gpufa.train(config(rule="fa", backend="cupy"), targets), gpufa.train(config(rule="fa"), targets))


@pytest.mark.usefixtures("device")
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


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation(activation):
    rule = gpufa.rules.DFA(inject="activation" if ACTIVATIONS[activation].learns else "pre_activation")
    kw = {"rule": rule, "activation": activation, "init": "uniform", "dtype": "float64"}
    ours, theirs = (gpufa.Network([6, 8, 3], backend=b, **kw) for b in ("cupy", "numpy"))
    batch = DATA.x_train, DATA.y_train
    for name, g in theirs.gradients(*batch).items():
        np.testing.assert_allclose(ours.gradients(*batch)[name], g, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(ours.alignment(*batch)["gradient"], theirs.alignment(*batch)["gradient"], rtol=1e-6)


class Counting(hostdevice.HostDevice):
    """Counts recordings and replays, and refuses to record where it is told to."""

    def __init__(self, refuse=False, **kw):
        super().__init__(**kw)
        self.refuse, self.recorded, self.replayed = refuse, 0, 0

    def record(self, step):
        if self.refuse:
            raise CaptureFailed("as if the driver were too old")
        self.recorded += 1
        return super().record(step)

    def replay(self, nodes):
        self.replayed += 1
        super().replay(nodes)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_step_is_recorded_once_and_replayed_to_the_same_bits(options, monkeypatch):
    device = hostdevice.install(monkeypatch, Counting())
    recorded = gpufa.train(config(**options, backend="cupy"), DATA)
    assert (device.recorded, device.replayed) == (2, 4 * -(-90 // 16) - 2)  # whole batches, and the epoch's last
    hostdevice.install(monkeypatch, Counting(refuse=True))
    with pytest.warns(
        UserWarning, match="can't be recorded .as if the driver were too old.; it runs operation by"
    ) as told:
        eager = gpufa.train(config(**options, backend="cupy"), DATA)
    assert len(told) == 1
    for name, p in parameters_of(eager).items():
        np.testing.assert_array_equal(p, parameters_of(recorded)[name])
    np.testing.assert_array_equal(eager.history.epochs["test_loss"], recorded.history.epochs["test_loss"])


def test_a_rule_that_allocates_goes_on_unrecorded(monkeypatch):
    @dataclass(frozen=True)
    class Signs(gpufa.Rule):
        def deltas(self, net, e):
            for k in reversed(net.hidden):
                net.inject(k, net.xp.sign(net.W[k + 1].swapaxes(-1, -2)), net.delta[k + 1])

    device = hostdevice.install(monkeypatch, Counting())
    with pytest.warns(UserWarning, match="memory was allocated inside the step"):
        run = gpufa.train(config(optimizer="sgd", lr=0.05, backend="cupy"), DATA, rule=Signs)
    assert device.replayed == 0
    agree(run, gpufa.train(config(optimizer="sgd", lr=0.05), DATA, rule=Signs))


def test_stopped_replicas_leave_the_recorded_step(monkeypatch):
    from test_training import Poison

    device = hostdevice.install(monkeypatch, Counting())
    settings = config(epochs=6, optimizer="sgd", lr=0.1)
    run = gpufa.train(dataclasses.replace(settings, backend="cupy"), DATA, callbacks=[Poison(1, 2)])
    assert run.summary["status"] == ["running", "diverged", "running"]
    assert device.recorded == 4  # whole batches and the epoch's last, before one stopped and after
    reference = gpufa.train(settings, DATA, callbacks=[Poison(1, 2)])
    for name, p in parameters_of(run).items():
        np.testing.assert_allclose(p[[0, 2]], parameters(reference)[name][[0, 2]], rtol=1e-10, atol=1e-12)


def test_nothing_is_allocated_while_training(monkeypatch):
    device = hostdevice.install(monkeypatch)
    trainer = Trainer(config(rule="dfa", dropout=0.3, clip=1.0, backend="cupy"), DATA)
    trainer.begin_epoch()
    for _ in range(3):
        trainer.step()
    used = device.used
    for _ in range(2):
        trainer.step()
    assert device.used == used


def test_all_hidden_layers_take_one_launch(monkeypatch):
    device = hostdevice.install(monkeypatch)
    trainer = Trainer(config(rule="dfa", hidden=(5,) * 9, optimizer="sgd", lr=0.1, backend="cupy"), DATA)
    trainer.begin_epoch()
    trainer.step()
    launched = device.launches[device.launches.index("tick") :]
    assert launched.count("feedback_delta") == launched.count("row_sums") == launched.count("output_error") == 1
    assert launched.count("bias_activation") == 10
    assert "gate" not in launched


def test_too_little_memory_is_one_sentence_and_keeps_the_checkpoint(tmp_path, monkeypatch, capsys):
    from gpufa.cli import main

    hostdevice.install(monkeypatch, hostdevice.HostDevice(limit=3_000_000))
    monkeypatch.chdir(tmp_path)
    small = ["train", "--backend", "cupy", "--hidden", "16", "--epochs", "1", "--seeds", "0", "--out", "run", "--quiet"]
    assert main(small) == 0
    before = (tmp_path / "run/checkpoint.h5").read_bytes()
    large = [*small, "--force", "--hidden", "900"]
    assert main(large) == 2
    error = capsys.readouterr().err
    assert "has no room for an array (1, " in error
    assert "reduce --batch-size, --hidden or the number of --seeds" in error
    assert len(error.strip().splitlines()) == 1
    assert (tmp_path / "run/checkpoint.h5").read_bytes() == before


@pytest.mark.usefixtures("device")
def test_bytes_are_scaled_as_they_are_gathered():
    images = [np.clip(x * 20 + 128, 0, 255).astype(np.uint8) for x in (DATA.x_train, DATA.x_test)]
    data = gpufa.Data(images[0], DATA.y_train, images[1], DATA.y_test)
    settings = config(scaling="standard")
    run = gpufa.train(dataclasses.replace(settings, backend="cupy"), data)
    agree(run, gpufa.train(settings, data))


def test_a_procedural_checkpoint_holds_the_key_alone(tmp_path, monkeypatch):
    hostdevice.install(monkeypatch)
    for rule in ("fa", "dfa", "ifa"):
        nets = {}
        for backend in ("numpy", "cupy"):
            out = tmp_path / f"{rule}-{backend}"
            settings = config(rule=rule, feedback="procedural", backend=backend, out=str(out), epochs=2)
            nets[backend] = gpufa.train(settings, DATA).network
            arrays, metadata = gpufa.storage.contents(out)
            assert not any(name.startswith("feedback/") for name in arrays)
            assert metadata["network"]["feedback"] == "procedural"
        for backend, other in (("numpy", "cupy"), ("cupy", "numpy")):
            loaded = gpufa.load(tmp_path / f"{rule}-{backend}", backend=other)
            for name, b in nets["numpy"].feedback.items():
                np.testing.assert_array_equal(loaded.backend.to_host(loaded.feedback[name]), b)
        resumed = gpufa.resume(tmp_path / f"{rule}-cupy", epochs=4, data=DATA)
        agree(resumed, gpufa.train(config(rule=rule, epochs=4), DATA))


def test_cublas_errors_come_with_their_names():
    device = hostdevice.HostDevice()
    x = device.upload(np.zeros((2, 2), np.float32))
    with pytest.raises(gpufa.errors.DeviceError, match="cublasGemmStridedBatchedEx failed with CUBLAS_STATUS_NOT_SUPP"):
        device.gemm(x, x, device.upload(np.zeros((2, 2))), 1.0, 0.0, "fp32")
    with pytest.raises(ValueError, match="neither row- nor column-major"):
        device.gemm(device.upload(np.zeros((4, 4)))[::2, ::2], x, x, 1.0, 0.0, "fp32")
    with pytest.raises(ValueError, match="can't be written into"):
        device.gemm(x, x, device.upload(np.zeros((2, 3), np.float32)), 1.0, 0.0, "fp32")


def test_the_device_does_refuse_to_mix():
    ours, theirs = hostdevice.device_view(np.ones(3)), np.ones(3)
    for mix in (
        lambda: ours + theirs,
        lambda: np.add(ours, ours, out=theirs),
        lambda: ours.__setitem__(slice(None), theirs),
        lambda: np.where(ours > 0, ours, ours),
    ):
        with pytest.raises(TypeError, match=r"host|device"):
            mix()
