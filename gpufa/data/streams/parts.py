"""What is done alike with samples in memory and with Rows, which stay in their file."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..samples.data import Data, has_labels, host_array, inputs
from .rows import Rows

SOME = 8 << 20  # bytes of samples that are looked at
AT_ONCE = 1 << 20  # samples of an array that are gone through at a time


def looked_at(x: Any, name: str, gaps: bool) -> tuple[Any, tuple[int, ...]]:
    """x as `samples.inputs` makes it, or the Rows that it is; and the shape that it had."""
    if isinstance(x, Rows):
        return x, x.source.shape
    array = host_array(x, name)
    return inputs(array, name, gaps), array.shape


def of_columns(x: Any, columns: Sequence[int]) -> Any:
    """These columns of such x."""
    chosen = x[:, list(columns)]
    return chosen if isinstance(x, Rows) else np.ascontiguousarray(chosen)


def chosen(x: Any, which: Any) -> Any:
    """x[which], and Rows of Rows: a slice is all of them, or none."""
    if not isinstance(x, Rows) or not isinstance(which, slice):
        return x[which]
    return x if which == slice(None) else x[np.zeros(len(x), bool)]


def some(x: Any) -> Any:
    """x, and of Rows that take more than a few MiB some, evenly spaced."""
    return x[:: 1 + x.nbytes // SOME] if isinstance(x, Rows) else x


def pieces(values: Any) -> Iterator[NDArray]:
    """All of Rows, or of an array, in its order, some at a time."""
    if isinstance(values, Rows):
        yield from values.pieces()
    else:
        yield from (values[i : i + AT_ONCE] for i in range(0, max(1, len(values)), AT_ONCE))


def settled(data: Data) -> Data:
    """The same, with labels in as few bytes as hold them where x stay in their file, and why they do."""
    if not isinstance(data.x_train, Rows):
        return data
    return data._replace(y_train=small(data.y_train), y_test=small(data.y_test)).streamed(data.x_train.why)


def small(y: NDArray) -> NDArray:
    """Labels in as few bytes as hold them; other targets as they are."""
    return y.astype(np.min_scalar_type(int(y.max(initial=0)))) if has_labels(y) else y


@dataclass(frozen=True)
class Made:
    """Rows, or an array, of which each part that is asked for is first made something else."""

    rows: Any
    made: Callable[[NDArray], Any]

    @property
    def dtype(self) -> Any:
        return self.rows.dtype

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, part: Any) -> Any:
        return self.made(self.rows[part])
