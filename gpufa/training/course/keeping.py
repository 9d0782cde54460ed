"""The weights that a run is for: those of each replica's best epoch, while training goes on with its last."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ...net.state.arena import Array
from ...network import Network


class Kept:
    """Of each replica, the parameters, the stored feedback and what its layers measured, after the epoch that the
    validation part judged best.

    `epoch`, (R,), counts from 1. Where it is 0 there was no such epoch yet, and what is kept is the net's own.
    """

    def __init__(self, net: Network) -> None:
        self.net, self.epoch = net, np.zeros(len(net.seeds), np.int64)
        self.arena = net.new_arena()
        with net.backend.working():
            self.feedback = {name: B.copy() for name, B in net.fixed.checkpointed.items()}
            self.measured = {name: state.copy() for name, state in net.measured.items()}

    @property
    def nbytes(self) -> int:
        """Of all that is kept."""
        return sum(int(kept.nbytes) for kept, _ in self._pairs())

    def take(self, better: NDArray, epoch: int) -> None:
        """Keep what those replicas have after this epoch; `better` is (R,), true or false."""
        self._copy(better)
        self.epoch[better] = epoch

    def settle(self) -> None:
        """Bring the replicas without a best epoch up to date."""
        self._copy(self.epoch == 0)

    def put(self) -> None:
        """Put what is kept into the net, which training can't go on with then."""
        self.settle()
        with self.net.backend.working():
            for kept, live in self._pairs():
                live[...] = kept

    def _copy(self, replicas: NDArray) -> None:
        with self.net.backend.working():
            for kept, live in self._pairs():
                for r in np.flatnonzero(replicas):
                    kept[r] = live[r]

    def _pairs(self) -> Iterator[tuple[Array, Array]]:
        """What is kept beside what it is kept of, (R, ...) each."""
        yield self.arena.flat, self.net.arena.flat
        for name, live in self.net.fixed.checkpointed.items():
            yield self.feedback[name], live
        for name, live in self.net.measured.items():
            yield self.measured[name], live
