"""Arrays that are a file each: NAME.npy in a folder, files in IDX beside them, or one .npy by itself."""

import math
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from .arraynames import shape_in_words
from .idx import ZIPPED, idx_shape, read_idx

NPY = ".npy"
OTHERS = ".npz", ".h5", ".hdf5", ".parquet"  # what has such a name is no folder of ours
ALONE = "x"  # what the array of a file by itself is called
IDX = re.compile(r"(.+)[-.]idx(\d)-ubyte(?:\.gz)?")
HEADERS = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}


def is_folder(path: Path) -> bool:
    return os.path.isdir(path) and path.suffix.lower() not in OTHERS


def files_in(path: Path) -> dict[str, Path]:
    """The files of the arrays by these ones' names: train-images of train-images-idx3-ubyte, and test-images of MNIST's
    t10k-images-idx3-ubyte. Of an array that is there packed as well, the plain file. Raises OSError where the folder
    holds none."""
    if not os.path.isdir(path):
        return {ALONE: path}
    found = {}
    for file in sorted(path.iterdir(), reverse=True):  # the plain one comes last, and stays
        if file.suffix.lower() == NPY:
            found[file.stem] = file
        elif match := IDX.fullmatch(file.name):
            found[match[1].replace("t10k", "test")] = file
    if not found:
        raise FileNotFoundError("the folder holds no .npy and no IDX files")
    return found


def holds(path: Path, file: Path) -> bool:
    """Whether data at that path are, or lie in, that file."""
    with suppress(OSError):
        return any(one.exists() and one.samefile(file) for one in files_in(path).values())
    return False


def names(path: Path) -> dict[str, str]:
    """All arrays with their shapes in words."""
    return {name: shape_in_words(*_described(file)) for name, file in files_in(path).items()}


def read(path: Path, x: Sequence[str], y: Sequence[str]) -> list[NDArray]:
    files = files_in(path)
    return [_read(files[name]) for name in (*x, *y)]


def npy_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether it is in Fortran's order, and type; the numbers are next then. Raises ValueError where it is no
    .npy file."""
    major, _ = np.lib.format.read_magic(stream)
    return HEADERS[major](stream)


def check_claim(name: str, stream: IO[bytes], most: int) -> None:
    """Raise OSError where the header of an array claims more than so many bytes, and NumPy would look for memory."""
    shape, _, dtype = npy_header(stream)
    if dtype.hasobject is False and math.prod(shape) * dtype.itemsize > most:
        raise OSError(f"{name} claims {math.prod(shape) * dtype.itemsize} bytes, more than the file can hold")


def is_zipped(file: Path) -> bool:
    with open(file, "rb") as stream:
        return stream.read(2) == ZIPPED


def _described(file: Path) -> tuple[tuple[int, ...], np.dtype]:
    if file.suffix.lower() == NPY:
        with open(file, "rb") as stream:
            shape, _, dtype = npy_header(stream)
        return shape, dtype
    return _read(file).shape if is_zipped(file) else idx_shape(file), np.dtype(np.uint8)


def _read(file: Path) -> NDArray:
    if file.suffix.lower() == NPY:
        with open(file, "rb") as stream:
            check_claim(file.stem, stream, file.stat().st_size)
        return np.asarray(np.load(file, allow_pickle=False))
    match = IDX.fullmatch(file.name)
    assert match
    return read_idx(file, int(match[2]))
