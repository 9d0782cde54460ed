"""Rows: samples that stay in their file, of which is read what is asked for, where an array would hold all."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..samples.data import inputs
from ..samples.scaling import float_type

T = TypeVar("T")
PIECE = 4 << 20  # bytes of a file that are read at a time where all of it is gone through
SPARSE = 16  # rows of a file for each that is wanted, from which on these are read one by one
COUNTED = 4096  # rows from one count of chosen ones to the next


class Source(Protocol):
    """An array in a file, (rows, ...), of which any thread may read rows. `grain` is how many are read as fast as one.
    Where the file has become shorter, or another, since it was opened, `read` raises FileProblem."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    grain: int

    def read(self, start: int, stop: int) -> NDArray: ...


class Rows:
    """What an array x, (samples, features), is to whoever reads some of it at a time.

    rows[a:b] reads these samples, as `samples.inputs` makes them of what the file has, and so do rows[a:b:c] and
    rows[indices]; rows[:, j] reads a column. rows[mask] and rows[:, columns] are Rows themselves. Reading raises
    FileProblem, and InvalidValue, which calls them `name`, for what is no finite number.
    """

    ndim = 2

    def __init__(
        self,
        source: Source,
        name: str = "x",
        columns: NDArray[np.int64] | None = None,
        mask: NDArray[np.bool_] | None = None,
        why: str = "",
    ) -> None:
        self.source, self.name, self.columns, self.mask, self.why = source, name, columns, mask, why
        width = int(np.prod(source.shape[1:])) if columns is None else len(columns)
        self._before = np.zeros(1, np.int64)
        if mask is not None:
            counts = np.add.reduceat(mask, range(0, len(mask), COUNTED), dtype=np.int64)
            self._before = np.concatenate([self._before, np.cumsum(counts)])
        self.shape = (source.shape[0] if mask is None else int(self._before[-1])), width
        self.dtype = np.dtype(np.uint8 if source.dtype == np.uint8 else float_type(source))

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"Rows({self.shape} {self.dtype})"

    @property
    def nbytes(self) -> int:
        """What they would take in memory."""
        return self.shape[0] * self.shape[1] * self.dtype.itemsize

    @property
    def piece(self) -> int:
        """How many samples are read at a time where all are gone through."""
        row = int(np.prod(self.source.shape[1:])) * max(self.source.dtype.itemsize, self.dtype.itemsize)
        return max(1, PIECE // row, self.source.grain)

    def __getitem__(self, which: Any) -> Any:
        if isinstance(which, tuple):
            return self._of_columns(which[1])
        if isinstance(which, slice):
            start, stop, step = which.indices(len(self))
            return self._read(start, max(start, stop)) if step == 1 else self._at(np.arange(start, stop, step))
        if np.asarray(which).dtype == bool:
            return self._chosen(np.asarray(which))
        return self._at(np.asarray(which))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray:
        return np.concatenate([*self.pieces()], dtype=dtype)

    def pieces(self) -> Iterator[NDArray]:
        """All samples in their order, some at a time, read ahead."""
        starts = range(0, len(self), self.piece)
        return ahead(partial(self.__getitem__, slice(start, start + self.piece)) for start in starts)

    def because(self, why: str) -> "Rows":
        """The same, which stream for that reason."""
        return self._with(why=why)

    def of(self, source: Source) -> "Rows":
        """The same samples of another source, which has as many rows, of as many values."""
        return self._with(source=source)

    def number(self, sample: int) -> int:
        """In which row of the file that sample stands."""
        if self.mask is None:
            return sample
        part = int(np.searchsorted(self._before, sample, "right")) - 1
        own = self.mask[part * COUNTED : (part + 1) * COUNTED]
        return part * COUNTED + int(np.flatnonzero(own)[sample - self._before[part]])

    def _of_columns(self, columns: Any) -> Any:
        if isinstance(columns, list):
            chosen = np.asarray(columns, np.int64)
            return self._with(columns=chosen if self.columns is None else self.columns[chosen])
        return np.concatenate([piece[:, columns] for piece in self.pieces()])

    def _chosen(self, mask: NDArray[np.bool_]) -> "Rows":
        if self.mask is not None:
            own, mask = mask, np.zeros_like(self.mask)
            mask[self.mask] = own
        return self._with(mask=mask)

    def _with(self, **other: Any) -> "Rows":
        own = {name: getattr(self, name) for name in ("source", "name", "columns", "mask", "why")}
        return Rows(**own | other)

    def _read(self, start: int, stop: int) -> NDArray:
        if start >= stop:
            return np.zeros((0, self.shape[1]), self.dtype)
        first, last = self.number(start), self.number(stop - 1) + 1
        if self.mask is None:
            return self._made(self.source.read(first, last), range(first, last))
        rows = np.flatnonzero(self.mask[first:last]) + first
        if last - first > SPARSE * len(rows):
            return self._made(self._gathered(rows), rows)
        ends = [*range(first, last, self.piece), last]
        found = [self.source.read(i, j)[self.mask[i:j]] for i, j in pairwise(ends)]
        return self._made(np.concatenate(found), rows)

    def _at(self, samples: NDArray) -> NDArray:
        """Samples by their numbers, which only grow."""
        rows = np.array([self.number(sample) for sample in samples.tolist()], np.int64)
        return self._made(self._gathered(rows), rows) if len(rows) else self[:0]

    def _gathered(self, rows: NDArray[np.int64]) -> NDArray:
        """Rows here and there; those that the file holds close together are read at once."""
        ends = np.flatnonzero(np.diff(rows // self.source.grain, prepend=-1, append=-1))
        groups = [rows[i:j] for i, j in pairwise(ends)]
        return np.concatenate([self.source.read(own[0], own[-1] + 1)[own - own[0]] for own in groups])

    def _made(self, raw: NDArray, rows: Sequence[int] | NDArray[np.int64]) -> NDArray:
        """What stands in these rows of the file, as samples."""
        raw = raw.reshape(len(raw), -1)
        if self.columns is not None:
            raw = raw[:, self.columns]
        return inputs(raw, self.name, row=lambda i: int(rows[i])).astype(self.dtype, copy=False)


def ahead(jobs: Iterable[Callable[[], T]]) -> Iterator[T]:
    """What the jobs give, in their order; each is done by a thread while the one before it is used."""
    with ThreadPoolExecutor(1) as thread:
        coming = None
        for job in jobs:
            found, coming = coming, thread.submit(job)
            if found:
                yield found.result()
        if coming:
            yield coming.result()
