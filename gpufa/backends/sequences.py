"""What nets of tokens are made of beside products: rows that are looked up, and attention.

In attention a sample's numbers lie together, and not a unit's: each head of each sample is a product of its own.
"""

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

from ..basics.arrays import T

Array = Any


class Heads(NamedTuple):
    """What one attention keeps of a pass: queries, keys and values, (R, m, heads, features of a head, tokens) each, and
    how much of each token goes to which, `weights`, (R, m, heads, tokens, tokens). Where tokens may fill up, `counted`,
    (R, tokens, m), is 1 for those that don't, else 0; with `causal` none sees those behind it."""

    queries: Array
    keys: Array
    values: Array
    weights: Array
    causal: bool
    counted: Array = None


class Sequences:
    """Looking up, and attention; the products are the backend's own."""

    xp: ModuleType
    scratch: Callable[..., Array]
    gemm: Callable[..., None]

    def look_up(self, W: Array, tokens: Array, out: Array) -> None:
        """out[r, :, i] = W[r, tokens[i]]: (R, V, n), whole numbers as floats (R, T, m) or (T, m), to (R, n, T * m)."""
        raise NotImplementedError

    def add_look_ups(
        self, delta: Array, tokens: Array, out: Array, first: int = 0, alpha: Any = 1.0, beta: float = 0.0
    ) -> None:
        """out = alpha * (the sums of delta over the places of each token, from that numbered `first` on) + beta * out:
        (R, n, T * m) to (R, some of V, n), place by place in one order always."""
        raise NotImplementedError

    def turn(self, x: Array, out: Array) -> None:
        """out = x with its last two axes swapped."""
        out[...] = T(x)

    def soften(self, heads: Heads) -> None:
        """Scores, in weights, become weights: e^s over their sum, of the tokens that are seen. Where none is, all are
        0."""
        raise NotImplementedError

    def soften_back(self, weights: Array, delta: Array, factor: float) -> None:
        """delta = factor * weights * (delta - the sum of weights * delta): the signal at the scores, in place."""
        raise NotImplementedError

    def attend(self, made: Array, heads: Heads, out: Array) -> None:
        """From queries, keys and values below each other, (R, 3 d, T * m), what each token takes of the others', (R, d,
        T * m)."""
        d, size = made.shape[1] // 3, heads.queries.shape[3]
        for i, to in enumerate(heads[:3]):
            self.turn(_by_samples(made[:, i * d : (i + 1) * d], to), out=_flat(to))
        q, k, v, weights = map(_each, heads[:4])
        self.gemm(T(q), k, out=weights, alpha=1 / math.sqrt(size))
        self.soften(heads)
        mixed = self.scratch("mixed by attention", heads.values.shape, out.dtype)
        self.gemm(v, T(weights), out=_each(mixed))
        self.turn(_flat(mixed), out=_by_samples(out, mixed))

    def attend_back(self, delta: Array, heads: Heads, out: Array) -> None:
        """The signal at queries, keys and values, (R, 3 d, T * m), of that at what was taken, (R, d, T * m)."""
        d, (q, k, v, weights) = delta.shape[1], map(_each, heads[:4])
        came, to = (self.scratch(f"{name} of attention", heads.values.shape, out.dtype) for name in ("signal", "part"))
        scores = self.scratch("signal at scores", heads.weights.shape, out.dtype)
        self.turn(_by_samples(delta, came), out=_flat(came))
        g, s, part = map(_each, (came, scores, to))
        self.gemm(T(g), v, out=s)
        for i, (left, right) in ((2, (g, weights)), (0, (k, T(s))), (1, (q, s))):
            if i == 0:
                self.soften_back(weights, s, 1 / math.sqrt(v.shape[1]))
            self.gemm(left, right, out=part)
            self.turn(_flat(to), out=_by_samples(out[:, i * d : (i + 1) * d], to))


def _each(a: Array) -> Array:
    """(R, m, heads, ...) as (R * m * heads, ...)."""
    return a.reshape(-1, *a.shape[3:])


def _flat(a: Array) -> Array:
    """(R, m, heads, features, tokens) as (R, m, d * tokens)."""
    return a.reshape(*a.shape[:2], -1)


def _by_samples(x: Array, like: Array) -> Array:
    """(R, d, T * m) as (R, d * T, m)."""
    return x.reshape(len(x), -1, like.shape[1])
