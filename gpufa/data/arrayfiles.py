"""Readers of data files: IDX, the format of MNIST; .npz and HDF5 with named arrays."""

import gzip
import math
import warnings
import zipfile
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..basics.arguments import readable
from ..basics.errors import FileProblem
from .arraynames import shape_in_words
from .samples import REAL

T = TypeVar("T")
UNSIGNED_BYTE = 0x08
HEADERS = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
DEFLATE = 1032  # how much larger gzip's way of packing can make what it unpacks


def read_idx(path: Path, ndim: int) -> NDArray[np.uint8]:
    """The `ndim`-dimensional array of bytes in an IDX file, gzipped or plain; raises FileProblem for anything else."""
    header = 4 + 4 * ndim
    try:
        with open(path, "rb") as plain:
            zipped = plain.read(2) == b"\x1f\x8b"
        with gzip.open(path) if zipped else open(path, "rb") as file:
            start = file.read(header)
            shape = [int.from_bytes(start[i : i + 4]) for i in range(4, header, 4)]
            size = math.prod(shape)
            most = path.stat().st_size * (DEFLATE if zipped else 1)
            raw = file.read(min(size, most) + 1)  # one more would be one too many
    except (OSError, EOFError, MemoryError, zlib.error) as error:
        raise FileProblem(f"{path} can't be read ({error}); get the file again") from None
    if len(start) < 4 or start[:2] != b"\0\0":
        raise FileProblem(f"{path} is not an IDX file: it starts with {start[:4]!r}; get the file again")
    if start[2] != UNSIGNED_BYTE:
        raise FileProblem(f"{path} has IDX data of type {start[2]:#04x}; expected unsigned bytes, {UNSIGNED_BYTE:#04x}")
    if start[3] != ndim:
        raise FileProblem(f"{path} has {start[3]} dimensions; expected {ndim}, so check that the files aren't mixed up")
    if len(start) < header or len(raw) != size:
        held = len(start) + len(raw) if zipped else path.stat().st_size
        more = "more than " if zipped and len(raw) > size else ""
        raise FileProblem(
            f"{path} has {more}{held - bool(more)} bytes, but its header asks for {header + size}; get the file again"
        )
    return np.frombuffer(raw, np.uint8).reshape(shape)


def array_names(path: Path) -> dict[str, str]:
    """The arrays of an .npz or HDF5 file, with their shapes in words; raises FileProblem if it can't be read."""
    return _tried(path, lambda: _names_npz(path) if _is_npz(path) else _names_hdf5(path))


def read_arrays(path: Path, x: Sequence[str], y: Sequence[str] = ()) -> list[NDArray]:
    """The arrays of those names, of which those of y may be strings; raises FileProblem if one can't be read."""
    return _tried(path, lambda: _read_npz(path, [*x, *y]) if _is_npz(path) else _read_hdf5(path, x, y))


def _is_npz(path: Path) -> bool:
    return path.suffix.lower() == ".npz"


def _tried(path: Path, read: Callable[[], T]) -> T:
    check_there(path)
    try:
        return read()
    except BlockingIOError:
        raise FileProblem(f"{path} is open for writing in another program; close it there, and try again") from None
    except Exception as error:  # three libraries raise whatever a damaged file leads them to
        if "already open for write" in str(error):
            raise FileProblem(
                f"{path} is marked as open by a program that writes into it, or that was killed; close it there, or"
                " clear the mark with h5clear -s"
            ) from None
        raise FileProblem(f"{path} can't be read ({error}); write its arrays of numbers anew") from None


def _names_npz(path: Path) -> dict[str, str]:
    if not zipfile.is_zipfile(path):
        raise OSError("not a zip archive")
    found = {}
    with warnings.catch_warnings(), zipfile.ZipFile(path) as file:
        warnings.simplefilter("ignore")  # arrays that Python 2 has written are as good as others
        for member in file.namelist():
            name, found_as = member.removesuffix(".npy"), "of no known format"
            with suppress(Exception), file.open(member) as stream:  # one that nobody asks for may be damaged
                major, _ = np.lib.format.read_magic(stream)
                shape, _, dtype = HEADERS[major](stream)
                found_as = shape_in_words(shape, dtype)
            found[name] = found_as
    return found


def _read_npz(path: Path, names: Sequence[str]) -> list[NDArray]:
    with warnings.catch_warnings(), np.load(path, allow_pickle=False) as file:
        warnings.simplefilter("ignore")  # arrays that Python 2 has written are as good as others
        return [file[name] for name in names]


def _names_hdf5(path: Path) -> dict[str, str]:
    import h5py

    with h5py.File(path, "r") as file:
        names = list(file)
        for group in [name for name in names if name.lower() in ("train", "test")]:
            if isinstance(file.get(group, getlink=True), h5py.HardLink) and isinstance(file[group], h5py.Group):
                names += [f"{group}/{name}" for name in file[group]]
        found = {}
        for name in names:
            if not isinstance(file.get(name, getlink=True), h5py.HardLink):
                found[name] = "that is a link"
            elif isinstance(one := file[name], h5py.Dataset):
                found[name] = shape_in_words(one.shape or (), one.dtype)
            else:
                found[name] = "that is a group"
        return found


def _read_hdf5(path: Path, x: Sequence[str], y: Sequence[str]) -> list[NDArray]:
    import h5py

    with h5py.File(path, "r") as file:
        size = path.stat().st_size
        return [_dataset(file, name, size) for name in x] + [_dataset(file, name, size, texts=True) for name in y]


def _dataset(file: Any, name: str, size: int, texts: bool = False) -> NDArray:
    """An array of numbers that is all in the file of so many bytes; HDF5 allows much else, and crashes over some."""
    import h5py

    if isinstance(file.get(name, getlink=True), h5py.ExternalLink):
        raise OSError(f"{name} is in another file")
    found = file[name]
    if not isinstance(found, h5py.Dataset):
        raise TypeError(f"{name} is no array")
    if found.file != file or found.external or found.is_virtual:
        raise OSError(f"{name} is in another file")
    if found.shape is None:
        raise TypeError(f"{name} holds no values")
    if texts and h5py.check_string_dtype(found.dtype) and found.nbytes <= DEFLATE * size:
        return np.asarray(found.asstr("utf-8", "replace")[()], str)
    if found.dtype.kind not in REAL:
        raise TypeError(f"{name} is of type {found.dtype}, not of numbers")
    if found.nbytes > DEFLATE * size:
        raise OSError(f"{name} claims {found.nbytes} bytes, more than {size} bytes of file can hold")
    return found[()]


def check_there(path: Path) -> None:
    """Raises FileProblem if there is no such file, or none that may be read."""
    with readable(path, "data file"):
        if not path.is_file():
            raise FileProblem(f"there is no file {path}; check the path")
        path.open("rb").close()
