"""Steps of recurrent layers and traces: every backend against plain NumPy, on odd sizes and parts of slabs."""

import numpy as np
import pytest

from gpufa.functions.activations import ACTIVATIONS
from gpufa.functions.cells import GRU, LSTM, leaky
from gpufa.layers.time.recurrent import FUNCTIONS

KINDS = {"gru": GRU, "lstm": LSTM, **{f"leaky {name}": leaky(ACTIVATIONS[name]) for name in FUNCTIONS}}
FORMULAS = {f"{kind} {way}": getattr(steps, way) for kind, steps in KINDS.items() for way in steps._fields}
TOLERANCE = {"float32": 2e-6, "float64": 1e-14}


def apart(backend, host):
    """The same array, (R, n, m), as rows that lie among others."""
    replicas, rows, columns = host.shape
    slab = backend.zeros((replicas, rows, 3, columns), host.dtype)
    slab[:, :, 1] = backend.to_device(host)
    return slab[:, :, 1]


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 5, 7), (3, 33, 65)])
@pytest.mark.parametrize("name", FORMULAS)
def test_formulas_of_steps(backend, dtype, shape, name):
    formula, draw = FORMULAS[name], np.random.default_rng(1)
    numbers = {"leak": 0.3} if formula.numbers else {}
    hosts = [draw.uniform(-0.9, 0.9, shape).astype(dtype) for _ in formula.arrays.split()]
    for one, called in zip(hosts, formula.arrays.split(), strict=True):
        if called == "s":  # as relu has it
            np.abs(one, out=one)
    arrays = [(backend.to_device if i % 2 else lambda a: apart(backend, a))(a.copy()) for i, a in enumerate(hosts)]
    formula.value(*hosts, **numbers)
    backend.evaluate(formula, *arrays, **numbers)
    for found, expected in list(zip(arrays, hosts, strict=True))[: formula.written]:
        np.testing.assert_allclose(backend.to_host(found), expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 5, 3, 7), (2, 40, 65, 60)])
def test_traces_and_their_sums(backend, dtype, shape):
    (replicas, rows, inputs, m), draw = shape, np.random.default_rng(2)
    trace, decay, local, x, signal, out = (
        draw.normal(size=size).astype(dtype)
        for size in (shape, *[(replicas, rows, m)] * 2, (replicas, inputs, m), (replicas, rows, m), shape[:3])
    )
    expected = decay[:, :, None].astype(float) * trace + local[:, :, None] * x[:, None].astype(float)
    sums = out + (expected * signal[:, :, None]).sum(-1)
    on_device = [backend.to_device(a) for a in (trace, decay, local, x, signal, out)]
    backend.trace(*on_device[:4])
    backend.trace_sums(on_device[0], on_device[4], out=on_device[5])
    tolerance = 50 * TOLERANCE[dtype]
    np.testing.assert_allclose(backend.to_host(on_device[0]), expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(backend.to_host(on_device[5]), sums, rtol=tolerance, atol=tolerance)
