"""Windows on maps on a GPU: one launch each, whose threads go along samples first and then along places or windows."""

from dataclasses import replace
from typing import Any

from ..kernels import kernel
from ..operations.places import Windows
from .grids import slab_grid, steps, stride
from .launcher import Launcher

Array = Any


class MapKernels(Launcher):
    """The operations of `Places`, and these themselves where maps don't lie whole in memory."""

    def columns(self, x: Array, windows: Windows, rows: range, out: Array) -> None:
        maps, seen = (x, out) if x.ndim > 4 else (x[None], out[None])
        if not _whole(maps, seen):
            super().columns(x, windows, rows, out)
            return
        taps = maps.shape[1] * windows.kernel[0] * windows.kernel[1]
        sizes = taps, len(rows) * windows.grid[1], len(maps)
        self._windows("columns", sizes, (x, out), maps, steps(maps)[0], out, rows.start, *_geometry(windows))

    def add_columns(self, columns: Array, windows: Windows, rows: range, out: Array, more: bool = False) -> None:
        if not _whole(columns, out):
            super().add_columns(columns, windows, rows, out, more)
            return
        self._add(columns, windows, rows, out, more=more)

    def spread(self, taps: Array, windows: Windows, out: Array) -> None:
        if not _whole(taps, out):
            super().spread(taps, windows, out)
            return
        self._add(taps[..., None, None, :], windows, range(windows.grid[0]), out)

    def gather(self, x: Array, windows: Windows, out: Array) -> None:
        if not _whole(x, out):
            super().gather(x, windows, out)
            return
        # A tap sees as many places as there are windows, a stride apart, and the next tap begins a dilation further.
        self._sum(x, replace(windows, kernel=windows.grid, stride=windows.dilation, dilation=windows.stride), out, 1.0)

    def max_pool(self, x: Array, windows: Windows, out: Array) -> None:
        if not windows.solid or not _whole(maps := _own(x), out):
            super().max_pool(x, windows, out)
            return
        sizes = out.shape[1], windows.grid[0] * windows.grid[1], len(out)
        given = maps, steps(maps)[0], out, stride(out)
        self._windows("max_windows", sizes, (x, out), *given, *_pool(windows), windows.grid[1])

    def max_unpool(self, delta: Array, x: Array, y: Array, windows: Windows, out: Array) -> None:
        if not windows.solid or not _whole(maps := _own(x), delta, y, out):
            super().max_unpool(delta, x, y, windows, out)
            return
        sizes = out.shape[1], windows.size[0] * windows.size[1], len(out)
        given = delta, stride(delta), maps, steps(maps)[0], y, stride(y), out, stride(out)
        self._windows("max_places", sizes, (delta, x, y, out), *given, *_pool(windows), *windows.grid)

    def mean_pool(self, x: Array, windows: Windows, out: Array) -> None:
        if not _whole(_own(x), out):
            super().mean_pool(x, windows, out)
            return
        self._sum(x, windows, out, _share(windows))

    def mean_unpool(self, delta: Array, windows: Windows, out: Array) -> None:
        if not _whole(delta, out):
            super().mean_unpool(delta, windows, out)
            return
        same = delta[:, :, None, None]  # at each tap
        self._add(same, windows, range(windows.grid[0]), out, _share(windows))

    def _add(
        self, columns: Array, windows: Windows, rows: range, out: Array, factor: float = 1.0, more: bool = False
    ) -> None:
        sizes = out.shape[1], windows.size[0] * windows.size[1], len(out)
        given = columns, *steps(columns)[:-1], out, stride(out), factor, more, rows.start, rows.stop - 1
        self._windows("add_columns", sizes, (columns, out), *given, *_geometry(windows))

    def _sum(self, x: Array, windows: Windows, out: Array, factor: float) -> None:
        maps, sizes = _own(x), (out.shape[1], out.shape[2] * out.shape[3], len(out))
        given = maps, steps(maps)[0], out, stride(out), factor
        self._windows("sum_windows", sizes, (x, out), *given, *_geometry(windows)[:-1], out.shape[3])

    def _windows(self, name: str, sizes: tuple[int, int, int], arrays: tuple[Array, ...], *given: Any) -> None:
        """Launch over (rows, places of m samples each, replicas)."""
        (rows, places, replicas), m = sizes, arrays[0].shape[-1]
        V = self._wide(m, *arrays)
        found = kernel("maps", name, arrays[0].dtype.name, V=V)
        self._launch(found, *slab_grid(rows, places * m // V, replicas), *given, m, rows, places * m, replicas)


def _own(x: Array) -> Array:
    """Maps with an axis of replicas, 1 long where they share them."""
    return x[None] if x.ndim == 4 else x


def _whole(*arrays: Array) -> bool:
    """Whether each replica of each lies in memory without gaps, all of one type."""
    return all(a.dtype == arrays[0].dtype and a[0].flags.c_contiguous for a in arrays)


def _geometry(windows: Windows) -> tuple[int, ...]:
    (above, _), (left, _) = windows.pad
    return (*_pool(windows), *windows.dilation, above, left, windows.grid[1])


def _pool(windows: Windows) -> tuple[int, ...]:
    return (*windows.size, *windows.kernel, *windows.stride)


def _share(windows: Windows) -> float:
    return 1 / (windows.kernel[0] * windows.kernel[1])
