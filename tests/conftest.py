"""Fixtures for all tests, and the GPU that those marked `gpu` run on.

GPUFA_TEST_GPU=real|standin|none says which one; where it isn't set, a real one if there is one, else the stand-in
(tests/standin) where it can be built. All other tests see no GPU.
"""

import ctypes
import os
from contextlib import suppress
from importlib.util import find_spec

import numpy as np
import pytest
import sampling
import standin
from standin import signatures

STANDIN = "standin"


def real_gpus():
    """How many the driver knows."""
    count = ctypes.c_int(0)
    with suppress(OSError):
        driver = ctypes.CDLL("libcuda.so.1")
        if driver.cuInit(0) == 0:
            driver.cuDeviceGetCount(ctypes.byref(count))
    return count.value


def choice():
    """(which GPU the tests run on, why there is none). Raises UsageError for a choice that there isn't."""
    wanted = os.environ.get("GPUFA_TEST_GPU", "auto")
    if wanted not in ("auto", "real", STANDIN, "none"):
        raise pytest.UsageError(f"GPUFA_TEST_GPU={wanted} is none of real, standin, none and auto")
    if find_spec("cupy") is None:
        return "none", "CuPy is not installed (pip install '.[standin]' where there is no GPU)"
    if wanted == "real" or (wanted == "auto" and real_gpus()):
        shared = "PYTEST_XDIST_WORKER" in os.environ
        return ("none", "several processes would share the GPU: run pytest -m gpu in one") if shared else ("real", "")
    if wanted == "none":
        return "none", "GPUFA_TEST_GPU=none"
    why = standin.why_not()
    return (STANDIN, "") if not why else ("none", f"no GPU, and no stand-in for one: {why}")


GPU, WHY_NONE = choice()
if GPU == STANDIN:  # before anything imports CuPy
    standin.install()


def pytest_report_header():
    return f"GPU: {GPU}{WHY_NONE and f' ({WHY_NONE})'}"


def pytest_collection_modifyitems(items):
    sampling.leave_out(items)
    for item in items:
        if "gpu" not in item.keywords:
            continue
        beyond = item.get_closest_marker("beyond_standin")
        if GPU == "none":
            item.add_marker(pytest.mark.skip(WHY_NONE))
        elif GPU == STANDIN and beyond:
            item.add_marker(pytest.mark.skip(f"the stand-in has no {beyond.args[0]}"))
        elif GPU == "real" and "standin_only" in item.keywords:
            item.add_marker(pytest.mark.skip("steers the stand-in; what a GPU does then, others test"))


@pytest.fixture(scope="session", autouse=True)
def undrawn():
    """Runs end without their curves, which take longer to draw than most runs of these tests take. Gives what draws
    them."""
    from gpufa import plots

    draw, plots.curves = plots.curves, lambda *_: None
    yield draw
    plots.curves = draw


@pytest.fixture
def drawn(undrawn, monkeypatch):
    """Runs end with their curves, as they do outside of tests."""
    from gpufa import plots

    monkeypatch.setattr(plots, "curves", undrawn)


@pytest.fixture(autouse=True)
def gpu_as_marked(request, monkeypatch):
    """Only tests marked `gpu` see one. There, each launch is held to its kernel's signature; on the stand-in, whatever
    it found wrong fails them."""
    if "gpu" not in request.keywords:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
        yield
        return
    from gpufa.backends.gpu.cupydevice import CupyDevice

    launch = CupyDevice.launch

    def checked(self, kernel, grid, block, arguments):
        signatures.check(kernel, arguments)
        launch(self, kernel, grid, block, arguments)

    monkeypatch.setattr(CupyDevice, "launch", checked)
    if GPU == STANDIN:
        standin.faults()
    yield
    if GPU == STANDIN:
        standin.revive()
        assert standin.faults() == []


@pytest.fixture
def fresh():
    """No machine code is remembered, before the test and behind it: what can't be made in it would be missing in all
    others of this process."""
    from machinelab import forget

    forget()
    yield
    forget()


@pytest.fixture
def threads_in():
    """Sets the order of a block's threads, where it can be: on the stand-in."""
    if GPU != STANDIN:
        yield lambda order: None
        return
    yield standin.order
    standin.order(None)


@pytest.fixture
def standin_seed():
    """Sets what the stand-in draws the order of streams and graphs from; on a GPU it does nothing."""
    return standin.seed if GPU == STANDIN else lambda seed: None


@pytest.fixture
def standin_or():
    """An amount of work for a GPU, or less of it for the stand-in, which is slow."""
    return lambda amount, less: less if GPU == STANDIN else amount


@pytest.fixture
def same_bits(backend):
    """Compares two arrays of a name to the bit. On a GPU itself to rounding: cuBLAS chooses how it adds up by how many
    nets it multiplies at once, and a * b + c is fused in one formula and not in another, as the compiler likes it."""
    if backend == "cupy" and GPU == "real":
        return lambda found, wanted, name: np.testing.assert_allclose(found, wanted, 1e-12, 1e-14, err_msg=name)
    return lambda found, wanted, name: np.testing.assert_array_equal(found, wanted, err_msg=name)


@pytest.fixture
def faults_expected():
    """For tests that do what the stand-in calls a fault."""
    yield
    if GPU == STANDIN:
        standin.faults()


@pytest.fixture
def launched(monkeypatch):
    """The names of gpufa's kernels, in the order in which they are launched."""
    from gpufa.backends.gpu.cupydevice import CupyDevice

    names, launch = [], CupyDevice.launch

    def noted(self, kernel, *rest):
        names.append(kernel.name)
        launch(self, kernel, *rest)

    monkeypatch.setattr(CupyDevice, "launch", noted)
    return names


CUPY = pytest.param("cupy", marks=pytest.mark.gpu)


@pytest.fixture(params=["numpy", CUPY])
def backend(request):
    """The name of a backend: NumPy, then the GPU's."""
    return request.param
