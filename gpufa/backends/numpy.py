"""The CPU: NumPy's ufuncs, and SciPy's BLAS for every product, since it can accumulate (beta = 1) without a temporary.

All products go through the one BLAS: two BLAS thread pools in one process spin against each other.
"""

import os
import platform
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import optimizers
from ..activations import Activation
from ..optimizers import CHUNK, Hyper, Optimizer
from .base import Backend


class NumpyBackend(Backend):
    """NumPy arrays on the CPU."""

    name = "numpy"
    xp = np

    def __init__(self) -> None:
        super().__init__()
        from scipy.linalg import blas

        self._gemm = {"f": blas.sgemm, "d": blas.dgemm}
        self._gemv = {"f": blas.sgemv, "d": blas.dgemv}

    def to_device(self, array: Any, dtype: Any = None) -> NDArray:
        return np.ascontiguousarray(array, dtype)

    def to_host(self, array: NDArray) -> NDArray:
        return np.asarray(array)

    def gemm(self, a: NDArray, b: NDArray, out: NDArray, alpha: float = 1.0, beta: float = 0.0) -> None:
        """out = alpha * a @ b + beta * out; whole matrices, row- or column-major, go to BLAS as they lie."""
        if out.ndim == 2:
            self._product(a, b, out, alpha, beta)
        else:
            for r, one in enumerate(out):
                self._product(a[r] if a.ndim > 2 else a, b[r] if b.ndim > 2 else b, one, alpha, beta)

    def _product(self, a: NDArray, b: NDArray, out: NDArray, alpha: float, beta: float) -> None:
        af, bf = a.flags, b.flags
        if not (out.flags.c_contiguous and out.size and a.size and af.forc and bf.forc):
            return super().gemm(a, b, out, alpha, beta)
        # BLAS is column-major: out^T = b^T a^T. A row-major matrix is its own transpose there, a column-major one is
        # flagged.
        left, flag_left = (b.T, 0) if bf.c_contiguous else (b, 1)
        right, flag_right = (a.T, 0) if af.c_contiguous else (a, 1)
        self._gemm[out.dtype.char](alpha, left, right, beta, out.T, flag_left, flag_right, 1)
        return None

    def layer(self, W: NDArray, x: NDArray, b: NDArray, activation: Activation | None, a: NDArray, h: NDArray) -> None:
        """The product accumulates onto the bias: half the time of a broadcast sum, which NumPy would buffer."""
        np.copyto(a, b[..., None])
        self.gemm(W, x, out=a, beta=1.0)
        if activation:
            activation.value(a, h)

    def row_sums(self, delta: NDArray, out: NDArray, alpha: float = 1.0, beta: float = 0.0) -> None:
        ones = self.ones(delta.shape[-1], delta.dtype)[:, 0]
        for d, sums in zip(delta, out, strict=True):
            if d.flags.c_contiguous and d.size:
                self._gemv[d.dtype.char](alpha, d.T, ones, beta, sums, 0, 1, 0, 1, 1, 1)
            else:
                super().row_sums(d[None], sums[None], alpha, beta)

    def gather(self, rows: NDArray, index: NDArray, out: NDArray) -> None:
        for one, i in zip(out, index, strict=True):
            np.take(rows, i, axis=0, out=one, mode="clip")  # mode="raise" would buffer `out`

    def from_host(self, out: NDArray, fill: Callable[[NDArray], Any]) -> None:
        fill(out)

    def optimizer_update(
        self, optimizer: Optimizer, p: NDArray, g: NDArray, states: Any, hyper: Hyper, decay: str
    ) -> None:
        optimizers.apply(optimizer, p, g, states, self.scratch((CHUNK,), p.dtype), hyper, decay)

    def norm(self, g: NDArray) -> float:
        pieces = (g[start : start + CHUNK] for start in range(0, len(g), CHUNK))
        return float(sum(float(np.einsum("i,i->", piece, piece)) for piece in pieces)) ** 0.5

    def describe(self) -> dict[str, str]:
        import scipy
        from threadpoolctl import threadpool_info

        pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
        blas = "; ".join(
            f"{pool['internal_api']} {pool['version']} ({pool.get('architecture', '?')}, {pool['num_threads']} threads)"
            for pool in pools
        )
        return {
            "processor": _processor(),
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "BLAS": blas or "unknown",
            "TF32": "no: products are done in full precision",
        }


def _processor() -> str:
    """The processor's name and the number of cores this process may use."""
    name = platform.processor() or platform.machine()
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    return f"{name}, {len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()} cores"
