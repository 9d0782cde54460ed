"""Attention by machine code is NumPy's, for any sizes, samples and threads, and of what is no number; a problem's bits
hang on nothing but itself."""

import machinelab
import numpy as np
import pytest

from gpufa.backends.cpu.backend import NumpyBackend
from gpufa.backends.cpu.machine import attention
from gpufa.backends.cpu.machine.compiler import compiler, source
from gpufa.backends.operations.sequences import Heads, Sequences

pytestmark = pytest.mark.skipif(not compiler(), reason="no C++ compiler")
both_types = pytest.mark.parametrize("dtype", ["float32", "float64"])
every_size = pytest.mark.parametrize(
    ("h", "size", "T", "m"),
    [(1, 1, 1, 1), (2, 3, 5, 4), (3, 4, 37, 2), (1, 5, 23, 19), (2, 8, 24, 16), (4, 2, 50, 1), (1, 32, 128, 8)],
)


def drawn(*shape, dtype="float64", seed=0):
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(dtype)


def heads_of(h, m, causal, counted, dtype):
    there = {}
    return Heads(h, m, causal, lambda name, *shape: there.setdefault(name, np.zeros((2, *shape), dtype)), counted)


def both_ways(kind, made, delta, heads):
    """What attention makes of both, as the class has it."""
    out, down, backend = np.full_like(delta, 7), np.full_like(made, 7), NumpyBackend()
    with np.errstate(all="ignore"):
        kind.attend(backend, made, heads, out=out)
        kind.attend_back(backend, delta, made, heads, out=down)
    return out, down


def some(h, size, T, m, dtype="float64"):
    return drawn(2, 3 * h * size, T * m, dtype=dtype), drawn(2, h * size, T * m, dtype=dtype, seed=1)


@both_types
@every_size
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("padded", [True, False])
def test_both_ways_are_numpys(h, size, T, m, causal, padded, threads, dtype, monkeypatch):
    monkeypatch.setattr(attention, "threads", lambda work: threads)
    counted = (drawn(2, T, m) > -0.3).astype(dtype) if padded else None
    if padded:
        counted[0, :, 0] = 0
    made, delta = some(h, size, T, m, dtype)
    heads = heads_of(h, m, causal, counted, dtype)
    found, wanted = (both_ways(kind, made, delta, heads) for kind in (NumpyBackend, Sequences))
    tolerance = 3e-5 if dtype == "float32" else 1e-13
    for one, expected in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, expected, rtol=tolerance, atol=tolerance)
    if padded:  # that sees none takes nothing, and hands down nothing
        assert not found[0][0].reshape(-1, T, m)[:, :, 0].any()
        assert not found[1][0].reshape(-1, T, m)[:, :, 0].any()


@both_types
def test_a_problem_has_the_same_bits_by_any_threads_and_among_any_samples(dtype, monkeypatch):
    h, size, T, m = 3, 4, 40, 21
    made, delta = some(h, size, T, m, dtype)
    found = []
    for threads in (1, 2, 5, 40):
        monkeypatch.setattr(attention, "threads", lambda work, threads=threads: threads)
        found.append(both_ways(NumpyBackend, made, delta, heads_of(h, m, True, None, dtype)))
    for one in found[1:]:
        for a, b in zip(one, found[0], strict=True):
            np.testing.assert_array_equal(a, b)
    alone = [np.ascontiguousarray(a.reshape(2, -1, T, m)[..., 5:9]).reshape(2, -1, 4 * T) for a in (made, delta)]
    few = both_ways(NumpyBackend, *alone, heads_of(h, 4, True, None, dtype))
    for a, b in zip(few, found[0], strict=True):
        np.testing.assert_array_equal(a.reshape(2, -1, T, 4), b.reshape(2, -1, T, m)[..., 5:9])


@both_types
def test_what_is_no_number_shows_where_it_is_numpys(dtype):
    made, delta = some(2, 3, 20, 5, dtype)
    made[0, 0, 17], made[1, 4, 31], delta[0, 2, 50], delta[1, 1, 3] = np.nan, np.inf, np.nan, np.inf
    heads = heads_of(2, 5, False, None, dtype)
    for one, expected in zip(*(both_ways(kind, made, delta, heads) for kind in (NumpyBackend, Sequences)), strict=True):
        np.testing.assert_array_equal(np.isnan(one), np.isnan(expected))
        assert np.isnan(one).any()


def test_no_scores_are_kept_and_gaps_are_left_to_numpy(monkeypatch):
    made, delta = some(2, 3, 20, 5)
    wanted = both_ways(Sequences, made, delta, heads_of(2, 5, True, None, "float64"))
    with monkeypatch.context() as patch:
        patch.setattr(Sequences, "attend", None)
        patch.setattr(Sequences, "attend_back", None)
        found = both_ways(NumpyBackend, made, delta, Heads(2, 5, True, None))
    np.testing.assert_allclose(found[1], wanted[1], rtol=1e-12, atol=1e-12)
    wide = np.zeros((2, len(delta[0]), 200))[..., ::2]
    wide[...] = delta
    down, heads = np.empty_like(made), heads_of(2, 5, True, None, "float64")
    backend = NumpyBackend()
    backend.attend(made, heads, out=np.empty_like(delta))
    backend.attend_back(wide, made, heads, out=down)
    np.testing.assert_allclose(down, wanted[1], rtol=1e-12, atol=1e-12)


def test_code_that_comes_to_other_numbers_is_not_taken(monkeypatch):
    def changed(*names):
        return source(*names).replace("1 / std::sqrt((T)of.size)", "1 / (T)of.size")

    machinelab.forget()
    with monkeypatch.context() as patch:
        patch.setattr(attention, "source", changed)
        assert attention.attender(np.dtype("float64")) is None
    machinelab.forget()
    assert attention.attender(np.dtype("float64"))
