"""Norms by machine code are those of NumPy, over rows and over columns, for any number of columns and threads, and of
what is no number."""

import numpy as np
import pytest

from gpufa.backends.cpu.backend import NumpyBackend
from gpufa.backends.cpu.machine import norms
from gpufa.backends.cpu.machine import threads as machine_threads
from gpufa.backends.cpu.machine.compiler import compiler
from gpufa.backends.operations.norms import Moments, Norms

pytestmark = pytest.mark.skipif(not compiler(), reason="no C++ compiler")
R, ROWS = 2, 5


def drawn(columns, dtype):
    draw = np.random.default_rng(columns)
    x, delta = (draw.normal(3, 2, (R, ROWS, columns)).astype(dtype) for _ in range(2))
    gain, shift = (draw.normal(size=(R, ROWS)).astype(dtype) for _ in range(2))
    return x, delta, gain, shift


def both_ways(does, x, delta, gain, shift, axis=-1):
    """z, y, mean, variance, factor and what comes down."""
    shape = (R, ROWS, 1) if axis == -1 else (R, 1, x.shape[2])
    backend, moments = NumpyBackend(), Moments(*(np.full(shape, 7, x.dtype) for _ in range(3)))
    z, y, down = (np.full_like(x, 7) for _ in range(3))
    does.norm(backend, x, axis, 0.25, gain, shift, moments, z, y)
    does.norm_back(backend, delta, axis, gain, moments.factor, z, down)
    return z, y, *moments, down


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("columns", [1, 63, 64, 200, 4096, 9001])
@pytest.mark.parametrize("axis", [-1, -2])
def test_they_are_numpys(axis, columns, dtype, threads, monkeypatch):
    for module in (norms, machine_threads):
        monkeypatch.setattr(module, "threads", lambda work: threads)
    given = drawn(columns, dtype)
    tolerance = 2e-5 if dtype == "float32" else 1e-13
    for found, expected in zip(*(both_ways(does, *given, axis=axis) for does in (NumpyBackend, Norms)), strict=True):
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def test_what_is_no_number_shows():
    given = drawn(70, "float32")
    given[0][0, 0, 3], given[0][0, 1, 4], given[0][1, 2] = np.nan, np.inf, 2.5
    with np.errstate(all="ignore"):
        for axis in (-1, -2):
            found, expected = (both_ways(does, *given, axis=axis) for does in (NumpyBackend, Norms))
            for one, other in zip(found, expected, strict=True):
                np.testing.assert_array_equal(np.isnan(one), np.isnan(other))
            assert axis == -2 or (found[0][1, 2] == 0).all()


def test_the_machine_code_is_used(monkeypatch):
    monkeypatch.setattr(norms.Norms, "norm", None)
    monkeypatch.setattr(norms.Norms, "norm_back", None)
    given = drawn(70, "float32")
    both_ways(NumpyBackend, *given)
    both_ways(NumpyBackend, *given, axis=-2)
    with pytest.raises(TypeError):  # with gaps between the columns
        both_ways(NumpyBackend, *(a[..., ::2] if a.ndim > 2 else a for a in given))
