"""Looking up and attention on a GPU: a launch each, but for the products, one for all heads of all samples."""

from typing import Any

import numpy as np

from ..kernels import kernel
from ..operations.sequences import Heads
from .grids import columns_grid, slab_grid, steps, stride, tile_grid, warp_grid
from .launcher import Launcher

Array = Any


class SequenceKernels(Launcher):
    """The operations of `Sequences`."""

    def look_up(self, W: Array, tokens: Array, out: Array) -> None:
        replicas, rows, columns = out.shape
        found = kernel("sequences", "look_up", out.dtype.name)
        given = W, stride(W), tokens, _own(tokens), out, stride(out)
        self._launch(found, *slab_grid(rows, columns, replicas), *given, rows, columns, replicas)

    def add_look_ups(
        self, delta: Array, tokens: Array, out: Array, first: int = 0, alpha: Any = 1.0, beta: float = 0.0
    ) -> None:
        replicas, rows, columns = delta.shape
        if not beta:
            out.fill(0)
        elif beta != 1:
            out *= beta
        each = replicas if _own(tokens) else 1
        next_place = self.scratch("next places of tokens", (each, columns), "int64")
        links = kernel("sequences", "link_tokens", delta.dtype.name)
        self._launch(links, *columns_grid(columns, each), tokens, _own(tokens), next_place, columns, each)
        factor = (None, alpha) if isinstance(alpha, int | float) else (alpha, 1.0)
        found = kernel("sequences", "add_look_ups", delta.dtype.name)
        given = delta, stride(delta), tokens, _own(tokens), next_place, columns if each > 1 else 0, out, *steps(out)
        last, grid = first + out.shape[1], slab_grid(rows, columns, replicas)
        self._launch(found, *grid, *given, *factor, first, last, rows, columns, replicas)

    def turn(self, x: Array, out: Array) -> None:
        replicas, rows, columns = x.shape
        pitches = (a.strides[1] // a.itemsize for a in (x, out))
        strided = [part for a, pitch in zip((x, out), pitches, strict=True) for part in (a, stride(a), pitch)]
        found = kernel("sequences", "turn", x.dtype.name)
        self._launch(found, *tile_grid(rows, columns, replicas), *strided, rows, columns, replicas)

    def soften(self, weights: Array, heads: Heads) -> None:
        kind = np.finfo(weights.dtype)
        replicas, samples, each, tokens, _ = weights.shape
        rows = samples * each * tokens
        found = kernel("sequences", "soften", weights.dtype.name)
        given = weights, heads.counted, stride(heads.counted), heads.causal, float(kind.min), float(kind.tiny)
        self._launch(found, *warp_grid(rows, replicas), *given, each, samples, tokens, rows, replicas)

    def soften_back(self, weights: Array, delta: Array, factor: float) -> None:
        replicas, (*rows, tokens) = len(weights), weights.shape[1:]
        found, count = kernel("sequences", "soften_back", weights.dtype.name), int(np.prod(rows))
        self._launch(found, *warp_grid(count, replicas), weights, delta, factor, tokens, count, replicas)


def _own(tokens: Array) -> int:
    """Elements from the tokens of one replica to the next; 0 where they share them."""
    return stride(tokens) if tokens.ndim > 2 and len(tokens) > 1 else 0
