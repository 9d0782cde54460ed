"""The floor: the matrix products that a step can't do without, through the same BLAS, each into an array of its own."""

from functools import partial
from itertools import pairwise

import numpy as np

from gpufa.backends import get_backend

from ...start import Start
from ...works import Work


class Products:
    def __init__(self, work: Work, start: Start, rule: str, device: str) -> None:
        self.backend = backend = get_backend("cupy" if device == "gpu" else "numpy", 0, work.precision)
        rng, sizes, m, L = np.random.default_rng(0), work.sizes, work.batch, len(work.sizes) - 1

        def array(*shape: int):
            return backend.to_device(rng.random((work.replicas, *shape), np.float32))

        h = [array(m, sizes[0]).swapaxes(1, 2), *(array(n, m) for n in sizes[1:])]
        delta, out = [array(n, m) for n in sizes], [array(n, m) for n in sizes]
        W = [array(n, below) for below, n in pairwise(sizes)]
        dW = [array(n, below) for below, n in pairwise(sizes)]
        hidden = sum(sizes[1:-1])
        B, stacked = array(hidden, sizes[-1]), array(hidden, m)

        def step() -> None:
            for k in range(1, L + 1):
                backend.gemm(W[k - 1], h[k - 1], out=out[k])
            if rule == "dfa":
                backend.gemm(B, delta[L], out=stacked)
            else:
                for k in range(L - 1, 0, -1):
                    backend.gemm(W[k].swapaxes(1, 2), delta[k + 1], out=out[k])
            pairs = zip(delta[1:], h[:-1], dW, strict=True)
            backend.parallel([partial(backend.gemm, d, x.swapaxes(1, 2), out=o) for d, x, o in pairs])

        self.step = backend.capture(step)

    def synchronize(self) -> None:
        self.backend.synchronize()

    def weights(self) -> None:
        return None


def make(work: Work, start: Start, rule: str, variant: str, device: str) -> Products:
    return Products(work, start, rule, device)
