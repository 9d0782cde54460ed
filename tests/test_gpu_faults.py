"""A GPU that fails in the middle of a run: what the host has is saved, what went wrong is told, and the run goes on."""

import csv
import dataclasses
import sys
import types

import hostdevice
import numpy as np
import pytest
from test_training import DATA, config, parameters

import gpufa
from gpufa.backends import faults
from gpufa.backends.device import no_room
from gpufa.errors import DeviceError, OutOfMemory

GIB = 2**30


LostError = type("CUDARuntimeError", (RuntimeError,), {"__module__": "cupy_backends.cuda.api.runtime"})
NoMemoryError = type("OutOfMemoryError", (MemoryError,), {"__module__": "cupy.cuda.memory"})


@pytest.fixture
def cupy(monkeypatch):
    """As much of CuPy as tells what memory there is."""
    device = types.SimpleNamespace(id=0, mem_info=(1 * GIB, 80 * GIB))
    cuda, pool = types.SimpleNamespace(Device=lambda: device), types.SimpleNamespace(total_bytes=lambda: 30 * GIB)
    monkeypatch.setitem(sys.modules, "cupy", types.SimpleNamespace(cuda=cuda, get_default_memory_pool=lambda: pool))


class Failing(hostdevice.HostDevice):
    """Fails for good once `error` is set: every call raises it, as those of a lost device do."""

    error = None

    def __getattribute__(self, name):
        error = object.__getattribute__(self, "error")
        if error is not None and name in ("empty", "upload", "download", "launch", "parallel", "replay", "synchronize"):
            raise error
        return super().__getattribute__(name)


class Break(gpufa.Callback):
    def __init__(self, device, error, step):
        self.device, self.error, self.step = device, error, step

    def on_step(self, trainer):
        if trainer.progress.step == self.step:
            self.device.error = self.error


@pytest.mark.usefixtures("cupy")
@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (
            LostError("cudaErrorIllegalAddress: an illegal memory access was encountered\nmore"),
            DeviceError,
            "the GPU failed (cudaErrorIllegalAddress: an illegal memory access was encountered); nvidia-smi and dmesg"
            " may say why: go on in a new process, with gpufa resume where the run has a folder",
        ),
        (
            NoMemoryError("Out of memory allocating 512 bytes"),
            OutOfMemory,
            "GPU 0 has no room for what is next (Out of memory allocating 512 bytes): 1,024 of 81,920 MiB are free,"
            " 50,176 MiB are held by others (see nvidia-smi); reduce --batch-size, --hidden or the number of --seeds,"
            " or use --backend numpy",
        ),
    ],
    ids=["lost", "full"],
)
def test_a_gpu_that_fails_in_mid_run_costs_one_interval(tmp_path, monkeypatch, error, kind, text):
    device = hostdevice.install(monkeypatch, Failing())
    settings = config(epochs=6, checkpoint_every=2, backend="cupy", dtype="float64", out=str(tmp_path))
    steps = -(-90 // 16)
    with (
        pytest.raises(kind) as told,
        pytest.warns(UserWarning, match="ended after epoch 3; its checkpoint is of epoch 2: go on from there with gp"),
    ):
        gpufa.train(settings, DATA, callbacks=[Break(device, error, 3 * steps + 2)])
    assert str(told.value) == text
    with open(tmp_path / "history.csv") as file:
        assert [row["epoch"] for row in csv.DictReader(file) if row["seed"] == "0"] == ["1", "2", "3"]

    hostdevice.install(monkeypatch)  # a new process, on a GPU that works
    resumed = gpufa.resume(tmp_path, data=DATA)
    whole = gpufa.train(dataclasses.replace(settings, out=None, backend="numpy"), DATA)
    for name, p in resumed.network.parameters.items():
        host = resumed.network.backend.to_host(p)
        np.testing.assert_allclose(host, parameters(whole)[name], rtol=1e-10, atol=1e-13)


@pytest.mark.usefixtures("cupy")
def test_a_network_says_so_too(monkeypatch):
    device = hostdevice.install(monkeypatch, Failing())
    net = gpufa.Network([6, 4, 3], backend="cupy")
    x, y = DATA.x_test, DATA.y_test
    device.error = LostError("cudaErrorECCUncorrectable: uncorrectable ECC error encountered")
    for call in (net.predict, net.evaluate, net.gradients, net.signals, net.alignment):
        with pytest.raises(DeviceError, match=r"the GPU failed \(cudaErrorECCUncorrectable: uncorrectable ECC error"):
            call(*((x,) if call == net.predict else (x, y)))
    with pytest.raises(DeviceError):
        gpufa.Network([6, 4, 3], backend="cupy")


def test_other_errors_are_left_as_they_are():
    other = type("SomeError", (RuntimeError,), {"__module__": "cupy.cuda"})
    for kind in (ZeroDivisionError, other):
        with pytest.raises(kind), faults():
            raise kind


def test_memory_that_others_hold_is_named_and_a_bare_context_is_not():
    assert "2,048 MiB are held by others (see nvidia-smi); reduce" in str(no_room("GPU 0", "x", 0, 8 * GIB, 6 * GIB))
    assert "MiB are free; reduce" in str(no_room("GPU 0", "x", 0, 8 * GIB, 8 * GIB - GIB // 2))


def test_a_run_that_does_not_fit_says_what_did_not(monkeypatch, tmp_path):
    hostdevice.install(monkeypatch, hostdevice.HostDevice(limit=40_000))
    with pytest.raises(OutOfMemory, match=r"the host device has no room for an array \(.*\) of .* MiB: .* are free; r"):
        gpufa.train(config(backend="cupy", hidden=(64, 64), out=str(tmp_path)), DATA)


def test_memory_that_runs_out_in_mid_run_leaves_the_last_checkpoint(monkeypatch, tmp_path):
    device = hostdevice.install(monkeypatch)

    class Hog(gpufa.Callback):
        def on_epoch(self, trainer):
            if trainer.progress.epoch == 2:
                device.limit = device.used
                trainer.net._passes.clear()

    settings = config(epochs=4, backend="cupy", out=str(tmp_path))
    with (
        pytest.raises(OutOfMemory, match=r"the host device has no room for an array"),
        pytest.warns(UserWarning, match="its checkpoint is of epoch 2: go on from there with gpufa resume"),
    ):
        gpufa.train(settings, DATA, callbacks=[Hog()])
    device.limit = 1 << 30
    assert gpufa.resume(tmp_path, data=DATA).summary["epochs"] == 4
