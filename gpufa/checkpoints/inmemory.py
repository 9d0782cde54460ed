"""A file in memory that has no copy of what large arrays hold: HDF5 hands their own memory over, and that is kept."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

PAGE = 4096  # bytes


class InMemory(io.RawIOBase):
    """What is written from within the array that is `lent` is referred to, so that this must stay as it is; all else
    is copied. `parts` are the file."""

    def __init__(self) -> None:
        self.pages: dict[int, bytearray] = {}
        self.lent: dict[int, memoryview] = {}  # by where in the file they begin
        self.at = self.size = 0
        self.bytes = np.zeros(0, np.uint8)

    @contextmanager
    def lending(self, array: NDArray) -> Iterator[None]:
        """Inside, what is written may be of this C-contiguous array."""
        self.bytes = array.reshape(-1).view(np.uint8)
        try:
            yield
        finally:
            self.bytes = np.zeros(0, np.uint8)

    def parts(self) -> list[memoryview]:
        """The bytes of the file, one part behind the other."""
        found, at = [], 0
        for start, part in sorted(self.lent.items()):
            found += [self._copied(at, start), part]
            at = start + len(part)
        return [part for part in (*found, self._copied(at, self.size)) if len(part)]

    def write(self, data: Any) -> int:
        found = np.frombuffer(data, np.uint8)
        first, last = self.at, self.at + len(found)
        self._take_back(first, last)
        offset = _address(found) - _address(self.bytes)
        if len(found) >= PAGE and 0 <= offset <= len(self.bytes) - len(found):
            self.lent[first] = memoryview(self.bytes[offset : offset + len(found)])  # type: ignore[arg-type]
        else:
            self._copy(first, found)
        self.at, self.size = last, max(self.size, last)
        return len(found)

    def readinto(self, out: Any) -> int:
        into = np.frombuffer(out, np.uint8)
        first, last = self.at, min(self.at + len(into), self.size)
        count = max(last - first, 0)
        if count:
            into[:count] = self._copied(first, last)
        for start, part in self.lent.items():
            begin, end = max(start, first), min(start + len(part), last)
            if begin < end:
                into[begin - first : end - first] = part[begin - start : end - start]
        self.at += count
        return count

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.size}[whence]
        return self.at

    def truncate(self, size: int | None = None) -> int:
        self.size = self.at if size is None else size
        return self.size

    def tell(self) -> int:
        return self.at

    def readable(self) -> bool:
        return True

    writable = seekable = readable

    def _take_back(self, first: int, last: int) -> None:
        """Copy what is lent there, as it is written over in part."""
        for start, part in list(self.lent.items()):
            if start < last and first < start + len(part):
                del self.lent[start]
                self._copy(start, np.frombuffer(part, np.uint8))

    def _copy(self, at: int, found: NDArray) -> None:
        done = 0
        while done < len(found):
            page, offset = divmod(at + done, PAGE)
            piece = found[done : done + PAGE - offset]
            self.pages.setdefault(page, bytearray(PAGE))[offset : offset + len(piece)] = piece.tobytes()
            done += len(piece)

    def _copied(self, first: int, last: int) -> memoryview:
        """What was copied of that stretch, zeros where nothing was."""
        pages = range(first // PAGE, -(-last // PAGE))
        whole = b"".join(self.pages.get(page, bytes(PAGE)) for page in pages)
        begin = first - pages.start * PAGE
        return memoryview(whole)[begin : begin + last - first]


def _address(array: NDArray) -> int:
    return int(array.__array_interface__["data"][0])
