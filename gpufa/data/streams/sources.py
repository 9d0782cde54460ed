"""Sources: the arrays in files of which parts can be read, without the rest."""

import math
import os
import struct
import threading
import weakref
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...basics.errors import FileProblem, in_bytes
from ..arrays import folders
from ..arrays.arrayfiles import dataset, tried
from ..arrays.idx import idx_shape
from ..samples.data import REAL
from .room import SEEKABLE
from .rows import Source

MOST = 64 << 20  # bytes of a file that are unpacked at once, at most
CACHE = 64 << 20  # of unpacked pieces of an HDF5 array, bytes
LOCAL = 30  # bytes of what stands before a name in a zip file


class NoStream(Exception):
    """Parts of an array can't be read; the text says why, and what helps."""


def opened(path: Path, names: Sequence[str]) -> tuple[list[Source], str]:
    """The arrays of these names in a file, and why they can't be read in parts, "" where they can. Raises FileProblem
    where they can't be read at all."""

    def read() -> tuple[list[Source], str]:
        try:
            return [_opened(path, name) for name in names], ""
        except NoStream as why:
            return [], str(why)

    return tried(path, read)


def size_of(path: Path) -> int:
    """About how many bytes what a file or folder holds would take in memory, at least; 0 where that can't be told."""
    with suppress(OSError, zipfile.BadZipFile):
        if os.path.isdir(path):
            return sum(file.stat().st_size for file in path.iterdir())
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as file:
                return sum(info.file_size for info in file.infolist())
        return path.stat().st_size
    return 0


def _opened(path: Path, name: str) -> Source:
    if folders.is_folder(path) or path.suffix.lower() == folders.NPY:
        return _of_folder(folders.files_in(path)[name])
    return _of_npz(path, name) if path.suffix.lower() == ".npz" else _of_hdf5(path, name)


class Watched:
    """A file that is read here and there, by any thread, and must stay as it was when it was opened."""

    def __init__(self, path: Path) -> None:
        self.path, self._file, self._lock = path, open(path, "rb", buffering=0), threading.Lock()  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._seen = self._stamp()
        self.size = self._seen[0]

    def read(self, at: int, out: memoryview) -> None:
        """Fill `out` with what stands there."""
        with self._lock:
            try:
                self._file.seek(at)
                while out and (count := self._file.readinto(out)):
                    out = out[count:]
            except OSError as error:
                raise FileProblem(f"{self.path} can't be read ({error.strerror}); see to its disk") from None
        self.check(whole=not out)

    def check(self, whole: bool = True) -> None:
        """Raises FileProblem where the file is no longer what it was."""
        if self._stamp() != self._seen or not whole:
            raise FileProblem(
                f"{self.path} was changed while it was read, of which {in_bytes(self._seen[0])} were there at first;"
                " bring it back as it was, and leave it alone"
            )

    def _stamp(self) -> tuple[int, int]:
        found = os.fstat(self._file.fileno())
        return found.st_size, found.st_mtime_ns


class Flat:
    """An array whose numbers lie in the file as they lie in memory, row by row, from an offset on."""

    grain = 1

    def __init__(self, path: Path, offset: int, shape: tuple[int, ...], dtype: Any) -> None:
        self.shape, self.dtype = _checked(shape, dtype)
        self._file, self._offset = Watched(path), offset
        self._row = math.prod(shape[1:]) * self.dtype.itemsize
        if self._file.size < offset + shape[0] * self._row:
            raise FileProblem(
                f"{path} has {self._file.size} bytes, but its header asks for {offset + shape[0] * self._row}; get the"
                " file again"
            )

    def read(self, start: int, stop: int) -> NDArray:
        found = np.empty((stop - start, *self.shape[1:]), self.dtype)
        if found.size:
            self._file.read(self._offset + start * self._row, found.reshape(-1).view(np.uint8).data)
        return found


class Hdf5:
    """An array of HDF5 that is packed, in chunks, or lies as only its library knows."""

    def __init__(self, path: Path, name: str) -> None:
        import h5py

        self._watched = Watched(path)
        self._file = h5py.File(path, "r", rdcc_nbytes=CACHE)
        weakref.finalize(self, self._file.close)
        self._found = dataset(self._file, name, self._watched.size)
        self.shape, self.dtype = _checked(self._found.shape, self._found.dtype)
        chunks = self._found.chunks or (1, *self.shape[1:])
        self.grain, along = chunks[0], math.prod(self.shape[1:])
        if chunks[0] * along * self.dtype.itemsize > MOST:
            raise NoStream(
                f"{name} lies in chunks of {chunks[0]} rows, {in_bytes(chunks[0] * along * self.dtype.itemsize)} each;"
                " write it in smaller ones"
            )

    def read(self, start: int, stop: int) -> NDArray:
        try:
            found = np.asarray(self._found[start:stop])
        except MemoryError:
            raise
        except Exception as error:  # HDF5 and what unpacks for it raise whatever a damaged file leads them to
            self._watched.check()
            raise FileProblem(f"{self._watched.path} can't be read ({error}); get it again") from None
        self._watched.check()
        return found


def _checked(shape: tuple[int, ...], dtype: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    if np.dtype(dtype).kind not in REAL or len(shape) < 2 or not math.prod(shape):
        raise NoStream(f"it holds {dtype} of the shape {tuple(shape)}; give numbers, (samples, features)")
    return tuple(map(int, shape)), np.dtype(dtype)


def _of_folder(file: Path) -> Source:
    if file.suffix.lower() != folders.NPY:
        if folders.is_zipped(file):
            raise NoStream(f"{file.name} is gzipped, and no place in it can be sought; unpack it with gunzip")
        shape = idx_shape(file)
        return Flat(file, 4 + 4 * len(shape), shape, np.uint8)
    with open(file, "rb") as stream:
        return _of_npy(file, *folders.npy_header(stream), stream.tell())


def _of_npy(file: Path, shape: tuple[int, ...], fortran: bool, dtype: Any, offset: int) -> Source:
    if fortran:
        raise NoStream(f"{file.name} has its columns one behind the other; write numpy.ascontiguousarray of it")
    return Flat(file, offset, shape, dtype)


def _of_npz(path: Path, name: str) -> Source:
    """Of a file that isn't packed, as numpy.savez writes it."""
    with zipfile.ZipFile(path) as file, open(path, "rb") as stream:
        info = file.getinfo(name if name in file.namelist() else f"{name}.npy")
        if info.compress_type != zipfile.ZIP_STORED:
            raise NoStream(f"its array {name} is packed, and no place in it can be sought; {SEEKABLE}")
        stream.seek(info.header_offset)
        name_and_more = struct.unpack("<HH", stream.read(LOCAL)[-4:])
        stream.seek(info.header_offset + LOCAL + sum(name_and_more))
        return _of_npy(path, *folders.npy_header(stream), stream.tell())


def _of_hdf5(path: Path, name: str) -> Source:
    import h5py

    with h5py.File(path, "r") as file:
        found = dataset(file, name, path.stat().st_size)
        offset = found.id.get_offset()
        if offset is None or not found.size:
            return Hdf5(path, name)
        flat = Flat(path, offset, found.shape, found.dtype)
        ends = (0, found.shape[0] - 1)
        alike = all(flat.read(i, i + 1).tobytes() == np.ascontiguousarray(found[i : i + 1]).tobytes() for i in ends)
    return flat if alike else Hdf5(path, name)
