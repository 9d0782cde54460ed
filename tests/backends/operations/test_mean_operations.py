"""Norms of both backends, and the means that NumPy makes them of, against plain NumPy."""

import numpy as np
import pytest
from operationlab import draw, every_dtype, every_size, near

from gpufa.backends.cpu.backend import NumpyBackend
from gpufa.backends.operations.norms import Moments

HOST = NumpyBackend()


@every_dtype
@every_size
@pytest.mark.parametrize("axis", [-1, -2])
@pytest.mark.parametrize("weighed", [False, True])
def test_means(dtype, replicas, rows, columns, axis, weighed):
    x, by = draw(replicas, rows, columns, dtype=dtype), draw(replicas, rows, columns, dtype=dtype)
    expected = (x * by if weighed else x).mean(axis, keepdims=True)
    out = np.zeros(expected.shape, dtype)
    HOST.means(x, axis, out=out, by=by if weighed else None)
    near(HOST, out, expected, dtype)


@every_dtype
@pytest.mark.parametrize("axis", [-1, -2])
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize(("rows", "columns"), [(5, 12), (17, 7), (1, 1), (6, 1), (3, 130), (2, 9001)])
def test_norms_up_and_down(backend, dtype, rows, columns, axis, shared):
    """Far from 0 too, and as blocks that share a long row. A rounding of the mean, 8e-6 there, comes down times the
    factor's square, which `eps` keeps within 4."""
    x = draw(1 if shared else 2, rows, columns, dtype=dtype) + np.float32(100)
    delta, gain, shift = (draw(2, *shape, dtype=dtype) for shape in ((rows, columns), (rows,), (rows,)))
    moment = (2, rows, 1) if axis == -1 else (2, 1, columns)
    exact = x.astype("float64")
    mean, variance = (np.broadcast_to(f(exact, axis, keepdims=True), moment) for f in (np.mean, np.var))
    factor = 1 / np.sqrt(variance + 0.25)
    expected = (exact - mean) * factor
    moments = Moments(*(backend.zeros(moment, dtype) for _ in range(3)))
    z, out = (backend.zeros(delta.shape, dtype) for _ in range(2))
    placed = [backend.to_device(a) for a in (x, gain, shift, delta)]
    backend.norm(placed[0], axis, 0.25, placed[1], placed[2], moments, z, out=out)
    loose = {"rtol": 1e-3, "atol": 3e-4} if dtype == "float32" else {"rtol": 1e-9, "atol": 1e-10}
    for found, wanted in (
        (z, expected),
        (out, gain[..., None] * expected + shift[..., None]),
        *zip(moments, (mean, variance, factor), strict=True),
    ):
        np.testing.assert_allclose(backend.to_host(found), wanted, **loose)
    d = gain[..., None] * delta.astype("float64")
    d = d - d.mean(axis, keepdims=True) - expected * (d * expected).mean(axis, keepdims=True)
    backend.norm_back(placed[3], axis, placed[1], moments.factor, z, out=out)
    np.testing.assert_allclose(backend.to_host(out), d * factor, **loose)


@pytest.mark.parametrize("axis", [-1, -2])
def test_sums_of_many_float32_keep_their_digits(either, axis):
    """A sum in bfloat16, of 8 bits, stops growing at 256, and one in TF32 at 2048."""
    x = np.ones((1, 1, 8192), "float32").reshape((1, 1, -1) if axis == -1 else (1, -1, 2)) / 2
    x[:, :1, :1] = x[:, 1:2, 1:2] = 0.25
    shape, rows = (1, 1, 1) if axis == -1 else (1, 1, 2), either.zeros(x.shape[:2], "float32")
    moments = Moments(*(either.zeros(shape, "float32") for _ in range(3)))
    z, out = either.zeros(x.shape, "float32"), either.zeros(x.shape, "float32")
    either.norm(either.to_device(x), axis, 0.0, rows, rows, moments, z, out=out)
    np.testing.assert_allclose(either.to_host(moments.mean), x.astype("float64").mean(axis, keepdims=True), rtol=1e-7)
    np.testing.assert_allclose(
        either.to_host(moments.variance), x.astype("float64").var(axis, keepdims=True), rtol=1e-5
    )


@pytest.mark.parametrize("x", [np.full((1, 2, 40), 1e4 / 3), np.full((1, 2, 40), np.inf)], ids=["constant", "infinite"])
def test_what_does_not_vary_and_what_varies_beyond_numbers(either, x):
    moments = Moments(*(either.zeros((1, 2, 1), "float64") for _ in range(3)))
    z, out, one = (either.zeros(x.shape, "float64") for _ in range(3))
    with np.errstate(invalid="ignore"):
        either.norm(either.to_device(x), -1, 0.0, one[..., 0], one[..., 0], moments, z, out=out)
    constant = np.isfinite(x).all()
    assert (abs(either.to_host(z)) < 1e144).all() if constant else np.isnan(either.to_host(z)).all()
    assert np.isfinite(either.to_host(moments.factor)).all() == constant


@every_dtype
@pytest.mark.parametrize("axis", [-1, -2])
def test_centre_and_project(dtype, axis):
    x, d = draw(2, 6, 35, dtype=dtype) + np.float32(2), draw(2, 6, 35, dtype=dtype)
    z, mean = x.copy(), x.mean(axis, keepdims=True)
    found = [np.zeros(mean.shape, dtype) for _ in range(2)]
    HOST.centre(z, axis, *found)
    for one, expected in zip((z, *found), (x - mean, mean, x.var(axis, keepdims=True)), strict=True):
        near(HOST, one, expected, dtype)
    out = d.copy()
    HOST.project(out, z, axis)
    c = x - mean
    near(HOST, out, d - d.mean(axis, keepdims=True) - c * (d * c).mean(axis, keepdims=True), dtype)


@every_dtype
def test_inverse_roots_gains_and_what_runs_after(either, dtype):
    variance, z = abs(draw(2, 5, 1, dtype=dtype)), draw(2, 5, 7, dtype=dtype)
    out = either.zeros((2, 5, 1), dtype)
    either.inverse_roots(either.to_device(variance), 0.25, out=out)
    near(either, out, 1 / np.sqrt(variance + 0.25), dtype)
    either.inverse_roots(either.zeros((2, 5, 1), dtype), 0.0, out=out)
    assert np.isfinite(either.to_host(out)).all()
    gain, shift = draw(2, 5, dtype=dtype), draw(2, 5, dtype=dtype)
    y = either.zeros(z.shape, dtype)
    either.gain_and_shift(either.to_device(z), *map(either.to_device, (gain, shift)), out=y)
    near(either, y, gain[..., None] * z + shift[..., None], dtype)
    running = either.to_device(gain.copy())
    either.follow(running, either.to_device(shift), 0.1, 2.0)
    near(either, running, 0.9 * gain + 0.2 * shift, dtype)
