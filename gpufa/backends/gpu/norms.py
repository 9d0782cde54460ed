"""Norms on a GPU: a launch for the means, and one for what is made of them; going after a mean is one, too."""

from typing import Any

import numpy as np

from ..kernels import Kernel, kernel
from ..operations.norms import Moments, Over
from .grids import THREADS, columns_grid, sample_grid, shared_grid, slab_grid, steps, stride
from .launcher import Launcher

Array = Any


class NormKernels(Launcher):
    """The operations of `Norms`."""

    def norm(
        self,
        x: Array,
        axis: int,
        eps: float,
        gain: Array,
        shift: Array,
        moments: Moments,
        z: Array,
        out: Array,
        over: Over | None = None,
    ) -> None:
        self._sums(x, axis, moments.mean, moments.variance)
        if over:
            mean, variance, _ = moments
            between = self.scratch("from one mean to another", mean.shape, mean.dtype)
            between[...] = mean
            over(mean)
            between -= mean
            between *= between
            variance += between  # about the mean of all
            over(variance)
        self._up(x, moments.mean, eps, gain, shift, moments, z, out)

    def standardise(self, z: Array, eps: float, gain: Array, shift: Array, moments: Moments, out: Array) -> None:
        self._up(z, None, eps, gain, shift, moments, z, out)

    def _up(
        self, x: Array, mean: Array, eps: float, gain: Array, shift: Array, moments: Moments, z: Array, out: Array
    ) -> None:
        """Of x less the mean, if that is not off already."""
        (replicas, rows, columns), tiny = out.shape, float(np.finfo(out.dtype).tiny)
        found = _kernel("norm_up", out, V := self._wide(columns, x, z, out))
        strided = [part for a in (mean, *moments[1:], gain, shift, z, out) for part in (a, stride(a))]
        given = x, steps(x)[0], *strided, eps, tiny, *steps(moments.factor)[1:]
        self._launch(found, *slab_grid(rows, columns // V, replicas), *given, rows, columns, replicas)

    def norm_back(
        self, delta: Array, axis: int, gain: Array, factor: Array, z: Array, out: Array, over: Over | None = None
    ) -> None:
        replicas, rows, columns = out.shape
        mean, along = (self.scratch(f"mean {of} of a signal", factor.shape, out.dtype) for of in ("itself", "along z"))
        self._sums(delta, axis, mean, along, z, gain)
        if over:
            over(mean)
            over(along)
        found = _kernel("norm_down", out, V := self._wide(columns, delta, z, out))
        strided = [part for a in (delta, z, gain) for part in (a, stride(a))]
        given = *strided, mean, along, factor, stride(factor), out, stride(out), *steps(factor)[1:]
        self._launch(found, *slab_grid(rows, columns // V, replicas), *given, rows, columns, replicas)

    def follow(self, running: Array, found: Array, momentum: float, times: float = 1.0) -> None:
        replicas, n = running.shape
        given = running, stride(running), found, stride(found), momentum, times
        self._launch(_kernel("follow", running), *columns_grid(n, replicas), *given, n, replicas)

    def _sums(self, x: Array, axis: int, first: Array, second: Array, z: Array = None, gain: Array = None) -> None:
        """Mean and variance of x, or with z the means of gain * x and of gain * x * z."""
        replicas, (rows, columns) = len(first), x.shape[-2:]
        given = x, steps(x)[0], z, stride(z), gain, stride(gain), first, second
        if axis == -2:
            found = _kernel("column_norm_sums", x)
            self._launch(found, *sample_grid(columns, 32, replicas, lanes=32), *given, rows, columns, replicas)
            return
        found, grid = _kernel("row_norm_sums", x, self._wide(columns, x, z)), shared_grid(rows, columns, replicas)
        parts = self.scratch("parts of a norm's sums", (replicas, rows, grid[0][0], 2), "float64")
        arrived = self.scratch("blocks that have added up", (replicas, rows), "uint32")
        self._launch(found, *grid, *given, parts, arrived, rows, columns, replicas)


def _kernel(name: str, x: Array, V: int = 1) -> Kernel:
    return kernel("norms", name, x.dtype.name, V=V, THREADS=str(THREADS))
