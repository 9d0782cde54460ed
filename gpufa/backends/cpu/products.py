"""Matrix products on the CPU, all of them by SciPy's BLAS, since it can accumulate (beta = 1) without a temporary.

They go through the one BLAS: two BLAS thread pools in one process spin against each other.
"""

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..operations.base import Backend


class Products(Backend):
    """Products of NumPy arrays."""

    def __init__(self) -> None:
        super().__init__()
        # Threads that wait 2^26 cycles for another product take the processor from whoever works in between.
        os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "19")
        from scipy.linalg import blas

        self._gemm = {"f": blas.sgemm, "d": blas.dgemm}
        self._gemv = {"f": blas.sgemv, "d": blas.dgemv}

    def gemm(self, a: NDArray, b: NDArray, out: NDArray, alpha: Any = 1.0, beta: float = 0.0) -> None:
        """out = alpha * a @ b + beta * out; whole matrices, row- or column-major, go to BLAS as they lie, others all at
        once to NumPy."""
        if type(alpha) is not float:
            alpha = float(alpha if np.ndim(alpha) == 0 else alpha[0])
        self._products(a, b, out, alpha, beta)

    def _products(self, a: NDArray, b: NDArray, out: NDArray, alpha: float, beta: float) -> None:
        axes = out.ndim
        if axes == 2 or (out.size and not out[(0,) * (axes - 2)].flags.c_contiguous):
            self._product(a, b, out, alpha, beta)
            return
        does, each_a, each_b = self._product if axes == 3 else self._products, a.ndim == axes, b.ndim == axes
        for r, one in enumerate(out):
            does(a[r] if each_a else a, b[r] if each_b else b, one, alpha, beta)

    def _product(self, a: NDArray, b: NDArray, out: NDArray, alpha: float, beta: float) -> None:
        af, bf = a.flags, b.flags
        if out.flags.c_contiguous and out.size and a.size and af.forc and bf.forc:
            # BLAS is column-major: out^T = b^T a^T. A row-major matrix is its own transpose there, a column-major one
            # is flagged.
            left, flag_left = (b.T, 0) if bf.c_contiguous else (b, 1)
            right, flag_right = (a.T, 0) if af.c_contiguous else (a, 1)
            self._gemm[out.dtype.char](alpha, left, right, beta, out.T, flag_left, flag_right, 1)
            return
        product = self.scratch("product", out.shape, out.dtype) if beta else out
        np.matmul(a, b, out=product)
        if alpha != 1:
            product *= alpha
        if beta:
            if beta != 1:
                out *= beta
            out += product

    def row_sums(self, delta: NDArray, out: NDArray, alpha: Any = 1.0, beta: float = 0.0) -> None:
        ones = self._ones(delta.shape[-1], delta.dtype)
        factor = float(alpha if np.ndim(alpha) == 0 else alpha[0])
        for d, sums in zip(delta, out, strict=True):
            if d.flags.c_contiguous and d.size:
                self._gemv[d.dtype.char](factor, d.T, ones[:, 0], beta, sums, 0, 1, 0, 1, 1, 1)
            else:
                self.gemm(d, ones, out=sums[:, None], alpha=factor, beta=beta)

    def normalise(self, h: NDArray, G: NDArray, tiny: float, out: NDArray) -> None:
        n = h.shape[-2]
        squares, length = self.scratch("squares", h.shape, h.dtype), self.scratch("length", G.shape, h.dtype)
        np.multiply(h, h, out=squares)
        self.gemm(self._ones(n, h.dtype).T, squares, out=G)
        np.multiply(G, 1 / n, out=length)
        np.sqrt(length, out=length)
        length += tiny
        np.divide(h, length, out=out)

    def means(self, x: NDArray, axis: int, out: NDArray, by: NDArray | None = None) -> None:
        if by is not None:
            product = self.scratch("product for a mean", x.shape, x.dtype)
            x = np.multiply(x, by, out=product)
        np.mean(x, axis=axis, out=out, keepdims=True)

    def _ones(self, m: int, dtype: Any) -> NDArray:
        """The column (m, 1) of ones."""
        ones = self.room("ones", m, dtype)
        if m and ones[-1] != 1:
            ones.fill(1)
        return ones[:, None]
