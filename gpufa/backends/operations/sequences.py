"""What nets of tokens are made of beside products: rows that are looked up, and attention.

In attention a sample's numbers lie together, and not a unit's: each head of each sample is a product of its own.
"""

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

from ...basics.arrays import T

Array = Any
KINDS = "queries", "keys", "values"


class Heads(NamedTuple):
    """An attention of so many heads, of so many samples; with `causal` no token sees those behind it. Where tokens may
    fill up, `counted`, (R, tokens, m), is 1 for those that don't, else 0. `kept(name, *shape)` is room for what the way
    down needs again, (R, *shape), the same at every step."""

    number: int
    samples: int
    causal: bool
    kept: Callable[..., Array]
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

    def soften(self, weights: Array, heads: Heads) -> None:
        """Scores, (R, m, heads, tokens, tokens), become weights: e^s over their sum, of the tokens that are seen. Where
        none is, all are 0."""
        raise NotImplementedError

    def soften_back(self, weights: Array, delta: Array, factor: float) -> None:
        """delta = factor * weights * (delta - the sum of weights * delta): the signal at the scores, in place."""
        raise NotImplementedError

    def weigh(self, made: Array, heads: Heads) -> Array:
        """From queries, keys and values below each other, (R, 3 d, T * m), how much of each token goes to which, (R, m,
        heads, tokens, tokens)."""
        q, k = (self._turned(made, heads, i) for i in (0, 1))
        weights = heads.kept("weights", *q.shape[1:3], q.shape[4], q.shape[4])
        self.gemm(T(_each(q)), _each(k), out=_each(weights), alpha=1 / math.sqrt(q.shape[3]))
        self.soften(weights, heads)
        return weights

    def attend(self, made: Array, heads: Heads, out: Array) -> None:
        """Of the same, what each token takes of the others', (R, d, T * m)."""
        weights, v = self.weigh(made, heads), self._turned(made, heads, 2)
        mixed = self.scratch("mixed by attention", v.shape, out.dtype)
        self.gemm(_each(v), T(_each(weights)), out=_each(mixed))
        self.turn(_flat(mixed), out=_by_samples(out, mixed))

    def attend_back(self, delta: Array, made: Array, heads: Heads, out: Array) -> None:
        """The signal at queries, keys and values, (R, 3 d, T * m), of that at what was taken, (R, d, T * m); behind
        `attend` of the same."""
        d, kept = delta.shape[1], [self._kept(made, heads, i) for i in range(3)]
        length = kept[0].shape[4]
        weights = heads.kept("weights", *kept[0].shape[1:3], length, length)
        came, to = (self.scratch(f"{name} of attention", kept[0].shape, out.dtype) for name in ("signal", "part"))
        scores = self.scratch("signal at scores", weights.shape, out.dtype)
        self.turn(_by_samples(delta, came), out=_flat(came))
        q, k, v, w, g, s, part = map(_each, (*kept, weights, came, scores, to))
        self.gemm(T(g), v, out=s)
        for i, (left, right) in ((2, (g, w)), (0, (k, T(s))), (1, (q, s))):
            if i == 0:
                self.soften_back(w, s, 1 / math.sqrt(v.shape[1]))
            self.gemm(left, right, out=part)
            self.turn(_flat(to), out=_by_samples(out[:, i * d : (i + 1) * d], to))

    def _kept(self, made: Array, heads: Heads, i: int) -> Array:
        """Room for queries, keys or values by samples, (R, m, heads, features of a head, tokens)."""
        size = made.shape[1] // 3 // heads.number
        return heads.kept(KINDS[i], heads.samples, heads.number, size, made.shape[2] // heads.samples)

    def _turned(self, made: Array, heads: Heads, i: int) -> Array:
        """The same, with what they are."""
        d, to = made.shape[1] // 3, self._kept(made, heads, i)
        self.turn(_by_samples(made[:, i * d : (i + 1) * d], to), out=_flat(to))
        return to


def _each(a: Array) -> Array:
    """(R, m, heads, ...) as (R * m * heads, ...)."""
    return a.reshape(-1, *a.shape[3:])


def _flat(a: Array) -> Array:
    """(R, m, heads, features, tokens) as (R, m, d * tokens)."""
    return a.reshape(*a.shape[:2], -1)


def _by_samples(x: Array, like: Array) -> Array:
    """(R, d, T * m) as (R, d * T, m)."""
    return x.reshape(len(x), -1, like.shape[1])
