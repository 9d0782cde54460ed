"""Sums on a GPU, over samples, over units, over all, which add up in one order always; and tests of all numbers."""

from typing import Any

import numpy as np

from ..kernels import Kernel, kernel
from ..operations.norms import Over
from ..operations.sums import TESTS
from .grids import MOST, THREADS, columns_grid, sample_grid, shared_grid, steps, stride, types, warp_grid
from .launcher import Launcher

Array = Any
PIECES = 256  # blocks that share a sum over an arena


class SumKernels(Launcher):
    """The operations of `Sums`, sums over samples, and what a gradient is clipped by."""

    def row_sums(self, delta: Array, out: Array, alpha: float | Array = 1.0, beta: float = 0.0) -> None:
        replicas, rows, columns = delta.shape
        factor = (None, alpha) if isinstance(alpha, int | float) else (alpha, 1.0)
        text = {**types(delta), "V": self._wide(columns, delta), "THREADS": str(THREADS)}
        given = delta, stride(delta), out, stride(out), *factor, beta
        grid, sizes = shared_grid(rows, columns, replicas), (rows, columns, replicas)
        if grid[0][0] == 1:
            self._launch(kernel("sums", "row_sums", **text), *warp_grid(rows, replicas), *given, *sizes)
            return
        branch = self.device.branch  # each has room of its own
        parts = self.scratch(f"parts of sums, {branch}", (replicas, rows, grid[0][0]), out.dtype)
        arrived = self.scratch(f"blocks that have summed, {branch}", (replicas, rows), "uint32")
        self._launch(kernel("sums", "long_row_sums", **text), *grid, *given, parts, arrived, *sizes)

    def dots(self, a: Array, b: Array, out: Array) -> None:
        if a.dtype != b.dtype:
            super().dots(a, b, out)
            return
        *_, rows, columns = np.broadcast_shapes(a.shape, b.shape)
        replicas, given = len(out), (a, *steps(a), b, *steps(b), out)
        if out.ndim > 1:
            grid = sample_grid(columns, 32, replicas, lanes=32)
            self._launch(_kernel("dots", "dots", a), *grid, *given, stride(out), rows, columns, replicas)
            return
        pieces = max(1, min(PIECES, rows * columns // THREADS))
        parts = self.scratch("parts of a product's sum", (replicas, pieces), "float64")
        arrived = self.scratch("blocks that have summed a product", (replicas,), "uint32")
        grid = (pieces, 1, min(replicas, MOST)), (THREADS, 1, 1)
        self._launch(_kernel("dots", "dot", a), *grid, *given, parts, arrived, rows, columns, replicas)

    def every(self, test: str, x: Array, out: Array) -> None:
        replicas, n = x.shape
        out.fill(True)
        found = kernel("every", "every", x.dtype.name, TEST=TESTS[test].cuda)
        self._launch(found, *columns_grid(n, replicas), x, stride(x), out, n, replicas)

    def clip_factors(self, g: Array, most: float, out: Array, over: Over | None = None) -> Array:
        replicas, n = g.shape
        squares = self.scratch("squares of pieces", (replicas, PIECES), "float64")
        grid = (PIECES, 1, min(replicas, MOST)), (THREADS, 1, 1)
        self._launch(_kernel("sums", "square_sums", g), *grid, g, stride(g), squares, n, replicas)
        if over:
            over(squares)
        self._launch(_kernel("sums", "clip_factors", g), *warp_grid(1, replicas), squares, PIECES, most, out, replicas)
        return out


def _kernel(file: str, name: str, x: Array) -> Kernel:
    return kernel(file, name, x.dtype.name, THREADS=str(THREADS))
