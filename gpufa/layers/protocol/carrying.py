"""What carries a signal back through a layer, and how it gets to where it is awaited."""

from typing import Any

from ...backends.operations.operands import Signal
from ...basics.arrays import Array, T
from .terms import Shape


def carrier(W: Array) -> Array:
    """W as it carries a signal back, (R, ...), as what stands in for it does: a matrix's transpose, a kernel itself."""
    return T(W) if W.ndim == 3 else W


def carrier_shape(shape: Shape) -> Shape:
    """Of the carrier of a parameter of that shape."""
    return shape[::-1] if len(shape) == 2 else shape


def write(backend: Any, signal: Signal, out: Array, more: bool = False) -> None:
    """The signal into `out`, (R, n, m), where it may stand already, or with `more` onto what is there."""
    if signal.matrix is not None and more:
        backend.gemm(signal.matrix, signal.signal, out=out, beta=1.0)
    elif signal.matrix is not None:
        backend.through(signal.matrix, signal.signal, out=out)
    elif more:
        out += signal.signal
    elif signal.signal is not out:
        out[...] = signal.signal
    if signal.plus is not None:
        out += signal.plus
