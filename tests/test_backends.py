"""The operations of the backends, each against plain NumPy; why_no_gpu; who may import CuPy."""

import ast
import itertools
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import gpufa
from gpufa import backends
from gpufa.backends import get_backend, why_no_gpu
from gpufa.backends.base import Backend
from gpufa.backends.numpy import NumpyBackend

PACKAGE = Path(gpufa.__file__).parent
rng = np.random.default_rng(0)


class Generic(Backend):
    """The operations as the base class spells them."""

    name, xp = "generic", np

    def to_device(self, array, dtype=None):
        return np.ascontiguousarray(array, dtype)

    def to_host(self, array):
        return np.asarray(array)


def layouts(shape, dtype):
    """One random matrix as row-major, column-major, row slice, column slice, and every second row."""
    m, n = shape[-2:]
    lead = shape[:-2]
    yield rng.normal(size=shape).astype(dtype)
    yield rng.normal(size=(*lead, n, m)).astype(dtype).swapaxes(-1, -2)
    yield rng.normal(size=(*lead, m + 3, n)).astype(dtype)[..., 1 : m + 1, :]
    yield rng.normal(size=(*lead, m, n + 3)).astype(dtype)[..., 2 : n + 2]
    yield rng.normal(size=(*lead, 2 * m, n)).astype(dtype)[..., ::2, :]


@pytest.mark.parametrize("backend", [NumpyBackend(), Generic()], ids=lambda b: b.name)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("m", "k", "n"), [(5, 7, 3), (1, 4, 6), (4, 1, 1)])
@pytest.mark.parametrize("replicas", [(), (2,)])
def test_gemm_takes_every_layout(backend, dtype, m, k, n, replicas):
    tolerance = 1e-5 if dtype == "float32" else 1e-13
    for a, b, out in itertools.product(*(layouts((*replicas, *s), dtype) for s in ((m, k), (k, n), (m, n)))):
        for alpha, beta in ((1.0, 0.0), (-0.5, 1.0), (2.0, 0.25)):
            expected = alpha * (a.astype("f8") @ b.astype("f8")) + beta * out
            backend.gemm(a, b, out=out, alpha=alpha, beta=beta)
            np.testing.assert_allclose(out, expected, rtol=tolerance, atol=tolerance)


def test_gemm_broadcasts_what_all_replicas_share():
    w, x, out = rng.normal(size=(3, 4, 5)), rng.normal(size=(6, 5)), np.empty((3, 4, 6))
    NumpyBackend().gemm(w, x.T, out=out)
    np.testing.assert_allclose(out, w @ x.T)


def test_gemm_on_empty_arrays_keeps_beta():
    out = np.ones((2, 3))
    NumpyBackend().gemm(np.empty((2, 0)), np.empty((0, 3)), out=out, beta=1.0)
    np.testing.assert_array_equal(out, 1)


