"""Products with the signal at a layer's output where direct feedback has made that of few outputs' errors: delta = B e
has no more rank than e has rows, so that W^T delta = (W^T B) e and delta x^T = B (e x^T) take as much less."""

from ...basics.arrays import Array, T
from .layer import At
from .terms import Sums


def taken_through(at: At, W: Array, delta: Array, out: Array) -> None:
    """out = W @ delta, (R, n, features) and the signal at the place by features, (R, features, places * m)."""
    if (factors := at.factors) and factors.few:
        shape = *W.shape[:2], factors.matrix.shape[2]
        both = at.backend.scratch("weights times feedback", shape, delta.dtype)
        at.backend.gemm(W, factors.matrix, out=both)
        at.backend.gemm(both, factors.signal, out=out)
    else:
        at.backend.gemm(W, delta, out=out)


def hand_over(at: At, grads: Sums, name: str, delta: Array, x: Array) -> None:
    """The parameter's gradient += delta x^T, (R, features, places * m) and (R, n, places * m)."""
    if (factors := at.factors) and factors.few:
        shape = len(delta), factors.matrix.shape[2], x.shape[-2]
        both = at.backend.scratch("errors times activity", shape, delta.dtype)
        at.backend.gemm(factors.signal, T(x), out=both)
        grads.product(name, factors.matrix, T(both))
    else:
        grads.product(name, delta, x)
