"""Pools by machine code are those of NumPy: any number of samples, windows that overlap, maps that are left over."""

import numpy as np
import pytest

from gpufa.backends.cpu.backend import NumpyBackend
from gpufa.backends.cpu.machine.compiler import compiler
from gpufa.backends.operations.places import Places, Windows

pytestmark = pytest.mark.skipif(not compiler(), reason="no C++ compiler")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("m", [1, 5, 64, 130])
@pytest.mark.parametrize("windows", [Windows((6, 7), (2, 2), (2, 2)), Windows((6, 7), (3, 2), (1, 2))])
def test_a_signal_goes_down_as_by_numpy(windows, m, dtype):
    draw, backend = np.random.default_rng(m), NumpyBackend()
    x = draw.integers(0, 4, (2, 3, *windows.size, m)).astype(dtype)  # several are the largest of many a window
    delta = draw.normal(size=(2, 3, *windows.grid, m)).astype(dtype)
    y, found, expected = np.empty_like(delta), np.full_like(x, np.nan), np.empty_like(x)
    backend.max_pool(x, windows, out=y)
    backend.max_unpool(delta, x, y, windows, out=found)
    Places.max_unpool(backend, delta, x, y, windows, out=expected)
    np.testing.assert_allclose(found, expected, rtol=1e-6 if dtype == "float32" else 1e-14, atol=1e-6)
    shared = np.empty((2, *x.shape[1:]), dtype)  # the replicas see the same maps, which are read as they are
    backend.max_unpool(delta, x[0], y, windows, out=shared)
    Places.max_unpool(backend, delta, x[0], y, windows, out=expected)
    np.testing.assert_array_equal(shared, expected)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("m", [1, 5, 64, 130])
@pytest.mark.parametrize("windows", [Windows((6, 7), (2, 2), (2, 2)), Windows((6, 7), (3, 2), (1, 2))])
def test_the_largest_are_numpys(windows, m, dtype, threads, monkeypatch):
    monkeypatch.setattr("gpufa.backends.cpu.machine.pools.threads", lambda work: threads)
    draw, backend = np.random.default_rng(m), NumpyBackend()
    x = draw.normal(size=(2, 3, *windows.size, m)).astype(dtype)
    x[0, 0, 1, 1], x[0, 1, 0, 0] = np.nan, -np.inf  # which spread, and don't
    found, expected = (np.empty((2, 3, *windows.grid, m), dtype) for _ in range(2))
    backend.max_pool(x, windows, out=found)
    Places.max_pool(backend, x, windows, out=expected)
    np.testing.assert_array_equal(found, expected)
    for y in (found, expected):  # the replicas see the same maps
        y.fill(np.nan)
    backend.max_pool(x[0], windows, out=found)
    Places.max_pool(backend, x[0], windows, out=expected)
    np.testing.assert_array_equal(found, expected)
