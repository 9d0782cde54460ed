"""From the error to every hidden layer's delta: f', and feedback matrices that are stored, or made as they are used."""

from collections.abc import Iterable
from typing import Any

from ...basics.random import Purpose
from .. import kernels
from ..kernels import kernel
from ..operations.keyed import KeyedMatrix
from ..operations.operands import Gate
from .grids import in_rows, rows_grid, slab_grid, stride, types
from .launcher import Launcher

Array = Any
SMALL = 16  # columns of a feedback matrix up to which its product is done in registers, f' and all
ALL = slice(None)
ROWS = 16  # of a feedback matrix, kept by one block


class FeedbackKernels(Launcher):
    """The operations that rules are written in."""

    def gated(self, delta: Array, gate: Gate, out: Array) -> None:
        replicas, rows, columns = out.shape
        arrays = delta, gate.z, gate.mask, out
        V = self._wide(columns, *arrays)
        found = kernel("gate", "gate", **types(out), V=V, **kernels.derivative_text(gate.activation))
        grid = slab_grid(rows, columns // V, replicas)
        self._launch(found, *grid, *arrays, *map(stride, arrays), rows, columns, replicas)

    def feedback_delta(self, matrix: Array | KeyedMatrix, signal: Array, gates: Iterable[Gate], out: Array) -> None:
        if matrix.shape[-1] <= SMALL:
            for gate in gates:
                self._feedback_rows(matrix[:, gate.rows], signal, gate, out[:, gate.rows])
        else:
            super().feedback_delta(matrix, signal, gates, out)

    def through(self, matrix: Array | KeyedMatrix, signal: Array, out: Array) -> None:
        if matrix.shape[-1] <= SMALL:
            self._feedback_rows(matrix, signal, Gate(None, out, None, ALL), out)
        elif isinstance(matrix, KeyedMatrix):
            super().through(matrix, signal, out)
        else:  # the same rows at a time: cuBLAS rounds by the size of a product
            for rows in self.panels(matrix.shape, out.itemsize):
                self.gemm(matrix[:, rows], signal, out=out[:, rows])

    def _feedback_rows(self, matrix: Array | KeyedMatrix, e: Array, gate: Gate, out: Array) -> None:
        """One launch: the product of a few columns, f' and the mask."""
        replicas, rows, columns = out.shape
        e = e if in_rows(e) else self.to_device(e)
        V = self._wide(columns, e, gate.z, gate.mask, out)
        text = kernels.derivative_text(gate.activation) | {"ROWS": str(ROWS), "INNER": str(matrix.shape[-1])}
        if isinstance(matrix, KeyedMatrix):
            text |= kernels.law_text(matrix.law) | {"KEYED": "1"}
            source = (None, 0, 0, 0, self._seeds(matrix.seeds), *matrix.rows_key)
        else:
            text |= {"KEYED": "0"}
            size = matrix.itemsize
            source = (matrix, stride(matrix), *(step // size for step in matrix.strides[1:]), *(None,) * 4)
        found = kernel("feedback", "feedback_delta", **types(out), V=V, **text)
        self._launch(
            found,
            *rows_grid(-(-rows // ROWS), columns // V, replicas, ROWS),
            *source,
            *(e, stride(e), gate.z, stride(gate.z), gate.mask, stride(gate.mask), out, stride(out)),
            *(rows, columns, replicas),
        )

    def keyed_rows(self, matrix: KeyedMatrix, out: Array) -> None:
        replicas, rows, columns = out.shape
        found = kernel("random", "keyed_rows", **types(out), **kernels.law_text(matrix.law))
        self._launch(
            found,
            *slab_grid(rows, columns // 4 + 2, replicas),
            *(out, self._seeds(matrix.seeds), *matrix.rows_key, int(Purpose.FEEDBACK)),
            *(rows, columns, stride(out), replicas),
        )
