"""Activations and their derivatives by machine code have NumPy's bits, and with erfc and tanh its numbers to rounding,
for any number of threads."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from machinelab import forget
from scipy import special

from gpufa.backends.cpu.backend import NumpyBackend
from gpufa.backends.cpu.machine import gates
from gpufa.backends.cpu.machine import threads as machine_threads
from gpufa.backends.cpu.machine.compiler import FLAGS, LONG, POINTER, built, compiler, source
from gpufa.backends.operations.operands import Gate
from gpufa.basics.errors import GpufaWarning
from gpufa.functions.activations import ACTIVATIONS

pytestmark = pytest.mark.skipif(not compiler(), reason="no C++ compiler")

PIECES = {"identity", "relu", "leaky_relu", "hard_tanh", "hard_logistic", "sign", "step"}
PLAIN = PIECES | {"tanh", "scaled_tanh", "logistic"}  # their derivatives call no function
TANH = {"tanh", "scaled_tanh", "logistic", "silu"}  # that NumPy is slow at without AVX-512
CALLED = {"gelu", "silu"}  # whose derivatives call functions


@pytest.fixture(autouse=True, params=["AVX-512", "AVX2"])
def vectors(request, monkeypatch):
    monkeypatch.setattr(gates, "vectors", lambda: request.param)
    forget()
    yield request.param
    forget()


@pytest.fixture(params=[1, 3])
def threads(request, monkeypatch):
    monkeypatch.setattr("gpufa.backends.cpu.machine.threads.threads", lambda work: request.param)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - {"gelu"}))
def test_numpys_bits(name, dtype, vectors):
    by_ours = vectors == "AVX2" and name in TANH
    row, draw = ACTIVATIONS[name], np.random.default_rng(0)
    a = (2 * draw.normal(size=(2, 90, 101))).astype(dtype)
    a[0, 0, :6] = 0, 1, -1, 0.5, np.inf, np.nan
    h, found, delta = np.empty_like(a), np.full_like(a, 7), draw.normal(size=a.shape).astype(dtype)
    row.value(a, h)
    assert gates.passed("activate", row, a, found) == (name in PIECES or by_ours)
    if name in PIECES:
        np.testing.assert_array_equal(found, h)
    z, g = a if row.of == "a" else h, np.empty_like(a)
    with np.errstate(all="ignore"):
        row.derivative(z, g, np.empty_like(a))
    by_ours &= name in CALLED
    assert gates.passed("gated", row, delta, z, found) == (name in PLAIN or by_ours)
    if not by_ours:
        NumpyBackend().gated(delta, Gate(row, z, None, slice(None)), out=found)
        np.testing.assert_array_equal(found, delta * g)
        NumpyBackend().gate(delta, [Gate(row, z, None, slice(None))])
        np.testing.assert_array_equal(found, delta)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", sorted({"gelu"} | TANH))
def test_numpys_numbers_by_functions_of_ours(name, dtype, vectors, monkeypatch):
    if name in TANH and vectors == "AVX-512":
        pytest.skip("NumPy's own is taken")
    row, draw, bits = ACTIVATIONS[name], np.random.default_rng(0), []
    a = (3 * draw.normal(size=(2, 90, 101))).astype(dtype)
    a[0, 0, :9] = 0, 1, -1, 0.5, np.inf, np.nan, 40, -40, 1e-30
    h, g, delta = np.empty_like(a), np.empty_like(a), draw.normal(size=a.shape).astype(dtype)
    row.value(a.astype("float64"), h64 := np.empty(a.shape))
    z = np.nan_to_num(a if row.of == "a" else h64)
    row.derivative(z.astype("float64"), g64 := np.empty(a.shape), np.empty(a.shape))
    z = z.astype(dtype)
    for parts in (1, 3):
        monkeypatch.setattr(machine_threads, "threads", lambda work, parts=parts: parts)
        assert gates.passed("activate", row, a, h)
        assert gates.passed("gated", row, delta, z, g)
        bits.append([h.tobytes(), g.tobytes()])
    assert bits[0] == bits[1]
    rounding = 4 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(h, h64, rtol=3 * rounding, atol=rounding)
    np.testing.assert_allclose(g, g64 * delta, rtol=3 * rounding, atol=2 * rounding)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_exponentials_erfc_and_tanh_over_all_that_there_is(dtype):
    """Of erfc the tail too, to so many units in the last place as its argument's rounding leaves."""
    every = "void every(const T* x, T* e, T* c, T* t, long n) {"
    every += "for (long i = 0; i < n; i++) {"
    every += "e[i] = power<T>(x[i], 0), c[i] = erfc_of<T>(x[i]), t[i] = tanh_of<T>(x[i]); } }"
    code = built(source(dtype, "functions.hpp") + 'extern "C" ' + every, {"every": [*[POINTER] * 4, LONG]})
    far, eps = (100, 9.0) if dtype == "float32" else (740, 26.0), float(np.finfo(dtype).eps)
    x = np.concatenate([np.linspace(-far[0], 88, 100001), np.linspace(-far[1], far[1], 100001)]).astype(dtype)
    x[:4] = -0.0, 1e-30, -1e-30, np.nan
    e, c, t = np.empty_like(x), np.empty_like(x), np.empty_like(x)
    code.every(*(a.ctypes.data for a in (x, e, c, t)), x.size)
    tiny = float(np.finfo(dtype).tiny)
    np.testing.assert_allclose(e, np.exp(x.astype("longdouble")).astype("float64"), rtol=2 * eps, atol=tiny)
    wanted = special.erfc(x.astype("float64"))
    np.testing.assert_allclose(c, wanted, rtol=1e-13 if dtype == "float64" else 4 * eps, atol=tiny)
    np.testing.assert_allclose(t, np.tanh(x.astype("longdouble")).astype("float64"), rtol=3 * eps)
    assert np.signbit(t[0])
    assert (np.abs(t[4:]) <= 1).all()


