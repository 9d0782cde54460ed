"""Matrix products of both backends against plain NumPy: every layout, layers, replicas."""

import itertools
import tracemalloc

import numpy as np
import pytest
from operationlab import ALL, draw, every_dtype, near

from gpufa.backends.cpu.backend import NumpyBackend


def layouts(backend, x):
    """The matrices as row-major, column-major, row slice, column slice, and every second row."""
    *lead, m, n = x.shape
    every = [slice(None)] * len(lead)
    shapes = ((m, n), (m + 3, n), (m, n + 3), (2 * m, n))
    places = ((ALL, ALL), (slice(1, m + 1), ALL), (ALL, slice(2, n + 2)), (slice(None, None, 2), ALL))
    for shape, place in zip(shapes, places, strict=True):
        array = backend.zeros((*lead, *shape), x.dtype)[(*every, *place)]
        array[...] = backend.to_device(x)
        yield array
    array = backend.zeros((*lead, n, m), x.dtype).swapaxes(-1, -2)
    array[...] = backend.to_device(x)
    yield array


@every_dtype
@pytest.mark.parametrize(("m", "k", "n"), [(5, 7, 3), (1, 4, 6), (4, 1, 1)])
@pytest.mark.parametrize("replicas", [(), (2,)])
def test_gemm_takes_every_layout(either, dtype, m, k, n, replicas):
    a, b, c = (draw(*replicas, *shape, dtype=dtype) for shape in ((m, k), (k, n), (m, n)))
    for left, right, out in itertools.product(*(layouts(either, x) for x in (a, b, c))):
        for alpha, beta in ((1.0, 0.0), (-0.5, 1.0), (2.0, 0.25)):
            for factor in (alpha, either.to_device(np.array([alpha], dtype))):
                out[...] = either.to_device(c)
                either.gemm(left, right, out=out, alpha=factor, beta=beta)
                near(either, out, alpha * (a.astype("f8") @ b.astype("f8")) + beta * c, dtype)


def test_gemm_of_layers_and_replicas(either):
    for lead in ((2, 3), (3, 2), (1, 4)):
        a, b = draw(*lead, 4, 5), draw(*lead, 6, 5)
        out = either.zeros((*lead, 4, 6), "float64")
        either.gemm(either.to_device(a), either.to_device(b).swapaxes(-1, -2), out=out)
        near(either, out, a @ b.swapaxes(-1, -2))


def test_gemm_broadcasts_what_all_replicas_share(either):
    w, x = draw(3, 4, 5), draw(6, 5)
    out = either.zeros((3, 4, 6), "float64")
    either.gemm(either.to_device(w), either.to_device(x).T, out=out)
    near(either, out, w @ x.T)


def test_gemm_on_empty_arrays_keeps_beta(either):
    out = either.to_device(np.ones((2, 3)))
    either.gemm(either.zeros((2, 0), "float64"), either.zeros((0, 3), "float64"), out=out, beta=1.0)
    near(either, out, np.ones((2, 3)))


def test_gemm_makes_no_temporaries():
    backend = NumpyBackend()
    a, b, out = (draw(300, 300) for _ in range(3))
    backend.gemm(a, b.T, out=out, alpha=0.1, beta=1.0)
    tracemalloc.start()
    backend.gemm(a, b.T, out=out, alpha=0.1, beta=1.0)
    backend.row_sums(a[None], out=out[None, 0], beta=1.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8000
