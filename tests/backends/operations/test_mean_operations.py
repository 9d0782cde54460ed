"""Means and what norms do with them, of both backends against plain NumPy."""

import numpy as np
import pytest
from operationlab import draw, every_dtype, every_size, near


@every_dtype
@every_size
@pytest.mark.parametrize("axis", [-1, -2])
@pytest.mark.parametrize("weighed", [False, True])
def test_means(backend, dtype, replicas, rows, columns, axis, weighed):
    x, by = draw(replicas, rows, columns, dtype=dtype), draw(replicas, rows, columns, dtype=dtype)
    expected = (x * by if weighed else x).mean(axis, keepdims=True)
    out = backend.zeros(expected.shape, dtype)
    backend.means(backend.to_device(x), axis, out=out, by=backend.to_device(by) if weighed else None)
    near(backend, out, expected, dtype)


@pytest.mark.parametrize("axis", [-1, -2])
def test_sums_of_many_float32_keep_their_digits(either, axis):
    """A sum in bfloat16, of 8 bits, stops growing at 256, and one in TF32 at 2048."""
    x = np.ones((1, 1, 8192), "float32").reshape((1, 1, -1) if axis == -1 else (1, -1, 2))
    out = either.zeros((1, 1, 1) if axis == -1 else (1, 1, 2), "float32")
    either.means(either.to_device(x), axis, out=out)
    np.testing.assert_array_equal(either.to_host(out), 1)


@every_dtype
@pytest.mark.parametrize("axis", [-1, -2])
def test_centre_and_project(either, dtype, axis):
    x, d = draw(2, 6, 35, dtype=dtype) + np.float32(2), draw(2, 6, 35, dtype=dtype)
    z, mean = either.to_device(x.copy()), x.mean(axis, keepdims=True)
    found = [either.zeros(mean.shape, dtype) for _ in range(2)]
    either.centre(z, axis, *found)
    for one, expected in zip((z, *found), (x - mean, mean, x.var(axis, keepdims=True)), strict=True):
        near(either, one, expected, dtype)
    out = either.to_device(d.copy())
    either.project(out, z, axis)
    c = x - mean
    near(either, out, d - d.mean(axis, keepdims=True) - c * (d * c).mean(axis, keepdims=True), dtype)


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
