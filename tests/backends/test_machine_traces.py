"""Traces by machine code have the bits of NumPy's, for any sizes and threads."""

import numpy as np
import pytest

from gpufa.backends.cpu.backend import NumpyBackend
from gpufa.backends.cpu.machine import threads, traces
from gpufa.backends.cpu.machine.compiler import compiler
from gpufa.functions.cells import TRACE

needs_compiler = pytest.mark.skipif(not compiler(), reason="no C++ compiler")
R, ROWS, INPUTS = 2, 7, 5


def given(m, of_x, dtype):
    """A trace, decay, local, and x of as many rows: none of its own, one for all, or one each."""
    draw, seen = np.random.default_rng(m), {"": (), "1": (1,), "rows": (ROWS,)}[of_x]
    shapes = (R, ROWS, INPUTS, m), (R, ROWS + 3, m), (R, ROWS + 3, m), (R, *seen, INPUTS, m)
    trace, decay, local, x = (draw.normal(size=shape).astype(dtype) for shape in shapes)
    return trace, decay[:, :ROWS], local[:, :ROWS], x


def expected(trace, decay, local, x):
    made, seen = trace.copy(), x if x.ndim == trace.ndim else x[:, None]
    TRACE.value(made, decay[:, :, None], local[:, :, None], seen, np.empty_like(made))
    return made


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("m", [1, 5, 64, 130])
@pytest.mark.parametrize("of_x", ["", "1", "rows"])
@pytest.mark.parametrize("by", [1, 3, "gaps"])
def test_they_have_numpys_bits(by, of_x, m, dtype, monkeypatch):
    assert traces.tracer(np.dtype(dtype)) or not compiler()
    trace, decay, local, x = given(m, of_x, dtype)
    wanted = expected(trace, decay, local, x)
    if by == "gaps":
        x = np.repeat(x, 2, axis=-1)[..., ::2]
    else:
        monkeypatch.setattr(threads, "threads", lambda work: by)
    NumpyBackend().trace(trace, decay, local, x)
    np.testing.assert_array_equal(trace, wanted)


@pytest.mark.parametrize("same", ["rows of decay", "samples of decay", "rows of local", "inputs of x", "samples of x"])
def test_what_is_the_same_for_several_is_numpys_as_well(same):
    trace, decay, local, x = given(9, "1", "float64")
    decay = decay[:, :1].copy() if same == "rows of decay" else decay
    decay = decay[..., :1].copy() if same == "samples of decay" else decay
    local = local[:, :1].copy() if same == "rows of local" else local
    x = x[:, :, :1].copy() if same == "inputs of x" else x
    x = x[..., :1].copy() if same == "samples of x" else x
    wanted = expected(trace, decay, local, x)
    NumpyBackend().trace(trace, decay, local, x)
    np.testing.assert_array_equal(trace, wanted)


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("fault", ["no compiler", "wrong code"])
def test_otherwise_numpy_does_it(fault, monkeypatch):
    if fault == "no compiler":
        monkeypatch.setenv("GPUFA_CXX", "")
    else:
        monkeypatch.setattr(traces, "TEXT", traces.TEXT.replace("+ j * m;", ";"))
    assert traces.tracer(np.dtype("float32")) is None
    arrays = given(9, "", "float32")
    wanted = expected(*arrays)
    NumpyBackend().trace(*arrays)
    np.testing.assert_array_equal(arrays[0], wanted)
