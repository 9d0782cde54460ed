"""Convolution by machine code is that by columns: any number of samples, any windows, any number of threads."""

import numpy as np
import pytest

from gpufa.backends.cpu.backend import NumpyBackend
from gpufa.backends.cpu.machine import convolver, threads
from gpufa.backends.cpu.machine.compiler import compiler
from gpufa.backends.operations.columns import Columns, Maps
from gpufa.backends.operations.places import Windows

pytestmark = pytest.mark.skipif(not compiler(), reason="no C++ compiler")
CLOSE = {"float32": 1e-5, "float64": 1e-13}


def random_maps(seed, dtype):
    """(maps, W, b), with windows of any kind."""
    draw = np.random.default_rng(seed)
    while True:
        groups, R = int(draw.choice([1, 1, 2])), int(draw.choice([1, 2]))
        channels, filters = (groups * int(draw.choice([1, 2, 3, 5, 13, 40])) for _ in range(2))
        kernel, stride, dilation = (tuple(map(int, draw.integers(1, high, 2))) for high in (8, 4, 4))
        if draw.random() < 0.6:
            stride = dilation = (1, 1)
        pad = tuple(tuple(map(int, draw.integers(0, k + 1, 2))) for k in kernel)
        windows = Windows(tuple(map(int, draw.integers(1, 16, 2))), kernel, stride, dilation, pad)
        if min(windows.grid) > 0:
            break
    m = int(draw.choice([1, 3, 7, 8, 10, 16, 31, 33, 64, 70, 100, 129]))
    shared = [] if draw.random() < 0.3 else [R]
    x, y, W, b = (
        draw.normal(size=shape).astype(dtype)
        for shape in (
            (*shared, channels, *windows.size, m),
            (R, filters, *windows.grid, m),
            (R, filters, channels // groups, *kernel),
            (R, filters),
        )
    )
    return Maps(x, y, windows, groups), W, b


def all_three(backend, maps, W, b):
    """y, the signal at x, and two gradients of the filters, one added to what is there."""
    y, down = np.empty_like(maps.y), np.empty((len(maps.y), *maps.x.shape[-4:]), maps.y.dtype)
    once, more = np.full_like(W, np.nan), W.copy()
    backend.convolve(maps._replace(y=y), W, b)
    backend.convolve_back(maps._replace(x=down), W)
    backend.filter_gradient(maps, once)
    backend.filter_gradient(maps, more, alpha=0.5, beta=2.0)
    return y, down, once, more


class ByColumns(NumpyBackend):
    convolve, convolve_back, filter_gradient = Columns.convolve, Columns.convolve_back, Columns.filter_gradient


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("seed", range(60))
def test_it_is_what_columns_give(seed, dtype):
    maps, W, b = random_maps(seed, dtype)
    b = b if seed % 3 else None
    found, expected = (all_three(backend, maps, W, b) for backend in (NumpyBackend(), ByColumns()))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=CLOSE[dtype] * max(1.0, np.abs(other).max()))


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("shared", [False, True])
def test_kernels_that_cover_their_maps_are_products(groups, shared):
    draw = np.random.default_rng(0)
    x, y, W, b = (
        draw.normal(size=shape) for shape in ((2, 6, 4, 3, 9), (2, 8, 1, 1, 9), (2, 8, 6 // groups, 4, 3), (2, 8))
    )
    maps = Maps(x[0] if shared else x, y, Windows((4, 3), (4, 3), (2, 1)), groups)
    seen = np.broadcast_to(maps.x, x.shape).reshape(2, groups, -1, 9)
    K, signal = W.reshape(2, groups, 8 // groups, -1), y.reshape(2, groups, -1, 9)
    up, down, once, _ = all_three(NumpyBackend(), maps, W, b)
    np.testing.assert_allclose(up.reshape(signal.shape), K @ seen + b.reshape(2, groups, -1, 1), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(down.reshape(seen.shape), K.swapaxes(-1, -2) @ signal, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(once.reshape(K.shape), signal @ seen.swapaxes(-1, -2), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_any_number_of_threads_gives_the_same_bits(seed, monkeypatch):
    maps, W, b = random_maps(seed, "float32")
    found = []
    for count in (1, 2, 5):
        monkeypatch.setattr(convolver, "threads", lambda work, count=count: count)
        found.append(all_three(NumpyBackend(), maps, W, b))
    for other in found[1:]:
        for one, same in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(one, same)


def test_samples_do_not_change_each_other():
    """Those of a last vector that begins before the one in front of it has ended, too."""
    draw = np.random.default_rng(0)
    x, W = draw.normal(size=(1, 3, 6, 6, 70)), draw.normal(size=(1, 7, 3, 3, 3))
    windows, made = Windows((6, 6), (3, 3), (1, 1), (1, 1), ((1, 1), (1, 1))), {}
    for m in (70, 5):
        y = np.empty((1, 7, 6, 6, m))
        NumpyBackend().convolve(Maps(np.ascontiguousarray(x[..., :m]), y, windows), W)
        made[m] = y
    np.testing.assert_allclose(made[70][..., :5], made[5], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("which", ["gaps in x", "gaps in y", "another type"])
def test_arrays_that_it_can_not_read_as_they_lie_go_by_columns(which):
    maps, W, _ = random_maps(2, "float64")
    x, y = (np.empty((*a.shape[:-1], 2 * a.shape[-1]))[..., ::2] for a in (maps.x, maps.y))
    x[...], y[...] = maps.x, maps.y
    odd = {"gaps in x": {"x": x}, "gaps in y": {"y": y}, "another type": {"x": maps.x.astype(np.float32)}}[which]
    found, expected = np.empty_like(W), np.empty_like(W)
    NumpyBackend().filter_gradient(maps._replace(**odd), found)
    ByColumns().filter_gradient(maps._replace(**odd), expected)
    np.testing.assert_array_equal(found, expected)
    close = 1e-5 if which == "another type" else 1e-12
    ByColumns().filter_gradient(maps, expected)
    np.testing.assert_allclose(found, expected, rtol=close, atol=close * np.abs(expected).max())


def test_work_of_threads_raises_where_it_fails():
    def fails(part):
        if part == 1:
            raise ValueError("a part")

    with pytest.raises(ValueError, match="a part"):
        threads.share(3, fails)


@pytest.mark.usefixtures("fresh")
def test_code_that_is_wrong_is_not_used(monkeypatch):
    monkeypatch.setattr(convolver.Convolver, "gradient", lambda self, g, x, y, alpha, beta, out, scratch: out.fill(1))
    assert convolver.convolver("float32") is None
    assert NumpyBackend().describe()["convolution"] == "columns, and products of BLAS"
    maps, W, b = random_maps(0, "float32")
    for one, other in zip(all_three(NumpyBackend(), maps, W, b), all_three(ByColumns(), maps, W, b), strict=True):
        np.testing.assert_array_equal(one, other)
