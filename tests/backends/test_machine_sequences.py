"""Attention's passes, turning over and look-ups by machine code are those of NumPy, for any sizes and threads, and of
what is no number."""

import numpy as np
import pytest

from gpufa.backends.machine import sequences
from gpufa.backends.machine.compiler import compiler
from gpufa.backends.numpy import NumpyBackend
from gpufa.backends.numpysequences import NumpySequences
from gpufa.backends.sequences import Heads

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


def heads(weights, causal, counted):
    return Heads(None, None, None, weights, causal, counted)


@both_types
@some_threads
@pytest.mark.parametrize("tokens", [1, 15, 16, 37, 130])
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("padded", [True, False])
def test_softened_scores_are_numpys(tokens, causal, padded, dtype, threads, monkeypatch):
    monkeypatch.setattr(sequences, "threads", lambda work: threads)
    counted = (drawn(2, tokens, 3) > 0.3).astype(dtype)
    counted[0, :, 0] = 0

    def change(does, weights):
        does(heads(weights, causal, counted if padded else None))
        return weights

    found, expected = both("soften", change, 8 * drawn(2, 3, 2, tokens, tokens, dtype=dtype))
    np.testing.assert_allclose(found, expected, rtol=3e-6 if dtype == "float32" else 1e-13, atol=1e-30)


def test_exponentials_are_those_of_numpy_over_all_that_there_is():
    scores = np.zeros(20001, "float32")
    scores[1:] = np.linspace(-110, 0, 20000, dtype="float32")
    row = scores.copy()
    code = sequences.sequencer(np.dtype("float32"))
    code.soften(row.ctypes.data, None, 1, False, row.size, 0, 1)
    exact = np.exp(scores.astype("float64"))
    np.testing.assert_allclose(row, exact / exact.sum(), rtol=2e-6, atol=1e-37)


@both_types
def test_what_is_no_number_shows(dtype):
    scores = drawn(1, 2, 2, 20, 20, dtype=dtype)
    scores[0, 0, 0, 3, 4], scores[0, 1, 1, 5, 6], scores[0, 1, 0, 2] = np.nan, np.inf, -np.inf

    def change(does, weights):
        with np.errstate(all="ignore"):
            does(heads(weights, False, None))
        return weights

    found, expected = both("soften", change, scores)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    assert np.isnan(found[0, 0, 0, 3]).all()
    assert np.isnan(found[0, 1, 1, 5]).all()
    assert not found[0, 1, 0, 2].any()


@both_types
@some_threads
@pytest.mark.parametrize("tokens", [1, 17, 130])
def test_signals_at_scores_are_numpys(tokens, dtype, threads, monkeypatch):
    monkeypatch.setattr(sequences, "threads", lambda work: threads)

    def change(does, weights, delta):
        does(weights, delta, 0.7)
        return delta

    found, expected = both(
        "soften_back",
        change,
        drawn(2, 3, 2, tokens, tokens, dtype=dtype),
        drawn(2, 3, 2, tokens, tokens, dtype=dtype, seed=1),
    )
    tolerance = 2e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@both_types
@some_threads
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (31, 33), (700, 5), (64, 64)])
def test_what_is_turned_over_is_numpys(rows, columns, dtype, threads, monkeypatch):
    monkeypatch.setattr(sequences, "threads", lambda work: threads)
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
    monkeypatch.setattr(sequences, "threads", lambda work: threads)
    delta = drawn(2, 7, 60, dtype=dtype)
    tokens = np.random.default_rng(1).integers(0, 9, (12, 5) if shared else (2, 12, 5)).astype(dtype)

    def change(does, out):
        does(delta, tokens, out, first=2, alpha=0.3, beta=0.5)
        return out

    found, expected = both("add_look_ups", change, drawn(2, 6, 7, dtype=dtype))
    tolerance = 2e-6 if dtype == "float32" else 1e-13
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def test_the_machine_code_is_used(monkeypatch):
    for name in ("soften", "soften_back", "turn", "add_look_ups"):
        monkeypatch.setattr(NumpySequences, name, None)
    backend, weights = NumpyBackend(), drawn(1, 2, 2, 8, 8)
    backend.soften(heads(weights, True, None))
    backend.soften_back(weights, weights.copy(), 1.0)
    backend.turn(weights[0, 0], np.zeros((2, 8, 8)))
    backend.add_look_ups(drawn(1, 2, 6), np.zeros((3, 2)), np.zeros((1, 4, 2)))
    with pytest.raises(TypeError):  # a part of them
        backend.soften_back(weights[..., :4], weights[..., :4].copy(), 1.0)
