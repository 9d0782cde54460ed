"""How the files of a set known by name are laid out, and read: a Form for each way."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ...basics.errors import FileProblem
from ..arrays.arrayfiles import read_arrays
from ..arrays.idx import read_idx
from ..arrays.jpegs import Part
from . import cifar

IDX_FILES = "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
EMBEDDED_FILE = "digits.npz"


class Form(NamedTuple):
    """`downloads` are the files to be had from a mirror; `lacks(folder)` says what a folder has to be given, "" for
    nothing, and `has(folder, file)` whether that download is needed no more; `read(folder, part)` gives a part."""

    downloads: tuple[str, ...]
    lacks: Callable[[Path], str]
    has: Callable[[Path, str], bool]
    read: Callable[[Path, str], Part]


def _idx_path(folder: Path, file: str) -> Path:
    """The plain file if it is there, else the gzipped one."""
    return folder / file if (folder / file).is_file() else folder / f"{file}.gz"


def _idx_lacks(folder: Path) -> str:
    return next((f"{file}[.gz]" for file in IDX_FILES if not _idx_path(folder, file).is_file()), "")


def _read_idx(folder: Path, part: str) -> Part:
    images, labels = IDX_FILES[:2] if part == "train" else IDX_FILES[2:]
    x, y = read_idx(_idx_path(folder, images), 3), read_idx(_idx_path(folder, labels), 1)
    if len(x) != len(y):
        raise FileProblem(f"{folder} has {len(x)} {part} images, but {len(y)} labels; get its files again")
    return Part(x, y)


def _read_embedded(folder: Path, part: str) -> Part:
    x, y = read_arrays(folder / EMBEDDED_FILE, [f"x_{part}"], [f"y_{part}"])
    return Part(x, y)


EMBEDDED = Form((), lambda folder: "", lambda folder, file: True, _read_embedded)
IDX = Form(
    tuple(f"{file}.gz" for file in IDX_FILES),
    _idx_lacks,
    lambda folder, file: _idx_path(folder, file.removesuffix(".gz")).is_file(),
    _read_idx,
)
CIFAR = Form((cifar.ARCHIVE,), cifar.lacks, lambda folder, file: not cifar.lacks(folder), cifar.read)
