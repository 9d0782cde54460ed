"""CIFAR-10 as its authors give it away: files of records, a byte that is the label and 3x32x32 that are the image."""

import gzip
import math
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from ...basics.errors import FileProblem
from ..arrays import jpegs
from ..arrays.arrayfiles import array_names
from ..arrays.jpegs import Part, check_labels

ARCHIVE = "cifar-10-binary.tar.gz"
FOLDER = "cifar-10-batches-bin"  # in the archive
META = "batches.meta.txt"
BATCHES = {"train": tuple(f"data_batch_{i}.bin" for i in range(1, 6)), "test": ("test_batch.bin",)}
FILES = META, *BATCHES["train"], *BATCHES["test"]
SHAPE = 3, 32, 32
RECORD = 1 + math.prod(SHAPE)
MOST = 10_000  # records of a file
LABELS = range(10)  # where classes have no names
CHUNK = 1 << 20


def lacks(folder: Path) -> str:
    """What has to be added to a folder for the set to be in it: the archive, its files, or an .npz of JPEG files. ""
    for nothing."""
    if unpacked := _unpacked(folder):
        return next((name for name in FILES if not (unpacked / name).is_file()), "")
    if (folder / ARCHIVE).is_file() or _packed_as_jpeg(folder):
        return ""
    return f"{ARCHIVE}, what that holds, or an .npz of JPEG files"


def read(folder: Path, part: str) -> Part:
    """x, bytes (samples, 3, 32, 32), and labels of a part. Raises FileProblem for damaged files."""
    if not _unpacked(folder) and not (folder / ARCHIVE).is_file() and (path := _packed_as_jpeg(folder)):
        found = jpegs.read_part(path, part)
        check_labels(found.y, found.classes or LABELS, f"{path}: {part}_y")
        return found
    files = dict(_read(folder, (META, *BATCHES[part])))
    lines = files.pop(META).decode("utf-8", "replace").splitlines()
    classes = tuple(line.strip() for line in lines if line.strip())
    if not classes or len(set(classes)) < len(classes):
        raise FileProblem(f"{META} in {folder} has no names of classes, or one twice; get the file again")
    records = np.concatenate([np.frombuffer(files[name], np.uint8).reshape(-1, RECORD) for name in BATCHES[part]])
    check_labels(records[:, 0], classes, f"{folder}, {part} part,")
    return Part(records[:, 1:].reshape(-1, *SHAPE), records[:, 0], classes)


def _unpacked(folder: Path) -> Path | None:
    """Where the archive's files lie, be there some of them or all."""
    places = folder, folder / FOLDER
    return next((place for place in places if any((place / name).is_file() for name in FILES[1:])), None)


def _packed_as_jpeg(folder: Path) -> Path | None:
    """Raises FileProblem where that could be either of two."""
    found = [path for path in sorted(folder.glob("*.npz")) if jpegs.holds(array_names(path))]
    if len(found) > 1:
        raise FileProblem(f"{folder} has {found[0].name} and {found[1].name}, and either could be it; leave one there")
    return found[0] if found else None


def _read(folder: Path, names: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    """Each of those files, of the folder or the archive in it."""
    if unpacked := _unpacked(folder):
        for name in names:
            path = unpacked / name
            try:
                with path.open("rb") as file:
                    yield name, _checked(name, path.stat().st_size, file, path)
            except FileProblem:
                raise
            except OSError as error:
                raise FileProblem(f"{path} can't be read ({error}); get the file again") from None
        return
    path, left = folder / ARCHIVE, set(names)
    try:
        with gzip.open(path) as packed:
            with tarfile.open(fileobj=packed, mode="r|") as archive:
                for member in archive:
                    if (name := Path(member.name).name) in left and member.isfile():
                        content = archive.extractfile(member)
                        assert content
                        left.remove(name)
                        yield name, _checked(name, member.size, content, path)
            while packed.read(CHUNK):  # to its end, where its checksum stands
                pass
    except FileProblem:
        raise
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise FileProblem(f"{path} can't be read ({error}); get the file again") from None
    if left:
        raise FileProblem(f"{path} has no {min(left)}; get the file again")


def _checked(name: str, size: int, file: IO[bytes], path: Path) -> bytes:
    """What a file holds, which must be as long as it says, and of records a whole number."""
    most = MOST * RECORD
    if not 0 < size <= most or (name != META and size % RECORD):
        raise FileProblem(
            f"{name} in {path} has {size} bytes; expected"
            f" {'names of classes' if name == META else f'records of {RECORD} bytes, at most {MOST} of them'}"
        )
    content = file.read(size)
    if len(content) != size:
        raise FileProblem(f"{name} in {path} ends after {len(content)} of {size} bytes; get the file again")
    return content
