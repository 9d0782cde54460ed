"""Minibatches: each replica's own order of the samples, gathered on the device, with noise where it is asked for."""

from collections.abc import Sequence

import numpy as np

from ...backends import Backend
from ...backends.operations.operands import Augmenting, Samples
from ...basics.random import Generator, Purpose
from ...net.state.arena import Array
from ...net.state.clock import Clock
from ...parallel.ranks import Share


class Batches:
    """The training data on the device, and the epoch's order of them, (R, N): `n` samples, `per_epoch` batches, of
    which those of `window` are there, one behind the other.

    x is (N, n_0); y labels (N,) or targets (N, n_L), or labels (R, N) where each replica has its own label noise.
    `scaling` = (shift, factor), (n_0,) each, is done as a batch is gathered, where x is kept as it came, and then the
    product with `matrix`, (n_0, n_0). `weights`, (R, N), are those of the samples, `augmenting` how they are changed
    before that; all of these, if any. With several `places` labels and weights have one more axis, of these.
    """

    def __init__(
        self,
        backend: Backend,
        x: Array,
        y: Array,
        seeds: Sequence[int],
        batch_size: int,
        input_noise: float,
        scaling: tuple[Array, Array] | None = None,
        weights: Array = None,
        matrix: Array = None,
        augmenting: Augmenting | None = None,
        n: int | None = None,
        ordered: int | None = None,
        places: int = 1,
    ) -> None:
        self.backend, self.x, self.y, self.seeds = backend, x, y, seeds
        self.n = len(x) if n is None else n
        self.size, self.input_noise = min(batch_size, self.n), input_noise
        self.per_epoch = -(-self.n // self.size)
        self.order = backend.zeros((len(seeds), ordered or self.n), "int64")
        self.longest = -(-self.order.shape[1] // self.size)
        self.window = range(self.per_epoch)
        self.all, self.matrix = Samples(x, y, self.order, self.size, scaling, weights, augmenting, places), matrix
        self.mask: Array = None  # of samples of which some have no target, (R, m): 0 for these, else 1

    @property
    def taught(self) -> Array:
        """What all samples are taken for, on the device."""
        return self.y

    def start_epoch(self, epoch: int, batch: int = 0) -> None:
        """Draw every replica's order of this epoch, of which that batch is next."""
        self.backend.permutations(self.seeds, Purpose.SHUFFLE, epoch, out=self.order)

    def turn(self) -> None:
        """Go on to the next window, where the batches of this one are used up."""

    def samples(self, batch: int) -> int:
        """The number of samples in that batch; the epoch's last may have fewer."""
        return min(self.size, self.n - batch * self.size)

    def counted(self, batch: int) -> int:
        """How many of the samples in that batch count."""
        return self.samples(batch)

    def room(self, shape: tuple[int, ...], dtype: str) -> Array:
        """Where `load` puts the inputs of a batch, (R, m, n_0), or (m, n_0) where the replicas share them."""
        return self.backend.zeros(shape, dtype)

    def load(self, clock: Clock, share: Share, x: Array, y: Array, w: Array = None) -> None:
        """Let the clock tick, and fill x, (R, m, n_0), y, (R, n_L, m), and where samples have weights w, (R, m), with
        that share of the batch that is next."""
        own = self.all._replace(order=self.order[:, share.first :])
        if self.matrix is None:
            self.backend.load(clock.ticks, own, x, y, w)
        else:
            scaled = self.backend.scratch("batch to be whitened", x.shape, x.dtype)
            self.backend.load(clock.ticks, own, scaled, y, w)
            self.backend.whiten(scaled, self.matrix, out=x)
        if self.input_noise:
            self._noise(clock, share, x)

    def _noise(self, clock: Clock, share: Share, x: Array) -> None:
        """Input noise, of a batch that is shared each process has its own samples'."""
        whole, shape = x, (len(x), share.whole, x.shape[2])
        if not share.all_of_it:
            whole = self.backend.scratch("noise of a batch", shape, x.dtype)
            whole[:, share.part] = x
        self.backend.random(
            "normal", whole, self.seeds, Purpose.INPUT_NOISE, step=clock.step, scale=self.input_noise, add=True
        )
        if whole is not x:
            x[...] = whole[:, share.part]


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
