"""Random words by machine code are NumPy's, to the bit."""

import numpy as np
import pytest

from gpufa.backends.cpu.backend import NumpyBackend
from gpufa.backends.cpu.machine import philox
from gpufa.backends.cpu.machine.compiler import compiler
from gpufa.basics.laws import LAWS
from gpufa.basics.random import BLOCK, Generator, Purpose

needs_compiler = pytest.mark.skipif(not compiler(), reason="no C++ compiler")
WHERE = {"seed": 2**64 - 5, "purpose": Purpose.RULE, "stream": 2**32 - 1, "step": 2**31}


@needs_compiler
@pytest.mark.parametrize("n", [1, 3, 4, 4 * BLOCK - 1, 4 * BLOCK, 9 * BLOCK + 2])
def test_what_is_drawn_is_numpys(n):
    assert philox.mixer()
    ours, theirs = philox.Mixing(), Generator()
    at = np.arange(n)[::-1]
    for dtype in ("float32", "float64"):
        for law in LAWS:
            drawn = [one.fill(law, np.empty(n, dtype), **WHERE) for one in (ours, theirs)]
            np.testing.assert_array_equal(*drawn)
            later = [one.times(0.3, law, np.empty(n, dtype), **WHERE, start=7) for one in (ours, theirs)]
            np.testing.assert_array_equal(*later)
    for make in (
        lambda one: one.words(np.empty(n, np.uint32), **WHERE),
        lambda one: one.quads(np.empty((4, n), np.uint32), at, **WHERE),
        lambda one: one.keep(np.empty(n, np.float32), 0.3, 5, stream=2, step=9),
    ):
        np.testing.assert_array_equal(make(ours), make(theirs))


@pytest.mark.usefixtures("fresh")
def test_without_a_compiler_numpy_does_it(monkeypatch):
    monkeypatch.setenv("GPUFA_CXX", "")
    assert philox.mixer() is None
    found = NumpyBackend().generator.words(np.empty(9, np.uint32), 3, Purpose.RULE)
    np.testing.assert_array_equal(found, Generator().words(np.empty(9, np.uint32), 3, Purpose.RULE))


@needs_compiler
@pytest.mark.usefixtures("fresh")
def test_code_that_is_wrong_is_not_used(monkeypatch):
    monkeypatch.setattr(philox, "HOST", philox.HOST.replace(">> 32", ">> 31"))
    assert philox.mixer() is None
