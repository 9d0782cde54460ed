"""Minibatches: each replica's own order of the samples, gathered on the device, with noise where it is asked for."""

from collections.abc import Sequence

import numpy as np

from .arena import Array
from .backends import Backend
from .random import Generator, Purpose, permutation
from .samples import has_labels


class Batches:
    """The training data on the device, and the epoch's order of them, (R, N).

    x is (N, n_0); y labels (N,) or targets (N, n_L), or labels (R, N) where each replica has its own label noise.
    """

    def __init__(
        self, backend: Backend, x: Array, y: Array, seeds: Sequence[int], batch_size: int, input_noise: float
    ) -> None:
        self.backend, self.x, self.y, self.seeds = backend, x, y, seeds
        self.size, self.input_noise = min(batch_size, len(x)), input_noise
        self.per_epoch = -(-len(x) // self.size)
        self.order: Array = None

    def start_epoch(self, epoch: int) -> None:
        """Draw every replica's order of this epoch."""
        orders = [permutation(seed, Purpose.SHUFFLE, epoch, len(self.x)) for seed in self.seeds]
        self.order = self.backend.to_device(np.stack(orders))

    def samples(self, batch: int) -> int:
        """The number of samples in that batch; the epoch's last may have fewer."""
        return min(self.size, len(self.x) - batch * self.size)

    def load(self, batch: int, x: Array, y: Array, step: int) -> None:
        """Fill x, (R, m, n_0), and y, (R, m) labels or (R, m, n_L) targets, with the epoch's next samples."""
        index = self.order[:, batch * self.size : batch * self.size + x.shape[1]]
        self.backend.gather(self.x, index, out=x)
        own_labels = has_labels(self.y) and self.y.ndim == 2
        for r, rows in enumerate(self.y if own_labels else ()):
            self.backend.gather(rows, index[r : r + 1], out=y[r : r + 1])
        if not own_labels:
            self.backend.gather(self.y, index, out=y)
        if self.input_noise:
            noise = self.backend.scratch(x.shape, x.dtype, slot=3)
            self.backend.random("normal", noise, self.seeds, Purpose.INPUT_NOISE, step=step, scale=self.input_noise)
            x += noise


def noisy_labels(labels: np.ndarray, share: float, classes: int, seeds: Sequence[int]) -> np.ndarray:
    """(R, N) labels of which `share` are replaced by a random label, drawn anew for each seed."""
    noisy = np.repeat(labels[None], len(seeds), axis=0)
    for row, seed in zip(noisy, seeds, strict=True):
        words = [
            Generator().words(np.empty(len(labels), np.uint32), seed, Purpose.LABEL_NOISE, stream=i) for i in (0, 1)
        ]
        hit = words[0] < share * 2.0**32
        row[hit] = words[1][hit] % classes
    return noisy
