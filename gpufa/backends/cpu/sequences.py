"""Looking up and attention on the CPU."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...basics.arrays import T
from ..operations.sequences import Heads
from .products import Products

TILE = 512  # places that are turned over at a time, of BESIDE samples: both sides stay within the cache
BESIDE = 8


class NumpySequences(Products):
    """The operations of `Sequences` as NumPy's."""

    def look_up(self, W: NDArray, tokens: NDArray, out: NDArray) -> None:
        places, shape = self.numbers(tokens), (out.shape[-1], W.shape[-1])
        rows = self.scratch("rows that are looked up", shape, W.dtype)
        for r, one in enumerate(out):
            np.take(W[r], places[r] if len(places) > 1 else places[0], axis=0, out=rows, mode="clip")
            self.turn(rows, out=one)

    def add_look_ups(
        self, delta: NDArray, tokens: NDArray, out: NDArray, first: int = 0, alpha: Any = 1.0, beta: float = 0.0
    ) -> None:
        self.faded(out, beta)
        places, factor = self.numbers(tokens), self.number(alpha)
        last = first + out.shape[1]
        for r, (one, to) in enumerate(zip(delta, out, strict=True)):
            own = places[r] if len(places) > 1 else places[0]
            for n, row in enumerate(one):
                to[:, n] += factor * np.bincount(own, weights=row, minlength=last)[first:last]

    def faded(self, out: NDArray, beta: float) -> None:
        """out = beta * out, 0 whatever is there where that is 0."""
        if not beta:
            out.fill(0)
        elif beta != 1:
            np.multiply(out, beta, out=out)

    def number(self, alpha: Any) -> float:
        """A factor that is a number, or an array of one."""
        return float(alpha if np.ndim(alpha) == 0 else alpha[0])

    def numbers(self, tokens: NDArray) -> NDArray:
        """Those of tokens, (R or 1, T * m)."""
        found = self.scratch("numbers of tokens", tokens.shape, np.intp)
        np.copyto(found, tokens, casting="unsafe")
        return found.reshape(len(tokens) if tokens.ndim > 2 else 1, -1)

    def turn(self, x: NDArray, out: NDArray) -> None:
        rows, columns = x.shape[-2:]
        for i in range(0, rows, TILE):
            for j in range(0, columns, BESIDE):
                tile = x[..., i : i + TILE, j : j + BESIDE]
                out[..., j : j + BESIDE, i : i + TILE] = T(tile)

    @np.errstate(divide="ignore")  # log 0 is the -inf of what isn't seen
    def soften(self, weights: NDArray, heads: Heads) -> None:
        length, kind = weights.shape[-1], np.finfo(weights.dtype)
        most = self.scratch("largest of scores", (*weights.shape[:-1], 1), weights.dtype)
        if heads.causal:
            np.add(weights, self._behind(length, weights.dtype), out=weights)
        if heads.counted is not None:
            replicas, _, m = heads.counted.shape
            hidden = self.scratch("tokens not seen", (replicas, m, length), weights.dtype)
            np.log(T(heads.counted), out=hidden)
            np.add(weights, hidden[:, :, None, None], out=weights)
        np.maximum.reduce(weights, axis=-1, keepdims=True, out=most)
        np.maximum(most, kind.min, out=most)  # where no token is seen
        np.subtract(weights, most, out=weights)
        np.exp(weights, out=weights)
        np.add.reduce(weights, axis=-1, keepdims=True, out=most)
        np.maximum(most, kind.tiny, out=most)
        np.divide(weights, most, out=weights)

    def soften_back(self, weights: NDArray, delta: NDArray, factor: float) -> None:
        sums = self.scratch("sums of weights * delta", (*delta.shape[:-1], 1), delta.dtype)
        np.einsum("...u,...u->...", weights, delta, out=sums[..., 0])
        np.subtract(delta, sums, out=delta)
        np.multiply(delta, weights, out=delta)
        np.multiply(delta, factor, out=delta)

    def _behind(self, length: int, dtype: Any) -> NDArray:
        """0 where a token is seen, -inf where it is behind the one that looks, (T, T)."""
        key = ("behind", length, np.dtype(dtype).char)
        if key not in self._scratch:
            self._scratch[key] = np.triu(np.full((length, length), -np.inf, dtype), 1)
        return self._scratch[key]
