"""Readers of data files: IDX, the format of MNIST; .npz and HDF5 with named arrays; CSV with a target column."""

import csv
import gzip
import math
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..basics.arguments import readable
from ..basics.errors import FileProblem, InvalidValue
from .samples import REAL

SUFFIXES = ".npz", ".h5", ".hdf5", ".csv"
TARGETS = "label", "target", "y"  # the names of a CSV file's target column, in order of preference
UNSIGNED_BYTE = 0x08
DEFLATE = 1032  # how much larger gzip's way of packing can make what it unpacks
EXACT = 2**24  # whole numbers below it are exact in float32


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


def read_file(path: Path, names: Iterable[str], features: int | None = None) -> dict[str, NDArray]:
    """The user's arrays: those of `names` in an .npz or HDF5 file, x and maybe y of a .csv (see `read_csv`)."""
    if path.suffix.lower() != ".csv":
        return read_arrays(path, names)
    x, y = read_csv(path, features)
    return {"x": x} if y is None else {"x": x, "y": y}


def read_arrays(path: Path, names: Iterable[str]) -> dict[str, NDArray]:
    """Those of the arrays `names` that an .npz or HDF5 file has; raises FileProblem if it can't be read."""
    check_there(path)
    try:
        return _read_npz(path, names) if path.suffix.lower() == ".npz" else _read_hdf5(path, names)
    except Exception as error:  # three libraries raise whatever a damaged file leads them to
        raise FileProblem(f"{path} can't be read ({error}); write its arrays of numbers anew") from None


def _read_npz(path: Path, names: Iterable[str]) -> dict[str, NDArray]:
    if not zipfile.is_zipfile(path):
        raise OSError("not a zip archive")
    with warnings.catch_warnings(), np.load(path, allow_pickle=False) as file:
        warnings.simplefilter("ignore")  # arrays that Python 2 has written are as good as others
        return {name: file[name] for name in names if name in file}


def _read_hdf5(path: Path, names: Iterable[str]) -> dict[str, NDArray]:
    import h5py

    with h5py.File(path, "r") as file:
        return {name: _dataset(file, name, path.stat().st_size) for name in names if name in file}


def _dataset(file: Any, name: str, size: int) -> NDArray:
    """An array of numbers that is all in the file of so many bytes; HDF5 allows much else, and crashes over some."""
    import h5py

    if isinstance(file.get(name, getlink=True), h5py.ExternalLink):
        raise OSError(f"{name} is in another file")
    found = file[name]
    if not isinstance(found, h5py.Dataset):
        raise TypeError(f"{name} is no array")
    if found.file != file or found.external or found.is_virtual:
        raise OSError(f"{name} is in another file")
    if found.dtype.kind not in REAL or found.shape is None:
        raise TypeError(f"{name} is of type {found.dtype}, not of numbers")
    if found.nbytes > DEFLATE * size:
        raise OSError(f"{name} claims {found.nbytes} bytes, more than {size} bytes of file can hold")
    return found[()]


def read_csv(path: Path, features: int | None = None) -> tuple[NDArray[np.float32], NDArray | None]:
    """x (rows, columns - 1) and the target column: int64 labels (rows,) or float32 real targets (rows, 1).

    The target is the column named label, target or y, else the last one. It gives labels if it has only whole numbers
    and is named label or stands last. Where the table has exactly `features` columns there is no target, but None.
    Raises FileProblem, naming the line, for what is not a table of numbers, InvalidValue if it doesn't fit `features`.
    """
    names, table = _read_table(path)
    columns = table.shape[1]
    if columns == features:
        return table, None
    if features is not None and columns != features + 1:
        raise InvalidValue(f"{path} has {columns} columns; expected {features} features, and a target column or none")
    at = next((names.index(name) for name in TARGETS if name in names), columns - 1)
    y = table[:, at]
    whole = bool((y == np.round(y)).all() and (abs(y) < EXACT).all())
    is_label = whole and (at == columns - 1 or names[at] == "label")
    return np.delete(table, at, axis=1), y.astype(np.int64) if is_label else y[:, None].copy()


def check_there(path: Path) -> None:
    """Raises FileProblem if there is no such file, or none that may be read."""
    with readable(path, "data file"):
        if not path.is_file():
            raise FileProblem(f"there is no file {path}; check the path")
        path.open("rb").close()


def _read_table(path: Path) -> tuple[Sequence[str], NDArray[np.float32]]:
    """The columns' names in lower case, none if there is no header, and the numbers (rows, columns)."""
    check_there(path)
    skip = 0
    try:
        skip, names = _read_header(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that there are no rows is told below
            table = np.loadtxt(path, np.float32, None, ",", skiprows=skip, ndmin=2, encoding="utf-8-sig", quotechar='"')
    except (OSError, UnicodeDecodeError) as error:
        raise FileProblem(
            f"{path} can't be read as text ({error}); save it as comma-separated numbers in UTF-8"
        ) from None
    except ValueError as error:
        raise FileProblem(
            f"{path}{_first_fault(path, skip) or f' is not a table ({error}); give lines of numbers'}"
        ) from None
    if not table.size:
        raise FileProblem(f"{path} has no rows of numbers; give one line per sample")
    if names and len(names) != table.shape[1]:
        raise FileProblem(
            f"{path} names {len(names)} columns, but its lines have {table.shape[1]} cells; name each column once"
        )
    return names, table


def _read_header(path: Path) -> tuple[int, Sequence[str]]:
    """The lines that the header takes and its names; (0, ()) if the first line is one of numbers.

    A header has no numbers, or names a target column: so a slip in the first row of numbers is not taken for a header.
    """
    with open(path, encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                names = [cell.strip().lower() for cell in _cells(line.lstrip("# "))]
                if set(names) & set(TARGETS) or not any(map(_is_number, names)):
                    return number, names
                break
    return 0, ()


def _first_fault(path: Path, skip: int) -> str:
    """What is wrong with which line of a table, "" if nothing was found; looked for only when NumPy can't read it."""
    width = 0
    with open(path, encoding="utf-8-sig", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            cells = _cells(line) if number > skip and line.strip() else []
            width = width or len(cells)
            if cells and len(cells) != width:
                return f", line {number}: {len(cells)} cells, but {width} in the lines before; separate cells by commas"
            for column, cell in enumerate(cells, start=1):
                if not _is_number(cell):
                    return f", line {number}: {cell!r} in column {column} is not a number; separate numbers by commas"
    return ""


def _cells(line: str) -> list[str]:
    """What stands between the commas; a line that csv can't read is one cell."""
    try:
        return next(csv.reader([line]), [])
    except csv.Error:
        return [line]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
