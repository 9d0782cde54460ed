"""Moments of a function's Hermite tensors, which Stein's identity makes its mean derivatives, and their decomposition.

For z ~ N(0, I) and y = sum_j c_j f(s_j a_j . z + b_j) with |a_j| = 1, S_n being the score functions of that density:

    E[y S_1] = sum_j w_1j a_j                          S_1 = z
    E[y S_2] = sum_j w_2j a_j (x) a_j                  S_2 = z (x) z - I
    E[y S_3] = sum_j w_3j a_j (x) a_j (x) a_j          S_3(I, u, u) = (z.u)^2 z - 2 (z.u) u - |u|^2 z
    w_nj     = c_j s_j^n E[f^(n)(s_j t + b_j)] = c_j E[f(s_j t + b_j) He_n(t)],        t ~ N(0, 1)

Hermite polynomials being orthogonal, the same tensors come from the rest r = y - E[y] - E[y z].z, for which
E[r S_3] = E[r z (x) z (x) z] and E[r S_2] = E[r z (x) z]: less noise, and no terms to subtract. What is n_0^3 large is
never formed.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...basics.errors import InvalidValue

CHUNK = 1024  # samples at a time
SMALLEST = 1e-6  # variance along a direction that is kept, as a share of the largest one
STARTS, POWER, ASCENT = 20, 30, 500  # random starts, and steps of power iteration and of ascent
POSITIVE = 0.02  # of the largest eigenvalue: where the ascent of the smallest one ends
Draw = Callable[[tuple[int, ...]], NDArray]


def whitening(x: NDArray) -> tuple[NDArray, NDArray]:
    """(mean, P), (n,) and (n, d): z = (x - mean) P has mean 0 and covariance I over the samples x, (N, n).

    Directions in which x hardly varies are left out. Raises InvalidValue where there is no other.
    """
    mean = x.mean(axis=0, dtype=np.float64)
    covariance = np.zeros((len(mean), len(mean)))
    for start in range(0, len(x), CHUNK):
        centred = x[start : start + CHUNK] - mean
        covariance += centred.T @ centred / len(x)
    variance, directions = np.linalg.eigh(covariance)
    kept = variance > SMALLEST * variance[-1]
    if not kept.any():
        raise InvalidValue("all training inputs are the same, so there is nothing to learn from; check the data")
    return mean, directions[:, kept] / np.sqrt(variance[kept])


class HermiteMoments:
    """E[y S_n(z)] of z = (x - mean) P, (N, d), and y, (N,), in passes over x; `share` is each sample's probability."""

    def __init__(self, x: NDArray, y: NDArray, mean: NDArray, P: NDArray, share: NDArray | None = None) -> None:
        share = np.full(len(x), 1 / len(x)) if share is None else share
        self.x, self.mean, self.P = x, mean, P
        self.rest = share * (y - share @ y)
        self.first = P.T @ sum(centred.T @ own for centred, own in self._chunks())
        along = np.concatenate([centred @ (P @ self.first) for centred, _ in self._chunks()])
        self.rest -= share * along

    def _chunks(self) -> Iterator[tuple[NDArray, NDArray]]:
        for start in range(0, len(self.x), CHUNK):
            yield self.x[start : start + CHUNK] - self.mean, self.rest[start : start + CHUNK]

    def second(self, U: NDArray) -> NDArray:
        """E[y S_2](u, u) for the columns u of U, (d, r): (r,)."""
        V = self.P @ U
        return sum((own @ (centred @ V) ** 2 for centred, own in self._chunks()), np.zeros(U.shape[1]))

    def third(self, U: NDArray) -> NDArray:
        """E[y S_3](I, u, u) for the columns u of U, (d, r): (d, r)."""
        V, total = self.P @ U, np.zeros((len(self.mean), U.shape[1]))
        for centred, own in self._chunks():
            total += centred.T @ (own[:, None] * (centred @ V) ** 2)
        return self.P.T @ total

    def core(self, Q: NDArray) -> NDArray:
        """E[y S_3](Q, Q, Q), (k, k, k), for Q of a few orthonormal columns, (d, k)."""
        V, k = self.P @ Q, Q.shape[1]
        total = np.zeros((k, k * k))
        for centred, own in self._chunks():
            z = centred @ V
            total += (own[:, None] * z).T @ (z[:, :, None] * z[:, None]).reshape(-1, k * k)
        return total.reshape(k, k, k)


