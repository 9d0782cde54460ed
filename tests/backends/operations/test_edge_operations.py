"""Sums over a graph's edges, of both backends against SciPy's product: any units, replicas, and rows that lie in a
slab, with bias and without, by one thread and by many, and without a compiler."""

import numpy as np
import pytest
from operationlab import draw, every_dtype, near, slab
from scipy import sparse

from gpufa.backends.cpu.backend import NumpyBackend
from gpufa.backends.cpu.machine import edges
from gpufa.backends.operations.edges import Sparse

SIZES = [(1, 1, 1), (2, 5, 12), (3, 17, 40), (1, 9, 300), (2, 24, 33)]
every_size = pytest.mark.parametrize(("replicas", "units", "nodes"), SIZES)


def matrix(nodes, dtype):
    """Random, each row with an entry, some of them 0 alone."""
    made = sparse.random(nodes, nodes, 0.2, "csr", random_state=nodes) + sparse.eye(nodes)
    return sparse.csr_matrix(made, dtype=dtype)


def on(backend, A):
    place = backend.to_device
    return Sparse(place(A.indptr, "int64"), place(A.indices, "int64"), place(A.data))


def expected(x, A, b=None):
    made = np.stack([(A @ one.T).T for one in x])
    return made if b is None else made + b[..., None]


@every_dtype
@every_size
def test_sums_are_scipys(backend, replicas, units, nodes, dtype):
    A, x, b = matrix(nodes, dtype), draw(replicas, units, nodes, dtype=dtype), draw(replicas, units, dtype=dtype)
    for bias in (None, b):
        out = slab(backend, np.full_like(x, 7))
        backend.neighbours(slab(backend, x), on(backend, A), out=out, b=None if bias is None else backend.to_device(b))
        near(backend, out, expected(x, A, bias), dtype)


@every_dtype
def test_replicas_may_share_their_input(backend, dtype):
    A, x = matrix(30, dtype), draw(6, 30, dtype=dtype)
    out = backend.to_device(np.full((3, 6, 30), 7, dtype))
    backend.neighbours(backend.to_device(x), on(backend, A), out=out)
    near(backend, out, np.tile(expected(x[None], A), (3, 1, 1)), dtype)


@every_dtype
@every_size
def test_without_a_compiler_they_are_the_same(monkeypatch, replicas, units, nodes, dtype):
    monkeypatch.setattr(edges, "adder", lambda dtype: None)
    monkeypatch.setattr(edges, "PIECE", 100)
    backend, A = NumpyBackend(), matrix(nodes, dtype)
    x, b, out = draw(replicas, units, nodes, dtype=dtype), draw(replicas, units, dtype=dtype), None
    out = np.full_like(x, 7)
    backend.neighbours(x, on(backend, A), out=out, b=b)
    near(backend, out, expected(x, A, b), dtype)


@pytest.mark.parametrize("parts", [2, 3, 5])
def test_any_number_of_threads_makes_the_same_bits(monkeypatch, parts):
    backend, A = NumpyBackend(), matrix(50, "float32")
    x, found = draw(1, 37, 50, dtype="float32"), []
    for many in (1, parts):
        monkeypatch.setattr(edges, "threads", lambda nanoseconds, many=many: many)
        out = np.empty_like(x)
        backend.neighbours(x, on(backend, A), out=out)
        found.append(out)
    np.testing.assert_array_equal(*found)


def test_what_is_no_number_goes_to_neighbours_alone(backend):
    A, x = matrix(40, "float64"), draw(1, 9, 40)
    x[0, 3, 5] = np.nan
    out = backend.to_device(np.zeros_like(x))
    backend.neighbours(backend.to_device(x), on(backend, A), out=out)
    found = np.isnan(backend.to_host(out))
    assert np.array_equal(found[0, 3], (A.toarray()[:, 5] != 0))
    assert not np.delete(found[0], 3, axis=0).any()


def test_a_planted_mistake_is_seen(either):
    """Sums by columns and not by rows."""
    A, x = matrix(20, "float64"), draw(1, 3, 20)
    out = either.to_device(np.zeros_like(x))
    either.neighbours(either.to_device(x), on(either, sparse.csr_matrix(A.T)), out=out)
    with pytest.raises(AssertionError):
        near(either, out, expected(x, A))
