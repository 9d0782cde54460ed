"""The floor: the matrix products that a step can't do without, through the same BLAS, each into an array of its own.

Inside a block an error goes down through all layers but the lowest, with direct feedback as with backprop; what direct
feedback adds is B_k e for each block, in place of what would go from block to block.
"""

from collections.abc import Callable

import numpy as np

from gpufa.backends import get_backend
from gpufa.layers import Attention, block
from gpufa.layers.protocol.sequences import stepwise

from ...start import Start
from ...works import Work
from .shared import shapes_of


class Products:
    def __init__(self, work: Work, start: Start, rule: str, device: str) -> None:
        self.backend = get_backend("cupy" if device == "gpu" else "numpy", 0, work.precision)
        self.rng, self.jobs, m = np.random.default_rng(0), [], work.batch
        blocks, shapes = [block(word) for word in work.layers[1:]], shapes_of(work)
        outputs = blocks[-1].out(shapes[-1])[0]
        for one, shape in zip(blocks, shapes, strict=True):
            for layer, own in one.walk(shape):
                matrices = {name: p.shape for name, p in layer.parameters(own).items() if len(p.shape) > 1}
                if not stepwise(own):
                    continue
                for rows, columns in matrices.values():
                    self._both_ways(rows, columns, own[1] * m)
                if isinstance(layer, Attention):
                    self._attention(m * layer.heads, own[0] // layer.heads, own[1])
            if rule == "dfa" and one is not blocks[-1]:
                features, length = one.out(shape)
                self._product((1, features, outputs), (1, outputs, length * m))
        self.step = self.backend.capture(lambda: [job() for job in self.jobs] and None)

    def _both_ways(self, rows: int, columns: int, n: int) -> None:
        """W x, W^T delta and delta x^T."""
        self._product((1, rows, columns), (1, columns, n))
        self._product((1, columns, rows), (1, rows, n))
        self._product((1, rows, n), (1, n, columns))

    def _attention(self, count: int, d: int, length: int) -> None:
        """Scores and what is taken, and four products on the way down."""
        for left, right in (((length, d), (d, length)), ((d, length), (length, length))):
            self._product((count, *left), (count, *right))
        for left, right in (((length, d), (d, length)), *[((d, length), (length, length))] * 3):
            self._product((count, *left), (count, *right))

    def _product(self, left: tuple[int, ...], right: tuple[int, ...]) -> None:
        shapes = left, right, (*left[:-1], right[-1])
        a, b, out = (self.backend.to_device(self.rng.random(shape, np.float32)) for shape in shapes)
        job: Callable[[], None] = lambda: self.backend.gemm(a, b, out=out)  # noqa: E731
        self.jobs.append(job)

    def synchronize(self) -> None:
        self.backend.synchronize()

    def weights(self) -> None:
        return None


def make(work: Work, start: Start, rule: str, variant: str, device: str) -> Products:
    return Products(work, start, rule, device)