def components(moments: HermiteMoments, k: int, draw: Draw) -> tuple[NDArray, NDArray]:
    """The unit vectors a_1 .. a_k, (d, k), and w_nj for n = 1, 2, 3, (3, k), each moment's least-squares fit; k <= d.

    The tensor is reduced to the k dimensions in which most of T(I, u, u) lies for random u.
    """
    Q = np.eye(moments.P.shape[1])
    for _ in range(3 if k < len(Q) else 0):  # the later times with u from within, where more of it counts
        U = _unit(Q @ draw((Q.shape[1], 4 * k)))
        Q = np.linalg.svd(moments.third(U), full_matrices=False)[0][:, :k]
    A = Q @ decompose(moments.core(Q), draw)
    inner = A.T @ moments.first, moments.second(A), (A * moments.third(A)).sum(axis=0)
    powers = ((A.T @ A) ** n for n in (1, 2, 3))
    return A, np.array([np.linalg.lstsq(G, one, rcond=None)[0] for G, one in zip(powers, inner, strict=True)])


def decompose(T: NDArray, draw: Draw) -> NDArray:
    """Unit columns a_j, (k, k), with lambda_j > 0 of T = sum_j lambda_j a_j (x) a_j (x) a_j, (k, k, k), j = 1 .. k.

    Whitening by M = T(I, I, v) makes the a_j orthogonal, and power iterations with deflation find them one by one. M
    must be positive definite, which random v hardly ever give: v ascends M's smallest eigenvalue, a concave function.
    """
    value, directions = np.linalg.eigh(T @ _definite(T))
    root = np.sqrt(np.maximum(np.abs(value), 1e-12 * max(np.abs(value).max(), 1e-300)))
    white = directions / root
    whitened = np.einsum("ijl,ia,jb,lc->abc", T, white, white, white, optimize=True)
    return _unit(directions * root @ _power(whitened, draw))


def kappas(f: Callable[[NDArray, NDArray], Any], scale: NDArray, bias: NDArray, nodes: int = 80) -> NDArray:
    """E[f(scale t + bias) He_n(t)] for n = 1, 2, 3 and t ~ N(0, 1), by Gauss-Hermite quadrature: (3, *shape)."""
    t, share = np.polynomial.hermite_e.hermegauss(nodes)
    a = scale[..., None] * t + bias[..., None]
    h = np.empty_like(a)
    f(a, h)
    return np.stack([h @ (share * He / np.sqrt(2 * np.pi)) for He in (t, t**2 - 1, t**3 - 3 * t)])


def _definite(T: NDArray) -> NDArray:
    """v, (k,), for which the smallest eigenvalue of T(I, I, v) is positive, or as high as some steps bring it."""
    v = found = _unit(np.einsum("ijj->i", T))
    best = -np.inf
    for step in range(ASCENT):
        value, directions = np.linalg.eigh(T @ v)
        ratio = value[0] / max(np.abs(value).max(), 1e-300)
        if ratio > best:
            best, found = ratio, v
        if best > POSITIVE:
            break
        v = _unit(v + 0.5 / np.sqrt(1 + step) * _unit(T @ directions[:, 0] @ directions[:, 0]))
    return found


def _power(T: NDArray, draw: Draw) -> NDArray:
    """Orthonormal components one by one, by columns: the best of some starts, iterated on, is taken out of T."""
    A, T = np.zeros((len(T), 0)), T.copy()
    for _ in range(len(T)):
        U = _unit(draw((len(T), STARTS)))
        for _ in range(POWER):
            U = _unit(_apply(T, U), U)
        u = U[:, [(U * _apply(T, U)).sum(axis=0).argmax()]]
        for _ in range(POWER):
            u = _unit(_apply(T, u), u)
        weight = (u * _apply(T, u)).sum()
        T -= weight * np.einsum("ia,ja,la->ijl", u, u, u)
        A = np.column_stack([A, u])
    return A


def _apply(T: NDArray, U: NDArray) -> NDArray:
    """T(I, u, u) for the columns u."""
    return ((T @ U) * U).sum(axis=1)


def _unit(V: NDArray, otherwise: NDArray | float = 0.0) -> NDArray:
    """The columns of V, of length 1; those of `otherwise` where they are zero."""
    norm = np.linalg.norm(V, axis=0)
    return np.where(norm > 0, V / np.where(norm > 0, norm, 1), otherwise)
