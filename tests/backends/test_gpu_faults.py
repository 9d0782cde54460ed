"""A GPU that fails or is full in the middle of a run: what the host has is saved, what went wrong is told, and the run
goes on."""

import csv
import dataclasses
import gc
import subprocess
import sys
import types
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import standin
from traininglab import DATA, config, parameters

import gpufa
from gpufa.backends import faults
from gpufa.backends.gpu.device import no_room
from gpufa.backends.gpu.faults import in_words
from gpufa.basics.errors import DeviceError, OutOfMemory

MIB, GIB = 2**20, 2**30
ILLEGAL = 700
STEPS = -(-90 // 16)  # an epoch of DATA
NO_ROOM = r"GPU 0 has no room for an array \(.*\) of .* MiB: .* MiB are free"


@pytest.fixture
def room():
    """Leaves CuPy so many bytes more than are in use; what is free of blocks that are in use in part is taken."""
    import cupy

    from gpufa.backends.gpu.cupydevice import open_device

    pool, taken = cupy.get_default_memory_pool(), []

    def leave(size):
        taken.clear()
        gc.collect()
        pool.free_all_blocks()
        pool.set_limit(size=pool.total_bytes())
        for piece in (MIB, MIB >> 6, MIB >> 11):
            with open_device(0).working(), suppress(cupy.cuda.memory.OutOfMemoryError):
                while True:
                    taken.append(cupy.empty(piece, "uint8"))
        pool.set_limit(size=pool.total_bytes() + size)

    yield leave
    taken.clear()
    pool.set_limit(size=0)


@pytest.fixture
def lose():
    """Makes every call to the stand-in fail, as on a device that is lost; a new process, as it were, comes after it."""
    yield standin.lose
    standin.revive()


class At(gpufa.Callback):
    """Does something once, behind a step."""

    def __init__(self, step, do):
        self.at, self.do = step, do

    def on_step(self, trainer):
        if trainer.progress.step == self.at:
            self.do(trainer)


def goes_on(path):
    """The run is resumed, and ends as one that was never cut."""
    resumed = gpufa.resume(path, data=DATA)
    whole = gpufa.train(dataclasses.replace(resumed.config, out=None, backend="numpy"), DATA)
    for name, p in resumed.network.parameters.items():
        host = resumed.network.backend.to_host(p)
        np.testing.assert_allclose(host, parameters(whole)[name], rtol=1e-10, atol=1e-13)


def epochs_of(path):
    with open(path / "history.csv") as file:
        return [row["epoch"] for row in csv.DictReader(file) if row["seed"] == "0"]


@pytest.mark.gpu
@pytest.mark.standin_only
@pytest.mark.parametrize("after", [2, 3, STEPS - 1])
def test_a_gpu_that_is_lost_in_mid_run_costs_one_interval(after, tmp_path, lose):
    settings = config(epochs=6, checkpoint_every=2, backend="cupy", dtype="float64", out=str(tmp_path))
    callback = At(3 * STEPS + after, lambda trainer: lose(ILLEGAL))
    with (
        pytest.raises(DeviceError) as told,
        pytest.warns(UserWarning, match="ended after epoch 3; its checkpoint is of epoch 2: go on from there with gp"),
    ):
        gpufa.train(settings, DATA, callbacks=[callback])
    assert str(told.value) == (
        "the GPU failed (cudaErrorIllegalAddress: an illegal memory access was encountered); nvidia-smi and dmesg"
        " may say why: go on in a new process, with gpufa resume where the run has a folder"
    )
    assert epochs_of(tmp_path) == ["1", "2", "3"]
    standin.revive()
    goes_on(tmp_path)


@pytest.mark.gpu
@pytest.mark.standin_only
def test_a_network_says_so_too(lose):
    net = gpufa.Network([6, 4, 3], backend="cupy")
    x, y = DATA.x_test, DATA.y_test
    lose(ILLEGAL)
    for call in (net.predict, net.evaluate, net.gradients, net.signals, net.alignment):
        with pytest.raises(DeviceError, match=r"the GPU failed \(cudaErrorIllegalAddress: an illegal memory access"):
            call(*((x,) if call == net.predict else (x, y)))
    with pytest.raises(DeviceError):
        gpufa.Network([6, 4, 3], backend="cupy")
    standin.revive()
    assert np.isfinite(net.predict(x)).all()


@pytest.mark.gpu
def test_memory_that_runs_out_in_mid_run_leaves_the_last_checkpoint(tmp_path, room):
    class Hog(gpufa.Callback):
        def on_epoch(self, trainer):
            if trainer.progress.epoch == 2:
                trainer.net._passes.clear()
                with trainer.backend.working():
                    empty = trainer.backend.xp.empty
                    empty(16 * MIB, "uint8")
                    self.part = empty(9 * MIB, "uint8")  # of the block that has just been given back
                room(0)

    settings = config(epochs=4, backend="cupy", dtype="float64", out=str(tmp_path))
    with (
        pytest.raises(OutOfMemory, match="GPU 0 has no room for "),
        pytest.warns(UserWarning, match="its checkpoint is of epoch 2: go on from there with gpufa resume"),
    ):
        gpufa.train(settings, DATA, callbacks=[Hog()])
    room(GIB)
    goes_on(tmp_path)


@pytest.mark.gpu
def test_memory_that_runs_out_in_cupys_own_arithmetic_is_told(room):
    class Hog(gpufa.Callback):
        def on_step(self, trainer):
            room(0)
            with trainer.backend.working():
                trainer.backend.xp.ones((1 << 20,))

    with pytest.raises(
        OutOfMemory, match=r"GPU 0 has no room for what is next \(Out of memory allocating 8,388,608 byt"
    ):
        gpufa.train(config(backend="cupy"), DATA, callbacks=[Hog()])


@pytest.mark.gpu
def test_a_run_that_does_not_fit_says_what_did_not(tmp_path, room):
    room(MIB)
    with pytest.raises(OutOfMemory, match=NO_ROOM):
        gpufa.train(config(backend="cupy", hidden=(1000, 1000), out=str(tmp_path)), DATA)


@pytest.mark.gpu
def test_too_little_memory_is_one_sentence_and_keeps_the_checkpoint(tmp_path, monkeypatch, capsys, room):
    from gpufa.commands.main import main

    monkeypatch.chdir(tmp_path)
    net = ["train", "--backend", "cupy", "--epochs", "1", "--seeds", "0", "--out", "run", "--quiet"]
    assert main([*net, "--hidden", "16"]) == 0
    before = (tmp_path / "run/checkpoint.h5").read_bytes()
    room(2 * MIB)
    assert main([*net, "--force", "--hidden", "9000"]) == 2
    error = capsys.readouterr().err
    assert "has no room for an array (1, " in error
    assert "reduce --batch-size, --hidden or the number of --seeds" in error
    assert len(error.strip().splitlines()) == 1
    assert (tmp_path / "run/checkpoint.h5").read_bytes() == before


@pytest.mark.gpu
def test_more_than_the_gpu_has_is_told_and_the_next_run_is_fine():
    with pytest.raises(OutOfMemory, match=r"has no room for an array .* reduce --batch-size, --hidden"):
        gpufa.Network([2_000_000, 1_000_000, 10], backend="cupy", init="zeros")
    assert np.isfinite(gpufa.train(config(backend="cupy", epochs=1), DATA).summary["test_loss"]).all()


HOG = """
import cupy, sys
free, total = cupy.cuda.Device().mem_info
held = cupy.cuda.alloc(free - (256 << 20))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.gpu
@pytest.mark.beyond_standin("memory that several processes share")
def test_memory_that_another_process_holds_is_named():
    hog = subprocess.Popen([sys.executable, "-c", HOG], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert hog.stdout.readline() == "held\n"
        with pytest.raises(OutOfMemory, match=r"MiB are held by others \(see nvidia-smi\); reduce"):
            gpufa.Network([20_000, 20_000, 10], backend="cupy", init="zeros")
    finally:
        hog.communicate()
    assert np.isfinite(gpufa.train(config(backend="cupy", epochs=1), DATA).summary["test_loss"]).all()


LOST = """
import sys
sys.path.insert(0, "tests")
import cupy, gpufa
from traininglab import DATA, config

class Trap(gpufa.Callback):
    def on_step(self, trainer):
        if trainer.progress.epoch == 3:
            cupy.RawKernel('extern "C" __global__ void stop() { asm("trap;"); }', "stop")((1,), (1,), ())

gpufa.train(
    config(epochs=6, checkpoint_every=2, backend="cupy", dtype="float64", out=sys.argv[1]), DATA, callbacks=[Trap()]
)
"""


@pytest.mark.gpu
def test_a_kernel_that_traps_in_mid_run_costs_one_interval(tmp_path):
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", LOST, tmp_path], cwd=root, capture_output=True, text=True)
    assert "DeviceError: the GPU failed (cuda" in done.stderr
    assert "the run ended after epoch 3; its checkpoint is of epoch 2" in done.stderr
    goes_on(tmp_path)


@pytest.mark.gpu
def test_what_tells_cupys_errors_apart():
    import cupy

    for error in (
        cupy.cuda.memory.OutOfMemoryError,
        cupy.cuda.runtime.CUDARuntimeError,
        cupy.cuda.driver.CUDADriverError,
    ):
        assert error.__module__.startswith("cupy")
        assert error.__name__ in ("OutOfMemoryError", "CUDARuntimeError", "CUDADriverError")


FullError = type("CUDARuntimeError", (RuntimeError,), {"__module__": "cupy_backends.cuda.api.runtime"})
NoMemoryError = type("OutOfMemoryError", (MemoryError,), {"__module__": "cupy.cuda.memory"})


@pytest.mark.parametrize(
    "error", [NoMemoryError("Out of memory"), FullError("cudaErrorMemoryAllocation: out of memory")]
)
def test_whatever_does_not_fit_is_told_as_such(error, monkeypatch):
    """Arrays by CuPy's pool, streams and graphs by CUDA itself."""
    device = types.SimpleNamespace(id=0, mem_info=(1 * GIB, 80 * GIB))
    cuda, pool = types.SimpleNamespace(Device=lambda: device), types.SimpleNamespace(total_bytes=lambda: 30 * GIB)
    monkeypatch.setitem(sys.modules, "cupy", types.SimpleNamespace(cuda=cuda, get_default_memory_pool=lambda: pool))
    assert str(in_words(error)) == (
        f"GPU 0 has no room for what is next ({error}): 1,024 of 81,920 MiB are free, 50,176 MiB are held by others"
        " (see nvidia-smi); reduce --batch-size, --hidden or the number of --seeds, or use --backend numpy"
    )


def test_other_errors_are_left_as_they_are():
    other = type("SomeError", (RuntimeError,), {"__module__": "cupy.cuda"})
    for kind in (ZeroDivisionError, other):
        with pytest.raises(kind), faults():
            raise kind


def test_memory_that_others_hold_is_named_and_a_bare_context_is_not():
    assert "2,048 MiB are held by others (see nvidia-smi); reduce" in str(no_room("GPU 0", "x", 0, 8 * GIB, 6 * GIB))
    assert "MiB are free; reduce" in str(no_room("GPU 0", "x", 0, 8 * GIB, 8 * GIB - GIB // 2))
