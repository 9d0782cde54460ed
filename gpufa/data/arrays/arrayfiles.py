"""Readers of named arrays: .npz, HDF5, and folders."""

import warnings
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...basics.arguments import readable
from ...basics.errors import FileProblem, GpufaError
from ..samples.data import REAL
from . import folders
from .arraynames import shape_in_words
from .idx import DEFLATE

T = TypeVar("T")


def array_names(path: Path) -> dict[str, str]:
    """The arrays of an .npz or HDF5 file, or a folder, with their shapes in words; raises FileProblem if it can't be
    read."""
    return tried(path, lambda: _form(path).names(path))


def read_arrays(path: Path, x: Sequence[str], y: Sequence[str] = ()) -> list[NDArray]:
    """The arrays of those names, of which those of y may be strings; raises FileProblem if one can't be read."""
    return tried(path, lambda: _form(path).read(path, x, y))


def tried(path: Path, read: Callable[[], T]) -> T:
    if not folders.is_folder(path):
        check_there(path)
    try:
        return read()
    except (MemoryError, GpufaError):
        raise
    except BlockingIOError:
        raise FileProblem(f"{path} is open for writing in another program; close it there, and try again") from None
    except Exception as error:  # three libraries raise whatever a damaged file leads them to
        if "already open for write" in str(error):
            raise FileProblem(
                f"{path} is marked as open by a program that writes into it, or that was killed; close it there, or"
                " clear the mark with h5clear -s"
            ) from None
        raise FileProblem(f"{path} can't be read ({error}); write its arrays anew, texts by astype(str)") from None


def _names_npz(path: Path) -> dict[str, str]:
    if not zipfile.is_zipfile(path):
        raise OSError("not a zip archive")
    found = {}
    with warnings.catch_warnings(), zipfile.ZipFile(path) as file:
        warnings.simplefilter("ignore")  # arrays that Python 2 has written are as good as others
        for member in file.namelist():
            name, found_as = member.removesuffix(".npy"), "of no known format"
            with suppress(Exception), file.open(member) as stream:  # one that nobody asks for may be damaged
                shape, _, dtype = folders.npy_header(stream)
                found_as = shape_in_words(shape, dtype)
            found[name] = found_as
    return found


def _read_npz(path: Path, x: Sequence[str], y: Sequence[str]) -> list[NDArray]:
    with warnings.catch_warnings(), np.load(path, allow_pickle=False) as file:
        warnings.simplefilter("ignore")  # arrays that Python 2 has written are as good as others
        for name in (*x, *y):
            info = file.zip.getinfo(name if name in file.zip.namelist() else f"{name}.npy")
            with suppress(ValueError), file.zip.open(info) as stream:  # NumPy tells what is none of its arrays
                folders.check_claim(name, stream, min(info.file_size, DEFLATE * info.compress_size))
        return [file[name] for name in (*x, *y)]


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
        return [dataset(file, name, size)[()] for name in x] + [_of_texts(file, name, size) for name in y]


def _of_texts(file: Any, name: str, size: int) -> NDArray:
    """An array of numbers, or of strings."""
    found = dataset(file, name, size, texts=True)
    return found[()] if found.dtype.kind in REAL else np.asarray(found.asstr("utf-8", "strict")[()], str)


def dataset(file: Any, name: str, size: int, texts: bool = False) -> Any:
    """What holds an array of numbers that is all in the file of so many bytes; HDF5 allows much else, and crashes over
    some."""
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
        return found
    if found.dtype.kind not in REAL:
        raise TypeError(f"{name} is of type {found.dtype}, not of numbers")
    if found.nbytes > DEFLATE * size:
        raise OSError(f"{name} claims {found.nbytes} bytes, more than {size} bytes of file can hold")
    return found


def check_there(path: Path) -> None:
    """Raises FileProblem if there is no such file, or none that may be read."""
    with readable(path, "data file"):
        if not path.is_file():
            raise FileProblem(f"there is no file {path}; check the path")
        path.open("rb").close()


class Form(NamedTuple):
    """How arrays lie at a path: `names(path)`, with shapes in words, and `read(path, x, y)` of those named."""

    names: Callable[[Path], dict[str, str]]
    read: Callable[[Path, Sequence[str], Sequence[str]], list[NDArray]]


NPZ, HDF5, FOLDER = Form(_names_npz, _read_npz), Form(_names_hdf5, _read_hdf5), Form(folders.names, folders.read)


def _form(path: Path) -> Form:
    if folders.is_folder(path) or path.suffix.lower() == folders.NPY:
        return FOLDER
    return NPZ if path.suffix.lower() == ".npz" else HDF5
