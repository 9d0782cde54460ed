"""What goes element by element, or over samples, on a GPU: one launch each."""

from typing import Any

from ...functions.formulas import Formula
from .. import kernels
from ..kernels import kernel
from .grids import columns_grid, sample_grid, slab_grid, steps, stride, types
from .launcher import Launcher

Array = Any
MOST_ARRAYS, MOST_NUMBERS = 20, 8  # of a formula


class ElementKernels(Launcher):
    """The operations of no product."""

    def evaluate(self, formula: Formula, *arrays: Array, **numbers: float) -> None:
        replicas, rows, columns = arrays[0].shape
        found = kernel("formula", "formula", **types(arrays[0]), **kernels.formula_text(formula))
        given = [part for x in arrays for part in (x, *steps(x))] + [None, 0, 0, 0] * (MOST_ARRAYS - len(arrays))
        values = [numbers[name] for name in formula.numbers.split()]
        values += [0.0] * (MOST_NUMBERS - len(values))
        self._launch(found, *slab_grid(rows, columns, replicas), *given, *values, rows, columns, replicas)

    def normalise(self, h: Array, G: Array, tiny: float, out: Array) -> None:
        replicas, rows, columns = h.shape
        units_first = steps(h)[1] == 1
        found = kernel("normalise", "normalise", **types(h), UNITS_FIRST=str(int(units_first)))
        grid = sample_grid(columns, 8 if units_first else 32, replicas)
        self._launch(found, *grid, h, *steps(h), G, out, *steps(out), tiny, rows, columns, replicas)

    def perturb(self, x: Array, slope: Array, size: float, out: Array) -> None:
        replicas, rows, columns = x.shape
        V = self._wide(columns, x, slope, out)
        found = kernel("elementwise", "perturb", **types(x), V=V)
        strided = (x, stride(x), slope, stride(slope), size, out, stride(out))
        self._launch(found, *slab_grid(rows, columns // V, replicas), *strided, rows, columns, replicas)

    def lower(self, x: Array, out: Array) -> None:
        replicas, n = x.shape
        V = self._wide(n, x, out)
        found = kernel("elementwise", "lower", **types(out), V=V)
        self._launch(found, *columns_grid(n // V, replicas), x, stride(x), out, stride(out), n, replicas)
