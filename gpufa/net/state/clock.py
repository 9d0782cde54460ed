"""Where a run stands, in the device's own memory, so that a recorded step finds it there at every replay."""

from collections.abc import Sequence

import numpy as np

from ...backends import Backend
from ...backends.operations.operands import Ticks


class Clock:
    """step and batch, counters (1,), and `now`, (k,), the batch's own numbers: learning rates and Adam's corrections.

    The numbers of a window, all batches of an epoch or some, are written down before it begins, (batches, k); `tick`
    goes on by one step and takes its row.
    """

    def __init__(self, backend: Backend, batches: int, numbers: int, dtype: str) -> None:
        self.backend, self.dtype = backend, dtype
        self.counters = backend.zeros((2,), "int64")
        self.step, self.batch = self.counters[:1], self.counters[1:]
        self.table = backend.zeros((batches, numbers), dtype)
        self.now = backend.zeros((numbers,), dtype)
        self.ticks = Ticks(self.counters, self.table, self.now)

    def set(self, step: int, batch: int, table: Sequence[Sequence[float]]) -> None:
        """The next tick leads to this step and batch of a window whose numbers are `table`, of as many batches or fewer
        than the clock was made for."""
        self.counters[...] = self.backend.to_device(np.array([step - 1, batch - 1], np.int64))
        rows = np.array(table, self.dtype).reshape(-1, self.table.shape[1])
        self.table[: len(rows)] = self.backend.to_device(rows)

    def tick(self) -> None:
        self.backend.tick(self.ticks)
