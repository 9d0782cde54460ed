"""Which backend is taken and why; who may import CuPy."""

import ast
import ctypes
import re
import sys
import warnings
from pathlib import Path

import pytest

import gpufa
from gpufa import backends
from gpufa.backends import get_backend, why_no_gpu
from gpufa.backends.gpu.cublas import load_cublas
from gpufa.backends.gpu.cupydevice import open_device
from gpufa.backends.gpu.device import no_room
from gpufa.backends.trial import trial
from gpufa.basics.errors import DeviceError

PACKAGE = Path(gpufa.__file__).parent


def test_unknown_backend():
    with pytest.raises(gpufa.InvalidValue, match="unknown backend 'torch'; choose one of auto, numpy, cupy"):
        get_backend("torch")


def test_cupy_without_a_gpu_says_why():
    reason = why_no_gpu()
    with pytest.raises(gpufa.BackendUnavailable, match="backend 'cupy' can't run here: ") as error:
        get_backend("cupy")
    assert reason in str(error.value)
    assert get_backend("auto").name == "numpy"


@pytest.fixture
def fake_cupy(monkeypatch, tmp_path):
    """Let `import cupy` find a module of this text, for one test."""

    def write(text):
        (tmp_path / "cupy.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)

    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    monkeypatch.setattr(backends, "_tried", set())
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    yield write
    sys.modules.pop("cupy", None)  # what was there comes back


RUNTIME = """
import types
def count(): {count}
cuda = types.SimpleNamespace(runtime=types.SimpleNamespace(getDeviceCount=count))
"""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "raise OSError('libcuda is too old\\nmore')",
            "CuPy can't be imported (libcuda is too old): install it anew",
        ),
        (
            RUNTIME.format(count="raise RuntimeError('no driver')"),
            "the CUDA driver does not answer (no driver): install or update NVIDIA's driver",
        ),
        (RUNTIME.format(count="return 0"), "no GPU is found"),
    ],
)
@pytest.mark.filterwarnings("ignore:the CPU is used in place of the GPU")
def test_every_reason_against_a_gpu(fake_cupy, text, reason):
    fake_cupy(text)
    assert why_no_gpu() == reason
    assert get_backend("auto").name == "numpy"
    with pytest.raises(gpufa.BackendUnavailable, match=re.escape(reason)):
        get_backend("cupy")


def test_a_gpu_that_is_there_and_does_not_work_is_told(fake_cupy, monkeypatch):
    fake_cupy(RUNTIME.format(count="return 1"))
    monkeypatch.setattr("gpufa.backends.trial.trial", lambda open_it: "GPU 0 is full")
    with pytest.warns(gpufa.GpufaWarning, match="the CPU is used in place of the GPU: GPU 0 is full"):
        assert get_backend("auto").name == "numpy"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert get_backend("numpy").name == "numpy"
    monkeypatch.setattr("gpufa.backends.trial.trial", lambda open_it: "")
    assert why_no_gpu() == ""  # asked again


def test_a_gpu_that_is_not_there(fake_cupy):
    fake_cupy(RUNTIME.format(count="return 1"))
    for name in ("cupy", "auto"):
        with pytest.raises(gpufa.BackendUnavailable, match="no GPU 7, of 1 counted from 0: change --device"):
            get_backend(name, device=7)
    assert get_backend("numpy", device=7).name == "numpy"


def test_a_hidden_gpu_is_told(fake_cupy, monkeypatch):
    fake_cupy("")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert why_no_gpu() == "CUDA_VISIBLE_DEVICES hides every GPU: unset it"


def fails(*arguments):
    raise RuntimeError("as if\nmore")


def full():
    raise no_room("GPU 0", "x", 5 << 20, 80 << 20, 0)


class Faulty:
    """A device of which some methods do something else."""

    def __init__(self, **faults):
        self.device, self.faults = open_device(0), faults

    def __getattr__(self, name):
        return self.faults.get(name) or getattr(self.device, name)


@pytest.mark.gpu
@pytest.mark.parametrize(
    ("open_it", "reason"),
    [
        (Faulty, "^$"),
        (fails, r"the GPU or cuBLAS can't be opened \(as if\): install CuPy with its libraries"),
        (full, r"^GPU 0 has no room for x: 5 of 80 MiB are free: end what else runs there, or take another by"),
        (lambda: Faulty(launch=fails), r"a small kernel does not compile and run \(as if\): update NVIDIA's driver"),
        (lambda: Faulty(gemm=fails), r"a small training step fails \(as if\): install CuPy with its libraries"),
        (lambda: Faulty(gemm=lambda *a: None), "come out wrong"),
        (lambda: Faulty(launch=lambda *a: None), "come out wrong"),
        (lambda: Faulty(parallel=lambda jobs: None), "come out wrong"),
        (lambda: Faulty(record=lambda step: lambda: None), "come out wrong"),
    ],
)
def test_the_trial_of_a_device(open_it, reason):
    assert re.search(reason, trial(open_it))


def test_cublas_that_is_nowhere_is_told(monkeypatch):
    def absent(name, *arguments, **options):
        raise OSError(f"no {name}")

    monkeypatch.setitem(sys.modules, "cuda.pathfinder", None)
    monkeypatch.setattr(ctypes, "CDLL", absent)
    with pytest.raises(DeviceError, match=r"^cuBLAS is not found$"):
        load_cublas()


def test_a_precision_that_needs_a_gpu(fake_cupy, monkeypatch):
    fake_cupy(RUNTIME.format(count="return 0"))
    with pytest.raises(
        gpufa.InvalidValue, match="precision 'tf32' needs a GPU, but no GPU is found; leave --precision"
    ):
        get_backend("auto", precision="tf32")
    with pytest.raises(gpufa.InvalidValue, match="'tf32' needs a GPU, but backend numpy was asked for"):
        get_backend("numpy", precision="tf32")
    with pytest.raises(gpufa.InvalidValue, match="unknown precision 'fp8'; choose one of fp32, tf32"):
        get_backend("numpy", precision="fp8")


@pytest.mark.gpu
def test_a_precision_on_a_gpu():
    assert get_backend("auto", precision="tf32").describe()["TF32"].startswith("yes")
    with pytest.raises(gpufa.InvalidValue, match="precision 'tf32' is for dtype float32, not float64"):
        gpufa.Network([3, 2], precision="tf32", dtype="float64")


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def test_cupy_is_imported_in_the_backends_alone():
    found = {
        p.relative_to(PACKAGE).parts[0]
        for p in PACKAGE.rglob("*.py")
        if any(n.split(".")[0] == "cupy" for n in imports(p))
    }
    assert found == {"backends"}
    backends = PACKAGE / "backends"
    inside = {p.relative_to(backends).as_posix() for p in backends.rglob("*.py") if "cupy" in set(imports(p))}
    assert inside == {"__init__.py", "gpu/cupydevice.py", "gpu/faults.py"}  # why there is none; a device; its faults
