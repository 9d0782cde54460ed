"""Parquet files, by PyArrow, where it is installed (pip install 'gpufa[parquet]')."""

import threading
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...basics.errors import FileProblem, in_bytes
from ..arrays.arrayfiles import check_there
from ..samples.about import Names
from ..streams.room import Way
from ..streams.rows import Rows
from ..streams.sources import MOST, Watched
from .columns import Roles
from .frames import frame_of
from .table import Table

ENDING = ".parquet"
WIDEST = 8  # bytes of a number


def read_parquet(path: Path, choose: Callable[[Names | None, int], Roles], way: Way) -> Table:
    """The table in the file, its columns in the roles that `choose` gives them; of one that streams x are Rows.

    Raises FileProblem for a file that is none, and where PyArrow is missing; InvalidValue as Frame.table does;
    OutOfMemory.
    """
    check_there(path)
    with _told(path) as parquet, path.open("rb") as stream:  # one file, never a folder of them or an address
        file = parquet.ParquetFile(stream)
        groups = [file.metadata.row_group(i).num_rows for i in range(file.metadata.num_row_groups)]
        names = tuple(map(str, file.schema_arrow.names))
    if not sum(groups) or not names:
        raise FileProblem(f"{path} has no rows of columns; give one row per sample")
    largest = WIDEST * max(groups) * len(names)
    if largest > MOST:
        way = way.unless(
            f"its row groups have up to {max(groups)} rows, {in_bytes(largest)} in memory, and are unpacked as a whole;"
            f" write it with row_group_size={max(1, max(groups) * MOST // (4 * largest))}"
        )
    if why := way.why(path, WIDEST * sum(groups) * len(names)):
        return _streamed(path, choose, names, groups, why)
    with way.into_memory(path), _told(path) as parquet, path.open("rb") as stream:
        found = parquet.read_table(stream)
    frame = frame_of(found)
    assert frame
    return frame.table(choose)


@contextmanager
def _told(path: Path) -> Any:
    """PyArrow's module, and its errors in our words."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise FileProblem(
            f"{path} is read by PyArrow, which is not installed; pip install 'gpufa[parquet]', or save it as .csv"
        ) from None
    try:
        yield pyarrow.parquet
    except pyarrow.ArrowMemoryError as error:
        raise MemoryError(str(error)) from None
    except (pyarrow.ArrowException, OSError) as error:
        if isinstance(error, FileProblem):
            raise
        raise FileProblem(f"{path} can't be read ({error}); write its table anew") from None


def _streamed(path: Path, choose: Callable[..., Roles], names: Names, groups: list[int], why: str) -> Table:
    """The table of a file that stays on the disk, but for its target and its weights."""
    roles = choose(names, len(names))
    source = Parquet(path, [names[i] for i in roles.features], groups)
    target = _frame(path, lambda file: file.read(columns=[names[i] for i in roles.target])).target()
    weights = None
    if (which := roles.weights) is not None:
        weights = _frame(path, lambda file: file.read(columns=[names[which]])).numbers(0)
    return Table(names, len(names), roles, Rows(source, why=why), target, weights)


class Parquet:
    """Columns of numbers in a file, of which a group of rows is unpacked at a time; the last one is kept."""

    def __init__(self, path: Path, names: list[str], groups: list[int]) -> None:
        self._watched, self._names, self._lock = Watched(path), names, threading.Lock()
        self._ends = np.cumsum(groups)
        self._kept: tuple[int, NDArray] | None = None
        self.shape: tuple[int, ...] = int(self._ends[-1]), len(names)
        self.grain = max(groups)
        self.dtype = self._group(0).dtype

    def read(self, start: int, stop: int) -> NDArray:
        with self._lock:
            first, last = np.searchsorted(self._ends, (start, stop - 1), "right")
            parts = []
            for i in range(first, last + 1):
                before = self._ends[i - 1] if i else 0
                parts.append(self._group(i)[max(0, start - before) : stop - before])
            return np.concatenate(parts)

    def _group(self, i: int) -> NDArray:
        if self._kept is None or self._kept[0] != i:
            self._kept = None
            frame = _frame(self._watched.path, lambda file: file.read_row_group(i, columns=self._names))
            self._watched.check()
            self._kept = i, frame.table(lambda names, width: Roles((), tuple(range(width)))).x
        return self._kept[1]


def _frame(path: Path, read: Callable[[Any], Any]) -> Any:
    with _told(path) as parquet, path.open("rb") as stream:
        return frame_of(read(parquet.ParquetFile(stream)))
