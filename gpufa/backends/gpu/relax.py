"""Steps of units that relax, on a GPU: the products, and one launch."""

from typing import Any

from .. import kernels
from ..kernels import kernel
from ..operations.dynamics import DESCEND, INFER, SETTLE
from ..operations.operands import Inputs, Nudge, Units
from .grids import in_rows, slab_grid, steps, stride, types
from .launcher import Launcher

Array = Any
NARROW = 16  # columns of V up to which V y is done by the kernel itself


class RelaxKernels(Launcher):
    """See Dynamics."""

    def drive(self, inputs: Inputs, out: Array, less: Array = None) -> None:
        product, (b, given) = self._products(inputs, out), _rest(inputs)
        replicas, rows, columns = out.shape
        V = self._wide(columns, out, given, less)
        found = kernel("elementwise", "drive", **types(out), V=V)
        pairs = [part for x in (product, b, given, less, out) for part in (x, stride(x))]
        self._launch(found, *slab_grid(rows, columns // V, replicas), *pairs, rows, columns, replicas)

    def settle(self, units: Units, inputs: Inputs) -> None:
        self._move(SETTLE, units, inputs, self._products(inputs, units.u, NARROW))

    def descend(
        self,
        units: Units,
        inputs: Inputs,
        step: float,
        pull: Array,
        nudge: Nudge | None = None,
        bound: bool = False,
    ) -> None:
        self._move(DESCEND, units, inputs, self._products(inputs, pull, NARROW), nudge=nudge, step=step, bound=bound)

    def infer(self, units: Units, inputs: Inputs, step: float, delta: Array, pull: Array) -> None:
        product = self._from_below(inputs, delta)
        if made := not _narrow(inputs, NARROW):
            self.gemm(inputs.V, inputs.y, out=pull, alpha=inputs.gain)
        self._move(INFER, units, inputs, product, above=pull if made else None, step=step, delta=delta)

    def _from_below(self, inputs: Inputs, out: Array) -> Array:
        """W x into out; None where there is no such product."""
        if inputs.W is None:
            return None
        self.gemm(inputs.W, inputs.x, out=out)
        return out

    def _products(self, inputs: Inputs, out: Array, narrow: int = 0) -> Array:
        """W x + gain V y into out, without the latter where V has no more columns than that; None where there is
        neither."""
        product = self._from_below(inputs, out)
        if inputs.V is None or _narrow(inputs, narrow):
            return product
        self.gemm(inputs.V, inputs.y, out=out, alpha=inputs.gain, beta=0.0 if product is None else 1.0)
        return out

    def _move(
        self,
        move: str,
        units: Units,
        inputs: Inputs,
        product: Array,
        above: Array = None,
        nudge: Nudge | None = None,
        step: float = 1.0,
        delta: Array = None,
        bound: bool = False,
    ) -> None:
        f, u, h, mask, sent = units
        assert stride(u) == stride(h) == stride(sent), "u, h and what is sent are of slabs of one size"
        b, given = _rest(inputs)
        e, sign, strength = nudge or (None, None, 0.0)
        matrix, signal = (inputs.V, inputs.y) if _narrow(inputs, NARROW) else (None, None)
        inner, lies = (0, (0, 0, 0)) if matrix is None else (matrix.shape[-1], steps(matrix))
        replicas, rows, columns = u.shape
        V = self._wide(columns, u, h, mask, sent, product, given, above, e, delta, signal)
        text = kernels.activation_text(f) | kernels.derivative_text(f) | {"MOVE": move}
        found = kernel("relax", "relax", **types(u), V=V, **text)
        pairs = [part for x in (product, b, given, above, e, delta, mask) for part in (x, stride(x))]
        self._launch(
            found,
            *slab_grid(rows, columns // V, replicas),
            *(u, h, None if mask is None else sent, stride(u), *pairs),
            *(matrix, *lies, signal, stride(signal), inner, inputs.gain),
            *(sign, strength, step, int(bound), rows, columns, replicas),
        )


def _narrow(inputs: Inputs, most: int) -> bool:
    """Whether V y is better done by the kernel itself."""
    return inputs.V is not None and inputs.V.shape[-1] <= most and in_rows(inputs.y)


def _rest(inputs: Inputs) -> tuple[Array, Array]:
    """What is added to the products: a bias, or W x + b as it was given."""
    return (None, inputs.b) if inputs.W is None else (inputs.b, None)
