"""Defects that gpufa had, or nearly, put back: the stand-in for a GPU, and the tests that run on it, do catch them."""

from contextlib import nullcontext, suppress

import numpy as np
import pytest
import standin
from threadlab import in_thread, near, started, steps

from gpufa.backends import get_backend
from gpufa.backends.gpu.cupydevice import CupyDevice, open_device
from gpufa.backends.gpu.lanes import Lanes
from gpufa.backends.operations.operands import Gate
from gpufa.backends.trial import trial
from gpufa.functions.activations import ACTIVATIONS

pytestmark = [pytest.mark.gpu, pytest.mark.standin_only]
SEEDS = range(12)


@pytest.fixture(autouse=True)
def afterwards():
    """What a defect left behind is not the next test's."""
    import cupy

    yield
    standin.revive()
    device = open_device(0)
    for stream in (*device._live.streams, *device._recording.streams):
        if stream.is_capturing():
            with suppress(cupy.cuda.runtime.CUDARuntimeError):
                stream.end_capture()
    cupy.cuda.Device(0).use()
    cupy.cuda.Stream.null.use()
    standin.faults()


@pytest.fixture
def used_once(monkeypatch):
    """gpufa's stream is made current when the device is opened, and not entered: where another was entered in between,
    CuPy goes back to the legacy stream."""
    device = open_device(0)
    device._device.use()
    device._live.main.use()
    monkeypatch.setattr(CupyDevice, "working", lambda self: nullcontext())


def wrong(rule, make, seeds=SEEDS):
    """Whether training goes wrong in some order of streams."""
    for seed in seeds:
        standin.seed(seed)
        try:
            near(make(), rule, 4)
        except (AssertionError, RuntimeError):
            return True
    return False


@pytest.mark.usefixtures("used_once")
def test_a_stream_that_is_used_but_not_entered():
    assert wrong("dfa", lambda: steps(started("dfa", backend="cupy"), 4))


@pytest.mark.usefixtures("used_once")
def test_the_trial_of_a_gpu_sees_it():
    """In some order of streams: which of them run first is drawn."""

    def judged(seed):
        standin.revive()
        standin.seed(seed)
        return trial(lambda: open_device(0))

    assert any("come out wrong" in judged(seed) for seed in SEEDS)


@pytest.mark.filterwarnings("ignore:the training step can't be recorded")
@pytest.mark.usefixtures("used_once")
def test_a_thread_whose_stream_is_another():
    def trained():
        trainer = started("dfa", backend="cupy")
        in_thread(lambda: steps(trainer, 4))
        return trainer

    assert wrong("dfa", trained)


@pytest.mark.filterwarnings("ignore:the training step can't be recorded")
def test_a_gpu_that_is_not_current(monkeypatch):
    import cupy

    if cupy.cuda.runtime.getDeviceCount() < 2:
        pytest.skip("one stand-in")

    def trained():
        first = steps(started("dfa", backend="cupy"), 1)
        with monkeypatch.context() as patch:
            patch.setattr(CupyDevice, "working", lambda self: nullcontext())
            cupy.cuda.Device(1).use()
            return steps(first, 3)

    assert wrong("dfa", trained, [0])


def test_a_constant_that_other_branches_do_not_wait_for(monkeypatch):
    monkeypatch.setattr(CupyDevice, "_for_all_branches", lambda self, array: array)
    assert wrong("bp", lambda: steps(started("bp", backend="cupy", dtype="float64"), 4), range(40))


def test_a_branch_that_the_main_stream_does_not_wait_for(monkeypatch):
    """Eagerly; where it is recorded, CUDA itself tells of it."""

    def unjoined(self, jobs):
        for branch, job in enumerate(jobs):
            with self._on(branch % len(self.streams)):
                job()

    monkeypatch.setattr(Lanes, "parallel", unjoined)
    assert wrong("bp", lambda: steps(started("bp", backend="cupy"), 4))


def test_a_capture_that_ctrl_c_leaves_open(monkeypatch):
    def captured(self, step):
        main = self._recording.main
        with main:
            main.begin_capture()
            step()

    trainer = steps(started("dfa", backend="cupy"), 1)
    real = type(trainer.backend).parallel

    def stop(self, *arguments):
        real(self, *arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(CupyDevice, "_captured", captured)
        patch.setattr(type(trainer.backend), "parallel", stop)
        with pytest.raises(KeyboardInterrupt):
            trainer.step()
    assert open_device(0)._recording.main.is_capturing()
    with pytest.warns(UserWarning, match=r"can't be recorded \(cudaErrorIllegalState"):
        steps(trainer, 1)


@pytest.mark.parametrize("barrier", [True, False])
def test_a_kernel_without_its_barrier(barrier, monkeypatch, threads_in):
    """It comes out wrong in some order of a block's threads, if not in all."""
    launch, backend = CupyDevice.launch, get_backend("cupy")

    def without(self, kernel, *rest):
        launch(self, kernel._replace(source=kernel.source.replace("__syncthreads();", "")), *rest)

    if not barrier:
        monkeypatch.setattr(CupyDevice, "launch", without)
    rng = np.random.default_rng(0)
    B, e, z = rng.normal(size=(1, 40, 10)), rng.normal(size=(1, 10, 8)), np.zeros((1, 40, 8))
    right = []
    for order in ("forward", "reverse", "random"):
        threads_in(order)
        found = backend.zeros(z.shape, "float64")
        gate = Gate(ACTIVATIONS["tanh"], backend.to_device(z), None, slice(0, 40))
        backend.feedback_delta(backend.to_device(B), backend.to_device(e), [gate], out=found)
        right.append(np.allclose(backend.to_host(found), B @ e))
    assert all(right) == barrier
