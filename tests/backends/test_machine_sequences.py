"""Turning over and look-ups by machine code are those of NumPy, for any sizes and threads."""

import numpy as np
import pytest

from gpufa.backends.cpu.backend import NumpyBackend
from gpufa.backends.cpu.machine import threads as machine_threads
from gpufa.backends.cpu.machine.compiler import compiler
from gpufa.backends.cpu.sequences import NumpySequences

pytestmark = pytest.mark.skipif(not compiler(), reason="no C++ compiler")
both_types = pytest.mark.parametrize("dtype", ["float32", "float64"])
some_threads = pytest.mark.parametrize("threads", [1, 3])


def drawn(*shape, dtype="float64", seed=0):
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(dtype)


def both(name, change, *arrays):
    """What both make of copies of the arrays; `change` calls the operation, and says what it is."""
    found = []
    for kind in (NumpyBackend, NumpySequences):
        own = [np.array(a) for a in arrays]
        found.append(
            change(lambda *given, kind=kind, **more: getattr(kind, name)(NumpyBackend(), *given, **more), *own)
        )
    return found


@both_types
@some_threads
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (31, 33), (700, 5), (64, 64)])
def test_what_is_turned_over_is_numpys(rows, columns, dtype, threads, monkeypatch):
    monkeypatch.setattr(machine_threads, "threads", lambda work: threads)
    x = drawn(2, rows + 2, columns, dtype=dtype)[:, 1:-1]
    out = np.zeros((2, columns, rows + 3), dtype)
    NumpyBackend().turn(x, out[..., 1:-2])
    np.testing.assert_array_equal(out[..., 1:-2], x.swapaxes(1, 2))
    assert not out[..., 0].any()
    assert not out[..., -2:].any()


@both_types
@some_threads
@pytest.mark.parametrize("shared", [True, False])
def test_sums_of_look_ups_are_numpys(shared, dtype, threads, monkeypatch):
    monkeypatch.setattr(machine_threads, "threads", lambda work: threads)
    delta = drawn(2, 7, 60, dtype=dtype)
    tokens = np.random.default_rng(1).integers(0, 9, (12, 5) if shared else (2, 12, 5)).astype(dtype)

    def change(does, out):
        does(delta, tokens, out, first=2, alpha=0.3, beta=0.5)
        return out

    found, expected = both("add_look_ups", change, drawn(2, 6, 7, dtype=dtype))
    tolerance = 2e-6 if dtype == "float32" else 1e-13
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def test_the_machine_code_is_used(monkeypatch):
    for name in ("turn", "add_look_ups"):
        monkeypatch.setattr(NumpySequences, name, None)
    backend = NumpyBackend()
    backend.turn(drawn(8, 8), np.zeros((8, 8)))
    backend.add_look_ups(drawn(1, 2, 6), np.zeros((3, 2)), np.zeros((1, 4, 2)))
    with pytest.raises(TypeError):  # a part of them
        backend.turn(drawn(8, 8).T, np.zeros((8, 8)))
