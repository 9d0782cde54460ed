"""Sums over a graph's edges on a GPU: one launch, whose threads go along nodes."""

from typing import Any

from ..kernels import kernel
from ..operations.edges import Sparse
from .grids import slab_grid, steps, stride
from .launcher import Launcher

Array = Any


class EdgeKernels(Launcher):
    """The operation of `Edges`."""

    def neighbours(self, x: Array, weights: Sparse, out: Array, b: Array = None) -> None:
        replicas, rows, columns = out.shape
        maps = x if x.ndim > 2 else x[None]  # the replicas may share it
        assert all(a[0].flags.c_contiguous for a in (maps, out)), "units lie node beside node"
        found = kernel("edges", "neighbours", out.dtype.name)
        given = maps, steps(maps)[0], *weights, b, stride(b), out, stride(out)
        self._launch(found, *slab_grid(rows, columns, replicas), *given, rows, columns, replicas)
