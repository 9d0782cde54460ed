"""What tests of operations are made of: arrays of odd sizes and in every layout, and threads in every order."""

import numpy as np
import pytest

rng = np.random.default_rng(0)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
SIZES = [(2, 5, 12), (3, 17, 7), (1, 1, 1), (2, 40, 8), (1, 130, 3)]
every_size = pytest.mark.parametrize(("replicas", "rows", "columns"), SIZES)


def near(backend, found, expected, dtype="float64"):
    tolerance = 2e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(backend.to_host(found), expected, rtol=tolerance, atol=tolerance)


def draw(*shape, dtype="float64"):
    return rng.normal(size=shape).astype(dtype)


def slab(backend, x):
    """On the device, as some rows of a larger slab."""
    replicas, rows, columns = x.shape
    whole = backend.zeros((replicas, rows + 3, columns), x.dtype)
    whole[:, 2 : rows + 2] = backend.to_device(x)
    return whole[:, 2 : rows + 2]


ALL = slice(None)
