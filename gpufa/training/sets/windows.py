"""Minibatches of samples that stay in their file: a window of them is on the device, and the next one on its way."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...backends import Backend
from ...backends.operations.operands import Augmenting
from ...basics.random import Purpose, permutation
from ...net.state.arena import Array
from .batches import Batches

BLOCK, WINDOW = 1 << 20, 64 << 20  # bytes of a file's samples in a block and in a window, about
SHARED = 0  # the seed of the order of blocks, which all replicas share


class Streamed(NamedTuple):
    """Samples in their file, n of them: x(start, stop) reads some, (samples, n_0) as a step takes them, of type
    `dtype`; `y` is what they are taught as, labels (N,) or (R, N) or targets (N, n_L), on the host; and
    weights(start, stop) how much they count, (R, samples), None where all count alike."""

    n: int
    features: int
    dtype: Any
    x: Callable[[int, int], NDArray]
    y: NDArray
    weights: Callable[[int, int], NDArray] | None = None


class Plan:
    """In which order n samples come by in an epoch, in blocks of `block`: these, one behind the other in random order,
    are cut into windows of `span`, a multiple of the batch size; within a window each replica has its own order.

    So an epoch's windows hold every sample once, and a batch is of one window.
    """

    def __init__(self, n: int, block: int, window: int, size: int) -> None:
        self.n, self.block, self.size = n, min(block, n), size
        self.span = size * max(1, min(window, n + size - 1) // size)
        self.windows, self.blocks = -(-n // self.span), -(-n // self.block)
        self._order = lru_cache(2)(self._drawn)

    def samples(self, window: int) -> int:
        """How many that window of an epoch has; the last may have fewer."""
        return min(self.span, self.n - window * self.span)

    def batches(self, window: int) -> range:
        first = window * self.span // self.size
        return range(first, first - (-self.samples(window) // self.size))

    def stretches(self, epoch: int, window: int) -> Iterator[tuple[int, int]]:
        """The samples of a window: from one on, up to another."""
        order, ends = self._order(epoch)
        at, last = window * self.span, window * self.span + self.samples(window)
        i = int(np.searchsorted(ends, at, "right"))
        while at < last:
            start = min((int(order[i]) + 1) * self.block, self.n) - (int(ends[i]) - at)
            count = min(int(ends[i]), last) - at
            yield start, start + count
            at, i = at + count, i + 1

    def _drawn(self, epoch: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The blocks in their order, and where each ends in the epoch."""
        order = permutation(SHARED, Purpose.BLOCKS, epoch, self.blocks)
        return order, np.cumsum(np.minimum(self.block, self.n - order * self.block))


class Windows(Batches):
    """Batches of Streamed samples: x, y and `weights` hold two windows, one that steps gather from, and one that a
    thread fills meanwhile. `order`, (R, span), is of where samples lie in these."""

    def __init__(
        self,
        backend: Backend,
        data: Streamed,
        plan: Plan,
        seeds: Sequence[int],
        input_noise: float,
        scaling: tuple[Array, Array] | None = None,
        augmenting: Augmenting | None = None,
        dtype: str = "float32",
    ) -> None:
        self.data, self.plan, rows = data, plan, 2 * plan.span
        labels = data.y.dtype.kind in "iu"
        x = backend.zeros((rows, data.features), data.dtype)
        shape = (*data.y.shape[:-1], rows) if labels else (rows, *data.y.shape[1:])
        y = backend.zeros(shape, "int64" if labels else data.y.dtype)
        weights = backend.zeros((len(seeds), rows), dtype) if data.weights else None
        given = backend, x, y, seeds, plan.size, input_noise, scaling, weights, None, augmenting
        super().__init__(*given, n=data.n, ordered=plan.span)
        self.window, self._epoch = range(0), 0
        self._at = -1  # the number of the window that is there, counted over all epochs
        self._thread, self._coming = ThreadPoolExecutor(1, "reader"), dict[int, Future[None]]()  # of the one behind it
        halves = [slice(i * plan.span, (i + 1) * plan.span) for i in (0, 1)]
        self._halves = [[x[h], y[..., h] if labels else y[h]] for h in halves]
        for half, h in zip(self._halves, halves, strict=True):
            half += [] if weights is None else [weights[:, h]]
        self._staged = [[backend.staging(part) for part in half] for half in self._halves]
        backend.synchronize()  # the thread's copies don't wait for what has made the arrays

    @property
    def taught(self) -> Array:
        return self.backend.to_device(self.data.y, self.y.dtype)

    def start_epoch(self, epoch: int, batch: int = 0) -> None:
        self._epoch = epoch
        self._enter(epoch * self.plan.windows + min(batch * self.size // self.plan.span, self.plan.windows - 1))

    def turn(self) -> None:
        self._enter(self._at + 1)

    def _enter(self, number: int) -> None:
        """Have that window there, and the one behind it on its way."""
        if number != self._at:
            if number not in self._coming:  # as in the beginning
                self._read_ahead(number)
            self._coming[number].result()
            self._read_ahead(number + 1)
        window = number - self._epoch * self.plan.windows
        n, half = self.plan.samples(window), number % 2
        drawn = self.backend.scratch("order within a window", (len(self.seeds), n), "int64")
        self.backend.permutations(self.seeds, Purpose.SHUFFLE, self._epoch, out=drawn, stream=window)
        self.order[:, :n] = drawn + half * self.plan.span
        self._at, self.window = number, self.plan.batches(window)

    def _read_ahead(self, number: int) -> None:
        self.backend.synchronize()  # steps may still gather from the half that is filled
        self._coming = {number: self._thread.submit(self._fill, number)}

    def _fill(self, number: int) -> None:
        """Read a window into its half: done by the thread."""
        staged, at = self._staged[number % 2], 0
        for start, stop in self.plan.stretches(*divmod(number, self.plan.windows)):
            to = slice(at, at + stop - start)
            staged[0][to] = self.data.x(start, stop)
            if self.data.y.dtype.kind in "iu":
                staged[1][..., to] = self.data.y[..., start:stop]
            else:
                staged[1][to] = self.data.y[start:stop]
            if self.data.weights:
                staged[2][:, to] = self.data.weights(start, stop)
            at = to.stop
        for own, part in zip(staged, self._halves[number % 2], strict=True):
            self.backend.deliver(own, part)
