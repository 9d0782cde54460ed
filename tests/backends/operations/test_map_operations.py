"""Windows on maps, of both backends against `Places` on the host: any kernel, stride, dilation and zeros about."""

import numpy as np
import pytest
from operationlab import draw, every_dtype, near

from gpufa.backends.cpu.backend import NumpyBackend
from gpufa.backends.operations.places import Places, Windows

HOST = NumpyBackend()
CONVS = [
    Windows((6, 7), (3, 2), (1, 1), pad=((1, 1), (0, 1))),
    Windows((7, 5), (3, 3), (2, 1), (1, 2), ((2, 2), (2, 2))),
    Windows((9, 6), (2, 3), (3, 2), (2, 1), ((0, 0), (1, 1))),
    Windows((1, 8), (1, 5), (1, 1), pad=((0, 0), (2, 2))),
    Windows((2, 2), (5, 1), (1, 1), pad=((2, 2), (0, 0))),
    Windows((4, 4), (1, 1), (1, 1)),
]
POOLS = [
    Windows((6, 7), (2, 2), (2, 2)),
    Windows((6, 7), (3, 2), (1, 2)),
    Windows((5, 5), (5, 5), (5, 5)),
    Windows((7, 4), (2, 1), (3, 2)),
    Windows((7, 6), (2, 3), (2, 1), (2, 2)),
]
every_m = pytest.mark.parametrize("m", [1, 5, 64])
convs = pytest.mark.parametrize("windows", CONVS)
pools = pytest.mark.parametrize("windows", POOLS)


def compared(either, name, arrays, shape, *given, **more):
    """The operation of the backend and that of `Places`, each into an array of its own of that shape."""
    dtype = arrays[0].dtype.name
    out, expected = either.to_device(np.full(shape, 7, dtype)), np.full(shape, 7, dtype)
    getattr(either, name)(*map(either.to_device, arrays), *given, out=out, **more)
    getattr(Places, name)(HOST, *arrays, *given, out=expected, **more)
    near(either, out, expected, dtype)


@every_dtype
@every_m
@convs
@pytest.mark.parametrize("shared", [False, True])
def test_columns(either, windows, m, dtype, shared):
    lead = () if shared else (2,)
    x = draw(*lead, 3, *windows.size, m, dtype=dtype)
    for rows in {range(windows.grid[0]), range(windows.grid[0] // 2, windows.grid[0])}:
        compared(either, "columns", [x], (*lead, 3, *windows.kernel, len(rows), windows.grid[1], m), windows, rows)


@every_dtype
@every_m
@convs
def test_columns_are_added(either, windows, m, dtype):
    """To nothing, and to what other rows of windows have left."""
    middle = windows.grid[0] // 2
    for rows in (range(windows.grid[0]), range(middle, windows.grid[0])):
        columns = draw(2, 3, *windows.kernel, len(rows), windows.grid[1], m, dtype=dtype)
        compared(either, "add_columns", [columns], (2, 3, *windows.size, m), windows, rows, more=rows.start > 0)


@every_dtype
@every_m
@convs
def test_taps_are_spread_and_gathered(either, windows, m, dtype):
    taps, x = draw(2, 3, *windows.kernel, m, dtype=dtype), draw(2, 3, *windows.size, m, dtype=dtype)
    compared(either, "spread", [taps], x.shape, windows)
    compared(either, "gather", [x], taps.shape, windows)


@every_dtype
@every_m
@pools
@pytest.mark.parametrize("shared", [False, True])
def test_pools(either, windows, m, dtype, shared):
    """Of maps in which several places of a window are the largest, and some are no numbers."""
    lead = () if shared else (2,)
    x = np.round(draw(*lead, 3, *windows.size, m, dtype=dtype))
    delta = draw(2, 3, *windows.grid, m, dtype=dtype)
    y = np.empty_like(delta)
    Places.max_pool(HOST, x, windows, y)
    for name in ("max_pool", "mean_pool"):
        compared(either, name, [x], y.shape, windows)
    compared(either, "max_unpool", [delta, x, y], (2, 3, *windows.size, m), windows)
    compared(either, "mean_unpool", [delta], (2, 3, *windows.size, m), windows)
    x[..., 1, 1, 0], x[..., 0, 0, :] = np.nan, -np.inf
    compared(either, "max_pool", [x], y.shape, windows)


def test_the_transposes(either):
    """<columns(x), c> = <x, add_columns(c)>, also where maps lie with gaps."""
    for windows in CONVS:
        x = either.zeros((2, 3, *windows.size, 10), "float64")
        x[...] = either.to_device(draw(*x.shape))
        c = either.to_device(draw(2, 3, *windows.kernel, *windows.grid, 10))
        seen, back = either.zeros(c.shape, "float64"), either.zeros(x.shape, "float64")[..., ::2]
        either.columns(x[..., ::2], windows, range(windows.grid[0]), seen[..., ::2])
        assert not float(abs(seen[..., 1::2]).sum())
        either.add_columns(c[..., ::2], windows, range(windows.grid[0]), back)
        np.testing.assert_allclose(float((seen * c).sum()), float((x[..., ::2] * back).sum()), rtol=1e-10)