def test_gemm_makes_no_temporaries():
    backend = NumpyBackend()
    a, b, out = (rng.normal(size=(300, 300)) for _ in range(3))
    backend.gemm(a, b.T, out=out, alpha=0.1, beta=1.0)
    tracemalloc.start()
    backend.gemm(a, b.T, out=out, alpha=0.1, beta=1.0)
    backend.row_sums(a[None], out=out[None, 0], beta=1.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8000


@pytest.mark.parametrize("backend", [NumpyBackend(), Generic()], ids=lambda b: b.name)
def test_row_sums(backend):
    for delta in layouts((2, 5, 4), "float64"):
        out = rng.normal(size=(2, 5))
        expected = -0.5 * delta.sum(axis=-1) + 0.25 * out
        backend.row_sums(delta, out=out, alpha=-0.5, beta=0.25)
        np.testing.assert_allclose(out, expected, rtol=1e-13)


@pytest.mark.parametrize("backend", [NumpyBackend(), Generic()], ids=lambda b: b.name)
def test_gather_and_one_hot(backend):
    rows, index = rng.normal(size=(9, 3)), np.array([[8, 0, 0, 4], [1, 2, 3, 4]])
    out = np.empty((2, 4, 3))
    backend.gather(rows, index, out=out)
    np.testing.assert_array_equal(out, rows[index])
    targets = np.empty((2, 3, 4), "f4")
    labels = np.array([[0, 2, 1, 1], [2, 2, 0, 1]])
    backend.one_hot(labels, out=targets)
    np.testing.assert_array_equal(targets, np.eye(3)[labels].swapaxes(1, 2))


@pytest.mark.parametrize("backend", [NumpyBackend(), Generic()], ids=lambda b: b.name)
def test_norm_is_summed_precisely(backend):
    wide = rng.normal(size=300_001).astype(np.float32)
    np.testing.assert_allclose(backend.norm(wide), np.linalg.norm(wide.astype("f8")), rtol=1e-6)


def test_unknown_backend():
    with pytest.raises(gpufa.InvalidValue, match="unknown backend 'torch'; choose one of auto, numpy, cupy"):
        get_backend("torch")


def test_cupy_without_a_gpu_says_why():
    reason = why_no_gpu()
    if not reason:
        pytest.skip("this machine has a usable GPU")
    with pytest.raises(gpufa.BackendUnavailable, match="backend 'cupy' can't run here: ") as error:
        get_backend("cupy")
    assert reason in str(error.value)
    assert get_backend("auto").name == "numpy"


def fake_cupy(monkeypatch, tmp_path, text):
    (tmp_path / "cupy.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "cupy", raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    backends.why_no_gpu.cache_clear()
    reason = why_no_gpu()
    backends.why_no_gpu.cache_clear()
    monkeypatch.delitem(__import__("sys").modules, "cupy", raising=False)
    return reason


RUNTIME = """
import types, numpy as np
def count(): {count}
cuda = types.SimpleNamespace(runtime=types.SimpleNamespace(getDeviceCount=count))
arange = np.arange
def ElementwiseKernel(*a): {kernel}
"""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("raise OSError('libcuda is too old\\nmore')", r"CuPy can't be imported \(libcuda is too old\)"),
        (
            RUNTIME.format(count="raise RuntimeError('no driver')", kernel="pass"),
            r"driver does not answer \(no driver\)",
        ),
        (RUNTIME.format(count="return 0", kernel="pass"), "finds no CUDA device"),
        (
            RUNTIME.format(count="return 1", kernel="raise RuntimeError('no nvrtc')"),
            r"does not compile and run \(no nvrtc\)",
        ),
        (RUNTIME.format(count="return 1", kernel="return lambda x: None"), "a small product fails"),
        (RUNTIME.format(count="return 1", kernel="return lambda x: x"), "came out as 14.0 instead of 56"),
        (RUNTIME.format(count="return 1", kernel="return lambda x: x + x"), "^$"),
    ],
)
def test_every_reason_against_a_gpu(monkeypatch, tmp_path, text, reason):
    import re

    assert re.search(reason, fake_cupy(monkeypatch, tmp_path, text))


def test_a_hidden_gpu_is_told(monkeypatch, tmp_path):
    (tmp_path / "cupy.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    backends.why_no_gpu.cache_clear()
    assert why_no_gpu() == "CUDA_VISIBLE_DEVICES hides every GPU"
    backends.why_no_gpu.cache_clear()


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


def test_imports_go_one_way():
    """Rules know only the tables and each other; backends only the formulas; nothing below the loop knows the loop."""
    allowed = {
        "backends": {
            "..activations",
            "..losses",
            "..optimizers",
            "..random",
            "..errors",
            "..",
            ".base",
            ".numpy",
            ".cupy",
        },
        "rules": {"..errors", "..random", "..sizes", "..passes", ".base", ".bp", ".fa", ".dfa", ".ifa"},
    }
    for room, known in allowed.items():
        for path in (PACKAGE / room).glob("*.py"):
            assert {n for n in imports(path) if n.startswith(".")} <= known, path
    above = {".trainer", ".step", ".updates", ".folder", ".runs", ".summary", ".storage", ".checkpoint", ".cli"}
    for name in (
        "network",
        "passes",
        "arena",
        "sizes",
        "alignment",
        "evaluation",
        "activations",
        "losses",
        "optimizers",
    ):
        assert not set(imports(PACKAGE / f"{name}.py")) & above, name


@pytest.mark.parametrize("backend", [NumpyBackend(), Generic()], ids=lambda b: b.name)
def test_layer(backend):
    from gpufa.activations import ACTIVATIONS

    W, x, b = rng.normal(size=(2, 4, 5)), rng.normal(size=(2, 6, 5)), rng.normal(size=(2, 4))
    expected = W @ x.swapaxes(1, 2) + b[..., None]
    for activation in (None, ACTIVATIONS["gelu"], ACTIVATIONS["tanh"]):
        a, h = np.empty((2, 4, 6)), np.empty((2, 4, 6))
        backend.layer(W, x.swapaxes(1, 2), b, activation, a=a, h=h)
        np.testing.assert_allclose(a, expected)
        if activation:
            out = np.empty_like(a)
            activation.value(expected, out)
            np.testing.assert_allclose(h, out)
