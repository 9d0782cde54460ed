"""IDX, the format of MNIST's files: a header, and behind it bytes in rows."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...basics.errors import FileProblem

UNSIGNED_BYTE = 0x08
DEFLATE = 1032  # how much larger gzip's way of packing can make what it unpacks
ZIPPED = b"\x1f\x8b"


def idx_shape(path: Path) -> tuple[int, ...]:
    """The shape that the header of a plain file tells; raises FileProblem where that is no IDX file of bytes."""
    with open(path, "rb") as file:
        start = file.read(4)
        if len(start) < 4 or start[:3] != bytes((0, 0, UNSIGNED_BYTE)):
            raise FileProblem(f"{path} is not an IDX file of bytes: it starts with {start!r}; get the file again")
        return tuple(int.from_bytes(file.read(4)) for _ in range(start[3]))


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