def test_few_numbers_and_gaps_are_left_to_numpy():
    relu, many = ACTIVATIONS["relu"], np.ones((2, gates.FEW), "float32")
    assert gates.passed("activate", relu, many, many.copy())
    assert not gates.passed("activate", relu, many[0, :100], many[1, :100])
    assert not gates.passed("activate", relu, many[:, ::2], many[:, ::2].copy())
    assert not gates.passed("activate", relu, many, many.astype("float64"))
    assert not gates.passed("gated", relu, many, many[:1], many)


@pytest.mark.parametrize("name", ["tanh", "gelu"])
def test_the_numbers_of_a_replica_are_its_own_wherever_they_lie(name, vectors):
    """Of a size that is no multiple of a vector: what follows the last whole one is done number by number."""
    if name in TANH and vectors == "AVX-512":
        pytest.skip("NumPy's own is taken")
    backend, row, slab = NumpyBackend(), ACTIVATIONS[name], np.random.default_rng(0).normal(size=(2, 80, 65))
    for part in (slab[:, 8:73], slab[:, 8:73].copy()):
        h, down, alone = np.empty_like(slab)[:, 8:73], np.empty_like(part), np.empty((1, 65, 65))
        backend.activate(row, part, h)
        backend.gated(part, Gate(row, part, None, slice(None)), out=down)
        for r in range(2):
            own = part[r : r + 1].copy()
            backend.activate(row, own, alone)
            np.testing.assert_array_equal(h[r], alone[0])
            backend.gated(own, Gate(row, own, None, slice(None)), out=alone)
            np.testing.assert_array_equal(down[r], alone[0])
    assert gates.passed("activate", row, part, h)
    assert not gates.passed("activate", row, part[:, 2:], h[:, 2:])  # few
    assert not gates.passed("activate", row, slab[:, :, ::2], slab[:, :, ::2].copy())


def test_a_function_without_a_hash_may_be_an_activations():
    @dataclass
    class Steep:
        by: float

        def __call__(self, a, h):
            np.multiply(a, self.by, out=h)

    row = replace(ACTIVATIONS["identity"], name="steep", value=Steep(2.0), cuda="h = 2 * a;")
    a = np.ones((1, gates.FEW))
    assert gates.passed("activate", row, a, found := np.empty_like(a))
    assert (found == 2).all()


def test_every_number_is_done_once_by_any_number_of_threads(monkeypatch):
    for n, parts in ((1, 1), (63, 3), (64, 2), (1000, 3), (4096, 5)):
        monkeypatch.setattr(machine_threads, "threads", lambda work, parts=parts: parts)
        done = np.zeros(n, int)
        machine_threads.share_numbers(n, 1.0, lambda start, end, done=done: np.add.at(done, np.arange(start, end), 1))
        assert (done == 1).all()


@pytest.mark.parametrize(
    ("name", "text", "form"),
    [
        ("activate", {"cuda": "h = a < 0 ? (T)0 : 2 * a;"}, "value"),
        ("activate", {"cuda": "h = a < 0 ? (T)0 : a < 50 ? a : (T)50;"}, "value"),
        ("activate", {"cuda": "h = a > 0 ? a : (T)0;"}, "value"),
        ("gated", {"cuda_derivative": "g = 1;"}, "deriv"),
        ("gated", {"cuda_derivative": "g = h > 0;"}, "deriv"),
    ],
)
def test_a_text_that_says_other_than_numpy_is_told_and_not_taken(name, text, form):
    row, many = replace(ACTIVATIONS["relu"], name="mine", **text), np.full((3, gates.FEW), -1, "float32")
    with pytest.warns(GpufaWarning, match=rf"activation 'mine' comes to other numbers than its {form}"):
        assert not gates.passed(name, row, *many[: gates.ARRAYS[name]])
    (other,) = gates.ARRAYS.keys() - {name}
    assert gates.passed(other, row, *many[: gates.ARRAYS[other]])


@pytest.mark.parametrize("flag", ["-Ofast", "-ffast-math", "-ffinite-math-only"])
def test_a_compiler_that_loses_what_is_no_number_is_not_used(flag, monkeypatch):
    text, functions = 'extern "C" void nothing(long n) {}', {"nothing": [LONG]}
    assert built(text, functions)
    monkeypatch.setattr("gpufa.backends.cpu.machine.compiler.FLAGS", (*FLAGS, flag))
    assert built(text, functions) is None
