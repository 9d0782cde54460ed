"""A checkpoint's seal: its first 512 bytes, HDF5's user block, with length and SHA-256 of all that follows, as text."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..basics.errors import FileProblem

FORMAT = 1
BLOCK = 512
MAGIC = b"gpufa checkpoint\n"


def sealed(parts: Sequence[memoryview]) -> list[memoryview]:
    """The parts of an HDF5 file, the first of which has all of its user block, with the header over that."""
    body = [parts[0][BLOCK:], *parts[1:]]
    return [memoryview(_header(body)), *body]


def _header(body: Iterable[memoryview]) -> bytes:
    digest, size = hashlib.sha256(), 0
    for part in body:
        digest.update(part)
        size += len(part)
    return (MAGIC + f"format {FORMAT}\nsha256 {digest.hexdigest()}\nbytes {size}\n".encode()).ljust(BLOCK, b"\0")


def verified(path: Path) -> bytearray:
    """Every byte of the file, once all of them are what the header says; of no other file more than the header."""
    where = f"checkpoint {str(path)!r}"
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise FileProblem(f"{where} is no file; give a run's folder or its checkpoint.h5")
        with open(path, "rb") as file:
            header = file.read(BLOCK)
            _understood(header, size := os.fstat(file.fileno()).st_size - len(header), str(path))
            raw = bytearray(BLOCK + size)
            raw[:BLOCK], body = header, memoryview(raw)[BLOCK:]
            whole = file.readinto(body) == size
    except FileProblem:
        raise
    except FileNotFoundError:
        raise FileProblem(f"{where} does not exist; give a run's folder or its checkpoint.h5") from None
    except OSError as error:
        raise FileProblem(
            f"{where} can't be read ({error.strerror}); give a run's folder or its checkpoint.h5"
        ) from error
    if not whole or header != _header([body]):
        raise FileProblem(f"{where} is damaged: its bytes differ from what was written; go back to a copy of it")
    return raw


def _understood(header: bytes, size: int, path: str) -> None:
    """Raises FileProblem where a header is none of this format for a body of `size` bytes."""
    if not header.startswith(MAGIC):
        raise FileProblem(f"{path!r} is no gpufa checkpoint; give a run's folder or its checkpoint.h5")
    fields = dict(line.split(b" ", 1) for line in header.rstrip(b"\0").split(b"\n")[1:] if b" " in line)
    newer = fields.get(b"format", b"").decode("ascii", "replace")
    if newer.isdecimal() and len(newer) < 10 and int(newer) > FORMAT:
        raise FileProblem(f"checkpoint {path!r} has format {newer}, this gpufa reads up to {FORMAT}: upgrade gpufa")
    if fields.get(b"bytes") != str(size).encode():
        promised = fields.get(b"bytes", b"?").decode("ascii", "replace")
        raise FileProblem(
            f"checkpoint {path!r} is damaged: {size} bytes of content, {promised} were written; go back to a copy of it"
        )
