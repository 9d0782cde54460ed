"""The operations that everything else is written in, on the arrays of one library.

Arrays carry a leading replica axis R; products act on the trailing two. `Backend` spells every operation in NumPy's
ufuncs, which CuPy's arrays answer too; a backend overrides what its library does better.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from .. import optimizers
from ..activations import Activation
from ..losses import Loss
from ..optimizers import Hyper, Optimizer
from ..random import Generator, Purpose

Array = Any


class Gate(NamedTuple):
    """Where f' comes from for some rows of a slab: activation, its argument z (h or a), dropout mask if any."""

    activation: Activation
    z: Array
    mask: Array | None
    rows: slice


class Backend:
    """Base of all backends; `xp` is the array library."""

    name: str
    xp: ModuleType

    def __init__(self) -> None:
        self._scratch: dict[tuple, Array] = {}
        self.generator = Generator()

    def zeros(self, shape: Sequence[int], dtype: str) -> Array:
        return self.xp.zeros(tuple(shape), dtype)

    def scratch(self, shape: Sequence[int], dtype: Any, slot: int = 0) -> Array:
        """Work space that is handed out again to whoever asks for the same shape and slot."""
        key = (*shape, np.dtype(dtype).char, slot)
        if key not in self._scratch:
            self._scratch[key] = self.xp.empty(tuple(shape), dtype)
        return self._scratch[key]

    def to_device(self, array: Any, dtype: Any = None) -> Array:
        raise NotImplementedError

    def to_host(self, array: Array) -> np.ndarray:
        raise NotImplementedError

    def gemm(self, a: Array, b: Array, out: Array, alpha: float = 1.0, beta: float = 0.0) -> None:
        """out = alpha * a @ b + beta * out over the trailing two axes."""
        if beta == 0:
            self.xp.matmul(a, b, out=out)
            if alpha != 1:
                out *= alpha
        else:
            product = self.scratch(out.shape, out.dtype, slot=2)
            self.xp.matmul(a, b, out=product)
            product *= alpha
            if beta != 1:
                out *= beta
            out += product

    def row_sums(self, delta: Array, out: Array, alpha: float = 1.0, beta: float = 0.0) -> None:
        """out = alpha * (sum over samples of delta) + beta * out: (R, n, m) to (R, n)."""
        ones = self.ones(delta.shape[-1], delta.dtype)
        self.gemm(delta, ones, out=out[..., None], alpha=alpha, beta=beta)

    def ones(self, m: int, dtype: Any) -> Array:
        """The column (m, 1) of ones."""
        key = ("ones", m, np.dtype(dtype).char)
        if key not in self._scratch:
            self._scratch[key] = self.xp.ones((m, 1), dtype)
        return self._scratch[key]

    def layer(self, W: Array, x: Array, b: Array, activation: Activation | None, a: Array, h: Array) -> None:
        """a = W x + b, h = f(a): (R, n, n'), (R, n', m), (R, n) to (R, n, m). Without an activation h is left alone."""
        self.gemm(W, x, out=a)
        self.bias_activation(a, b, activation, h)

    def bias_activation(self, a: Array, b: Array, activation: Activation | None, h: Array) -> None:
        """a += b, h = f(a)."""
        np.add(a, b[..., None], out=a)
        if activation:
            activation.value(a, h)

    def gate(self, delta: Array, gates: Iterable[Gate]) -> None:
        """delta *= f'(a) [* mask], each gate on its own rows."""
        for gate in gates:
            part = delta[..., gate.rows, :]
            g, t = (self.scratch(gate.z.shape, gate.z.dtype, slot) for slot in (0, 1))
            gate.activation.derivative(gate.z, g, t)
            np.multiply(part, g, out=part)
            if gate.mask is not None:
                np.multiply(part, gate.mask, out=part)

    def feedback_delta(self, matrix: Array, signal: Array, gates: Iterable[Gate], out: Array) -> None:
        """out = (matrix @ signal) * f'(a): one layer's delta, or all hidden layers' at once."""
        self.gemm(matrix, signal, out=out)
        self.gate(out, gates)

    def output_error(self, loss: Loss, a: Array, y: Array, e: Array, value: Array) -> None:
        """e = yhat - y, (R, n_L, m), and the loss per sample, (R, m), from the output pre-activation."""
        loss.evaluate(a, y, e, value, self.scratch(a.shape, a.dtype))

    def one_hot(self, labels: Array, out: Array) -> None:
        """Labels (R, m) or (m,) to targets (R, n_L, m)."""
        key = ("classes", out.shape[-2])
        if key not in self._scratch:
            self._scratch[key] = self.xp.arange(out.shape[-2])[:, None]
        hit = self.scratch((*labels.shape[:-1], *out.shape[-2:]), "bool")
        np.equal(labels[..., None, :], self._scratch[key], out=hit)
        out[...] = hit

    def gather(self, rows: Array, index: Array, out: Array) -> None:
        """out[r] = rows[index[r]]: a batch per replica, (R, m, ...) from (N, ...)."""
        for one, i in zip(out, index, strict=True):
            self.xp.take(rows, i, axis=0, out=one)

    def optimizer_update(
        self, optimizer: Optimizer, p: Array, g: Array, states: Sequence[Array], hyper: Hyper, decay: str
    ) -> None:
        """One replica's update of a stretch of the arena, (n,); g is consumed."""
        optimizers.apply(optimizer, p, g, states, self.scratch(p.shape, p.dtype), hyper, decay)

    def norm(self, g: Array) -> float:
        """The Euclidean norm of a 1-D array, summed in float64."""
        return float(self.xp.sqrt(self.xp.square(g).sum(dtype="float64")))

    def random(
        self,
        law: str,
        out: Array,
        seeds: Sequence[int],
        purpose: Purpose,
        step: int = 0,
        stream: int = 0,
        scale: float = 1.0,
    ) -> None:
        """out[r] = scale * law of (seeds[r], purpose, stream, step): the same bits on every backend."""
        fill = partial(self.generator.fill, law, purpose=purpose, step=step, stream=stream, scale=scale)
        for one, seed in zip(out, seeds, strict=True):
            self.from_host(one, partial(fill, seed=seed))

    def dropout(self, out: Array, drop: float, seeds: Sequence[int], step: int, stream: int) -> None:
        """out[r] = 0 with probability `drop`, else 1 / (1 - drop)."""
        for one, seed in zip(out, seeds, strict=True):
            self.from_host(one, partial(self.generator.keep, drop=drop, seed=seed, step=step, stream=stream))

    def from_host(self, out: Array, fill: Callable[[np.ndarray], Any]) -> None:
        """Let `fill` write an array of the host, and copy that into `out`."""
        host = np.empty(out.shape, out.dtype)
        fill(host)
        out[...] = self.to_device(host)

    def capture(self, step: Callable[[], None]) -> Callable[[], None]:
        """Something that does what `step` does, faster where the library can record it."""
        return step

    def synchronize(self) -> None:
        """Wait until all work handed to the device is done."""

    def describe(self) -> dict[str, str]:
        """Facts about the library and the device, for `gpufa info` and a run's records."""
        raise NotImplementedError
