"""Every row of ACTIVATIONS: NumPy against the reference, derivatives, and the CUDA text compiled for the host."""

import ctypes
import shutil
import subprocess
import tracemalloc

import numpy as np
import pytest
import reference

from gpufa.basics.errors import InvalidValue
from gpufa.functions.activations import ACTIVATIONS, activation

GRID = np.concatenate([np.linspace(-30, 30, 2401), [-1e-9, 1e-9, 0.999, -0.999, 1.001]])
TOLERANCE = {"float32": 2e-6, "float64": 1e-12}
every_row = pytest.mark.parametrize("row", ACTIVATIONS.values(), ids=lambda row: row.name)
both_precisions = pytest.mark.parametrize("dtype", ["float32", "float64"])


def forms(row, a):
    """h and f' by the row's NumPy forms."""
    h, g, t = (np.full_like(a, np.nan) for _ in range(3))
    with np.errstate(all="raise", under="ignore"):
        row.value(a, h)
        row.derivative(h if row.of == "h" else a, g, t)
    return h, g


def test_every_activation_has_a_reference():
    assert ACTIVATIONS.keys() == reference.ACTIVATIONS.keys()


@every_row
@both_precisions
def test_value_and_derivative_are_the_reference(row, dtype):
    a = GRID.astype(dtype)
    f, f_prime = reference.ACTIVATIONS[row.name]
    h, g = forms(row, a)
    assert h.dtype == g.dtype == dtype
    np.testing.assert_allclose(h, [f(float(v)) for v in a], rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    kinks = np.isin(np.abs(a), [0.0, 1.0])  # a derivative at a kink is a convention
    expected = np.array([f_prime(float(v)) for v in a])
    np.testing.assert_allclose(g[~kinks], expected[~kinks], rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@every_row
def test_derivative_is_the_slope(row):
    a = np.linspace(-4.0313, 4.0571, 801)
    if not row.learns:
        assert not forms(row, a)[1].any()
        return
    slope = (forms(row, a + 1e-6)[0] - forms(row, a - 1e-6)[0]) / 2e-6
    np.testing.assert_allclose(forms(row, a)[1], slope, atol=2e-9)


@every_row
@both_precisions
def test_far_from_zero_nothing_overflows(row, dtype):
    a = np.array([-1e4, -100, 100, 1e4], dtype)
    h, g = forms(row, a)
    assert np.isfinite(h).all()
    assert np.isfinite(g).all()


def test_softplus_keeps_its_small_derivatives_in_float32():
    a = np.array([-20.0], np.float32)
    np.testing.assert_allclose(forms(ACTIVATIONS["softplus"], a)[1], np.exp(-20.0), rtol=1e-6)


@every_row
def test_value_in_place_where_the_preactivation_is_not_kept(row):
    if row.of == "h":
        a = GRID.copy()
        row.value(a, a)
        np.testing.assert_array_equal(a, forms(row, GRID)[0])


@every_row
def test_nothing_is_allocated(row):
    a = np.linspace(-3, 3, 100_000).reshape(1, -1, 100)
    h, g, t = (np.empty_like(a) for _ in range(3))
    row.value(a, h)
    row.derivative(h if row.of == "h" else a, g, t)
    tracemalloc.start()
    row.value(a, h)
    row.derivative(h if row.of == "h" else a, g, t)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < a.nbytes / 50


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """Every row's CUDA text as plain C++, a loop around it, in one shared library."""
    if not shutil.which("g++"):
        pytest.skip("no g++ to compile the CUDA text for the host with")
    source = ["#include <cmath>", "using namespace std;"]
    for row in ACTIVATIONS.values():
        for kind in ("float", "double"):
            body = f"T a = a_[i], h, g; {row.cuda} {row.cuda_derivative} h_[i] = h; g_[i] = g;"
            loop = f"for (long i = 0; i < n; i++) {{ {body} }}"
            signature = f'extern "C" void {row.name}_{kind}(long n, const {kind}* a_, {kind}* h_, {kind}* g_)'
            source.append(f"{signature} {{ typedef {kind} T; {loop} }}")
    folder = tmp_path_factory.mktemp("host")
    (folder / "rows.cpp").write_text("\n".join(source))
    command = ["g++", "-O1", "-ffp-contract=off", "-shared", "-fPIC", "-o", folder / "rows.so", folder / "rows.cpp"]
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(folder / "rows.so"))


@every_row
@both_precisions
def test_cuda_text_compiled_for_the_host_is_the_numpy_form(compiled, row, dtype):
    a = GRID.astype(dtype)
    h, g = np.empty_like(a), np.empty_like(a)
    kind = {"float32": "float", "float64": "double"}[dtype]
    getattr(compiled, f"{row.name}_{kind}")(ctypes.c_long(a.size), *(ctypes.c_void_p(v.ctypes.data) for v in (a, h, g)))
    for ours, theirs in zip((h, g), forms(row, a), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@pytest.mark.skipif(not shutil.which("nvcc"), reason="no nvcc to compile for a GPU with")
def test_cuda_text_compiles_for_a_gpu_without_spills(tmp_path):
    kernels = []
    for row in ACTIVATIONS.values():
        for kind in ("float", "double"):
            arguments = f"const {kind}* a_, const {kind}* d_, {kind}* h_, {kind}* delta_"
            body = f"T a = a_[i], h, g; {row.cuda} {row.cuda_derivative} h_[i] = h; delta_[i] = d_[i] * g;"
            index = "int i = blockIdx.x * blockDim.x + threadIdx.x;"
            kernels.append(f"__global__ void {row.name}_{kind}({arguments}) {{ typedef {kind} T; {index} {body} }}")
    (tmp_path / "rows.cu").write_text("\n".join(kernels))
    command = ["nvcc", "-arch=sm_90", "-Xptxas", "-v", "-cubin", "-o", tmp_path / "rows.cubin", tmp_path / "rows.cu"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("0 bytes spill stores, 0 bytes spill loads") == 2 * len(ACTIVATIONS)


def test_unknown_activation():
    with pytest.raises(InvalidValue, match="unknown activation 'softmax'; choose one of identity, tanh"):
        activation("softmax")
