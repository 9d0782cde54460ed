"""Sums and tests beside training, on both backends: products over units and over all, and what all numbers are."""

import numpy as np
import pytest
from operationlab import draw, every_dtype, rng, slab


def close(backend, found, expected):
    """Sums are in double, so that they are as near in float32, whose products NumPy rounds before it adds them up."""
    np.testing.assert_allclose(backend.to_host(found), expected, rtol=1e-12, atol=1e-12)


@every_dtype
@pytest.mark.parametrize(("replicas", "n", "m"), [(2, 5, 12), (3, 70, 33), (1, 1, 1), (2, 0, 3), (1, 1, 70_000)])
def test_dots(backend, dtype, replicas, n, m):
    """Of whole numbers, whose products are exact."""
    a, b = (np.round(8 * draw(replicas, n, m, dtype=dtype)) for _ in range(2))
    over_units, over_all = (backend.zeros(shape, "float64") for shape in ((replicas, m), (replicas,)))
    backend.dots(slab(backend, a), slab(backend, b), over_units)
    backend.dots(slab(backend, a), slab(backend, b), over_all)
    product = a.astype("f8") * b
    close(backend, over_units, product.sum(-2))
    close(backend, over_all, product.sum((-2, -1)))


@every_dtype
def test_dots_of_arrays_in_any_layout(backend, dtype):
    a, b = (np.round(8 * draw(3, 7, 12, dtype=dtype)) for _ in range(2))
    on = [backend.to_device(x) for x in (a, b, np.ascontiguousarray(b.swapaxes(1, 2)))]
    cases = [
        (on[0].swapaxes(1, 2), on[1].swapaxes(1, 2), a.swapaxes(1, 2) * b.swapaxes(1, 2)),
        (on[0], on[2].swapaxes(1, 2), a * b),
        (on[0][:, 2:6], on[1][:, 2:6], (a * b)[:, 2:6]),
        (on[0][..., ::3], on[1][..., 1::3], a[..., ::3] * b[..., 1::3]),
        (on[0], on[1][:1], a * b[:1]),
        (on[0], on[1][:, 3:4], a * b[:, 3:4]),
        (on[0], on[1][..., 5:6], a * b[..., 5:6]),
    ]
    for left, right, product in cases:
        for shape, axes in (((3, product.shape[-1]), -2), ((3,), (-2, -1))):
            wide = backend.zeros((3, *shape), "float64")
            backend.dots(left, right, wide[1])
            close(backend, wide[1], product.astype("f8").sum(axes))
            assert not backend.to_host(wide[::2]).any()


@pytest.mark.parametrize(("n", "m"), [(0, 3), (4, 0), (0, 0)])
def test_dots_of_nothing(backend, n, m):
    """Nothing beside what is the same everywhere is nothing."""
    one, a = backend.to_device(np.ones((1, 1, 1))), backend.zeros((2, n, m), "float64")
    over_units, over_all = (backend.to_device(np.full(shape, 7.0)) for shape in ((2, m), (2,)))
    backend.dots(a, one, over_units)
    backend.dots(a, one, over_all)
    assert not backend.to_host(over_units).any()
    assert not backend.to_host(over_all).any()


def test_dots_are_added_up_in_double(backend):
    a = np.full((1, 3, 1), 1, "float32")
    a[0, 0] = 2**13
    for shape in ((1, 1), (1,)):
        out = backend.zeros(shape, "float64")
        backend.dots(backend.to_device(a), backend.to_device(a), out)
        assert backend.to_host(out).item() == 2**26 + 2


@pytest.mark.parametrize("kinds", [("float64", "float32"), ("float32", "float64")])
def test_dots_of_two_types(backend, kinds):
    a, b = (np.round(8 * draw(2, 5, 9, dtype=kind)) for kind in kinds)
    out = backend.zeros((2, 9), "float64")
    backend.dots(backend.to_device(a), backend.to_device(b), out)
    close(backend, out, (a * b).sum(-2))


BAD = {"finite": (np.nan, np.inf, -np.inf), "0 or 1": (np.nan, -1, 1e-30, 2), "1": (np.nan, 0, np.nextafter(1, 2))}


@every_dtype
@pytest.mark.parametrize(("test", "bad"), [(test, bad) for test in BAD for bad in BAD[test]])
@pytest.mark.parametrize("n", [1, 700])
def test_every(backend, dtype, test, bad, n):
    bad = np.nextafter(np.ones((), dtype), 2) if 1 < bad < 2 else bad
    x = np.ones((5, n), dtype)
    if test != "1":
        x[:, ::2] = {"finite": np.finfo(dtype).max, "0 or 1": -0.0}[test]
    at = rng.integers(0, n, 5)
    x[1, at[1]], x[4, at[4]] = bad, bad
    wide = backend.zeros((5, n + 3), dtype)
    wide.fill(np.nan)
    wide[:, 2 : n + 2] = backend.to_device(x)
    out = backend.zeros((5,), bool)
    backend.every(test, wide[:, 2 : n + 2], out)
    assert backend.to_host(out).tolist() == [True, False, True, True, False]


def test_every_of_more_than_are_looked_at_at_once(backend, monkeypatch):
    from gpufa.backends.operations import sums

    monkeypatch.setattr(sums, "LOOK", 7)
    x, out = np.ones((2, 20), "float32"), backend.zeros((2,), bool)
    x[1, 19] = np.inf
    backend.every("finite", backend.to_device(x), out)
    assert backend.to_host(out).tolist() == [True, False]
