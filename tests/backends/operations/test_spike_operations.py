"""Steps of spiking units, encoders and traces with rows of their own: every backend against plain NumPy."""

import numpy as np
import pytest

from gpufa.functions import encodings, spikes
from gpufa.functions.surrogates import SURROGATES

KINDS = {
    f"{name}{' zero' * zero}{' adaptive' * adaptive}": spikes.spiking(row, zero, adaptive)
    for name, row in SURROGATES.items()
    for zero in (False, True)
    for adaptive in (False, True)
}
FORMULAS = {f"{kind} {way}": getattr(steps, way) for kind, steps in KINDS.items() for way in steps._fields}
FORMULAS |= {
    one.name: one for one in (spikes.ADAPTED, spikes.LEAKED, *vars(encodings).values()) if hasattr(one, "cuda")
}
NUMBERS = {"decay": 0.8, "threshold": 0.5, "refractory": 2.0, "height": 0.6, "width": 2.0, "rho": 0.9, "beta": 0.3}
NUMBERS |= {"open": 1.0, "keep": 0.7, "rate": 0.5, "t": 2.0, "last": 6.0}
TOLERANCE = {"float32": 2e-6, "float64": 1e-14}


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 5, 7), (3, 33, 65)])
@pytest.mark.parametrize("name", FORMULAS)
def test_formulas(backend, dtype, shape, name):
    formula, draw = FORMULAS[name], np.random.default_rng(1)
    numbers = {key: NUMBERS[key] for key in formula.numbers.split()}
    hosts = []
    for array in formula.arrays.split():
        drawn = draw.uniform(-0.9, 0.9, shape)
        counts = {"z0": drawn > 0, "r0": np.maximum(np.round(3 * drawn), 0)}
        hosts.append(np.asarray(counts.get(array, drawn), dtype))
    arrays = [backend.to_device(a.copy()) for a in hosts]
    every = NUMBERS if name.endswith(("up", "down", "traced")) else numbers  # layers hand all of theirs over
    formula.value(*hosts, **every)
    backend.evaluate(formula, *arrays, **every)
    for found, expected in list(zip(arrays, hosts, strict=True))[: formula.written]:
        np.testing.assert_allclose(backend.to_host(found), expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@pytest.mark.parametrize("rows", [1, 5])
def test_traces_of_inputs_that_rows_have_of_their_own(backend, rows):
    draw = np.random.default_rng(2)
    trace, decay, local, x = (draw.normal(size=s) for s in ((2, 5, 3, 7), (2, 5, 7), (2, 5, 7), (2, rows, 3, 7)))
    expected = decay[:, :, None] * trace + local[:, :, None] * x
    on_device = [backend.to_device(a) for a in (trace, decay, local, x)]
    backend.trace(*on_device)
    np.testing.assert_allclose(backend.to_host(on_device[0]), expected, rtol=1e-13)
