"""Checkpoint files: named arrays and metadata in HDF5 that can't be lost half-written or loaded damaged.

The first 512 bytes, HDF5's user block, hold a header in plain text with the length and SHA-256 of all that follows. A
reader checks every byte against it before HDF5 parses one. Writing goes to a temporary file beside the target, which
takes its place only when all of it is on the disk. docs/checkpoints.md describes the format.
"""

import hashlib
import io
import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .errors import FileProblem

if TYPE_CHECKING:
    import h5py

FORMAT = 1
BLOCK = 512
MAGIC = b"gpufa checkpoint\n"
KINDS = "biuf"  # the types of array that are stored: booleans and numbers


def write(path: str | Path, arrays: Mapping[str, NDArray], metadata: Mapping[str, Any]) -> None:
    """Write host arrays by their names, "group/name", and JSON metadata to `path`, in one step or not at all.

    Equal content gives equal bytes. Raises FileProblem where the file can't be written; what stood there before stays
    whole.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        with suppress(FileNotFoundError):
            os.chmod(temporary, path.stat().st_mode & 0o777)
        _write_hdf5(temporary, arrays, metadata)
        seal(temporary)
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise FileProblem(
            f"checkpoint {str(path)!r} can't be written ({reason}); what stood there before is whole:"
            " free some space or give another folder"
        ) from error
    finally:
        with suppress(OSError):
            os.unlink(temporary)


def read(path: str | Path) -> tuple[dict[str, NDArray], dict[str, Any]]:
    """The arrays by name, and the metadata. Raises FileProblem for a file that is missing, damaged or no checkpoint."""
    raw = _verified(Path(path))
    arrays: dict[str, NDArray] = {}
    with _opened(raw, path) as file:
        for name in _datasets(file, len(raw), path):
            arrays[name] = np.empty(file[name].shape, file[name].dtype)
            if arrays[name].size:
                file[name].read_direct(arrays[name])
        return arrays, _metadata(file, path)


def read_metadata(path: str | Path) -> dict[str, Any]:
    """The metadata alone, the whole file verified all the same. Raises FileProblem as `read`."""
    with _opened(_verified(Path(path)), path) as file:
        return _metadata(file, path)


def seal(path: str | Path) -> None:
    """Write the header over the user block of a closed HDF5 file, and see all of it onto the disk."""
    with open(path, "r+b") as file:
        file.seek(BLOCK)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        header = _header(digest, file.tell() - BLOCK)
        file.seek(0)
        file.write(header)
        file.flush()
        os.fsync(file.fileno())


def _header(digest: str, length: int) -> bytes:
    return (MAGIC + f"format {FORMAT}\nsha256 {digest}\nbytes {length}\n".encode()).ljust(BLOCK, b"\0")


def _write_hdf5(path: Path, arrays: Mapping[str, NDArray], metadata: Mapping[str, Any]) -> None:
    import h5py

    text = json.dumps(metadata, sort_keys=True, allow_nan=False).encode()
    with h5py.File(path, "w", libver=("v110", "v110"), track_order=True, userblock_size=BLOCK) as file:
        # A fixed-length byte string: variable-length ones sit in a heap where damage has made HDF5 hang.
        file.attrs.create("metadata", np.frombuffer(text, f"S{len(text)}")[0])
        for name, array in arrays.items():
            if array.dtype.kind not in KINDS:
                raise FileProblem(
                    f"array {name!r} has type {array.dtype}; a checkpoint holds numbers and booleans only"
                )
            for i, letter in enumerate(name):
                if letter == "/" and name[:i] not in file:
                    file.create_group(name[:i], track_order=True)
            file.create_dataset(name, data=array, track_times=False)


def _verified(path: Path) -> bytes:
    """Every byte of the file, once all of them are what the header says."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise FileProblem(
            f"checkpoint {str(path)!r} does not exist; give a run's folder or its checkpoint.h5"
        ) from None
    except OSError as error:
        raise FileProblem(
            f"checkpoint {str(path)!r} can't be read ({error.strerror}); give a run's folder or its checkpoint.h5"
        ) from error
    header, body = raw[:BLOCK], memoryview(raw)[BLOCK:]
    if not header.startswith(MAGIC):
        raise FileProblem(f"{str(path)!r} is no gpufa checkpoint; give a run's folder or its checkpoint.h5")
    fields = dict(line.split(b" ", 1) for line in header.rstrip(b"\0").split(b"\n")[1:] if b" " in line)
    newer = fields.get(b"format", b"").decode("ascii", "replace")
    if newer.isdecimal() and len(newer) < 10 and int(newer) > FORMAT:
        raise FileProblem(
            f"checkpoint {str(path)!r} has format {newer}, this gpufa reads up to {FORMAT}: upgrade gpufa"
        )
    if fields.get(b"bytes") != str(len(body)).encode():
        promised = fields.get(b"bytes", b"?").decode("ascii", "replace")
        raise FileProblem(
            f"checkpoint {str(path)!r} is damaged: {len(body)} bytes of content, {promised} were written;"
            " go back to a copy of it"
        )
    if header != _header(hashlib.sha256(body).hexdigest(), len(body)):
        raise FileProblem(
            f"checkpoint {str(path)!r} is damaged: its bytes differ from what was written; go back to a copy of it"
        )
    return raw


def _opened(raw: bytes, path: str | Path) -> "h5py.File":
    import h5py

    try:
        return h5py.File(io.BytesIO(raw), "r")
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise _foreign(path, f"HDF5 can't open it ({error})") from error


def _datasets(file: "h5py.File", size: int, path: str | Path) -> list[str]:
    """The names of all datasets; refuses links to elsewhere, and datasets that claim more bytes than the file has."""
    import h5py

    found: list[str] = []

    def walk(group: "h5py.Group", prefix: str, depth: int) -> None:
        for key in group:
            name = prefix + key
            if not isinstance(group.get(key, getlink=True), h5py.HardLink) or depth > 8:
                raise _foreign(path, f"{name!r} is a link to elsewhere or too deep")
            entry = group[key]
            if isinstance(entry, h5py.Group):
                walk(entry, f"{name}/", depth + 1)
                continue
            plain = isinstance(entry, h5py.Dataset) and entry.dtype.kind in KINDS and not entry.is_virtual
            if not plain or entry.chunks or entry.external or entry.shape is None or entry.nbytes > size:
                raise _foreign(path, f"{name!r} is no plain array within the file")
            found.append(name)

    try:
        walk(file, "", 0)
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, FileProblem):
            raise
        raise _foreign(path, f"HDF5 can't read it ({error})") from error
    return found


def _metadata(file: "h5py.File", path: str | Path) -> dict[str, Any]:
    try:
        metadata = json.loads(bytes(file.attrs["metadata"]))
    except (KeyError, ValueError, TypeError, OSError) as error:
        raise _foreign(path, "it lacks the metadata") from error
    if not isinstance(metadata, dict):
        raise _foreign(path, "its metadata is no table")
    return metadata


def _foreign(path: str | Path, why: str) -> FileProblem:
    return FileProblem(f"checkpoint {str(path)!r} was not written by gpufa: {why}; give one that was")


def _sync_folder(folder: Path) -> None:
    """See the new name onto the disk too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
