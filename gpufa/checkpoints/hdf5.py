"""Checkpoint files: named arrays and metadata in HDF5 that can't be lost half-written or loaded damaged.

A reader checks every byte by the file's seal before HDF5 parses one. docs/checkpoints.md describes the format.
"""

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..basics import files
from ..basics.errors import FileProblem
from .inmemory import InMemory
from .seal import BLOCK, sealed, verified

if TYPE_CHECKING:
    import h5py

DEEPEST = 8  # groups within groups
KINDS = "biuf"  # the types of array that are stored: booleans and numbers


def write(path: str | Path, arrays: Mapping[str, NDArray], metadata: Mapping[str, Any]) -> None:
    """Write host arrays by their names, "group/name", and JSON metadata to `path`, in one step or not at all.

    Equal content gives equal bytes. Raises FileProblem where the file can't be written; what stood there before stays
    whole.
    """
    files.write(path, image(arrays, metadata), "checkpoint", "free some space or give another folder")


def read(path: str | Path) -> tuple[dict[str, NDArray], dict[str, Any]]:
    """The arrays by name, and the metadata. Raises FileProblem for a file that is missing, damaged or no checkpoint."""
    raw = verified(Path(path))
    with _opened(raw, path) as file:
        metadata = _metadata(file, path)
        return {name: _array(file[name]) for name in _datasets(file, len(raw), path)}, metadata


def read_metadata(path: str | Path) -> dict[str, Any]:
    """The metadata alone, the whole file verified all the same. Raises FileProblem as `read`."""
    with _opened(verified(Path(path)), path) as file:
        return _metadata(file, path)


def foreign(path: str | Path, why: str) -> FileProblem:
    """The error for a file that is whole, but none of ours."""
    return FileProblem(f"checkpoint {str(path)!r} was not written by gpufa: {why}; give one that was")


def image(arrays: Mapping[str, NDArray], metadata: Mapping[str, Any]) -> list[memoryview]:
    """The bytes of a checkpoint, in parts, of which the large ones are the arrays' own memory. HDF5 makes them in
    memory, so that it never meets a disk that fails."""
    import h5py

    text = json.dumps(metadata, sort_keys=True, allow_nan=False).encode()
    made, untimed, groups = InMemory(), h5py.h5p.create(h5py.h5p.DATASET_CREATE), set[str]()
    untimed.set_obj_track_times(False)  # equal content, equal bytes
    with h5py.File(made, "w", libver=("v110", "v110"), track_order=True, userblock_size=BLOCK) as file:
        # A fixed-length byte string: variable-length ones sit in a heap where damage has made HDF5 hang.
        file.attrs.create("metadata", np.frombuffer(text, f"S{len(text)}")[0])
        for name, array in arrays.items():
            if array.dtype.kind not in KINDS:
                raise FileProblem(
                    f"array {name!r} has type {array.dtype}; a checkpoint holds numbers and booleans only"
                )
            for i, letter in enumerate(name):
                if letter == "/" and name[:i] not in groups:
                    file.create_group(name[:i], track_order=True)
                    groups.add(name[:i])
            space = h5py.h5s.create_simple(array.shape) if array.ndim else h5py.h5s.create(h5py.h5s.SCALAR)
            kind = h5py.h5t.py_create(array.dtype, logical=True)
            dataset = h5py.h5d.create(file.id, name.encode(), kind, space, untimed)
            if array.size:
                _write(dataset, space, array, made)
    return sealed(made.parts())


def _write(dataset: "h5py.h5d.DatasetID", space: "h5py.h5s.SpaceID", array: NDArray, made: InMemory) -> None:
    """All of the array, one replica after the other where these don't lie side by side."""
    import h5py

    if array.flags.c_contiguous or array.ndim < 2 or not array[0].flags.c_contiguous:
        whole = np.asarray(array, order="C")
        with made.lending(whole):
            dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, whole)
        return
    for r, one in enumerate(array):
        space.select_hyperslab((r, *[0] * one.ndim), (1, *one.shape))
        with made.lending(one):
            dataset.write(h5py.h5s.create_simple((1, *one.shape)), space, one)


@contextmanager
def _opened(raw: bytearray, path: str | Path) -> Iterator["h5py.File"]:
    """The verified bytes as HDF5, for reading; what HDF5 can't make sense of there is told."""
    import h5py

    try:
        with h5py.File(io.BytesIO(raw), "r") as file:
            yield file
    except FileProblem:
        raise
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise foreign(path, f"HDF5 can't read it ({error})") from error


def _array(dataset: "h5py.Dataset") -> NDArray:
    array = np.empty(dataset.shape, dataset.dtype)
    if array.size:
        dataset.read_direct(array)
    return array


def _datasets(file: "h5py.File", size: int, path: str | Path) -> list[str]:
    """The names of all datasets; refuses links to elsewhere, and datasets that claim more bytes than the file has."""
    import h5py

    found: list[str] = []
    left, groups = size, {h5py.h5o.get_info(file.id).addr}

    def walk(group: "h5py.Group", prefix: str, depth: int) -> None:
        nonlocal left
        for key in group:
            name = prefix + key
            if not isinstance(group.get(key, getlink=True), h5py.HardLink) or depth > DEEPEST:
                raise foreign(path, f"{name!r} is a link to elsewhere or too deep")
            entry = group[key]
            if isinstance(entry, h5py.Group):
                if (address := h5py.h5o.get_info(entry.id).addr) in groups:
                    raise foreign(path, f"{name!r} is a group of another name, too")
                groups.add(address)
                walk(entry, f"{name}/", depth + 1)
                continue
            plain = isinstance(entry, h5py.Dataset) and entry.dtype.kind in KINDS and not entry.is_virtual
            if not plain or entry.chunks or entry.external or entry.shape is None or entry.nbytes > left:
                raise foreign(path, f"{name!r} is no plain array within the file")
            left -= entry.nbytes
            found.append(name)

    walk(file, "", 0)
    return found


def _metadata(file: "h5py.File", path: str | Path) -> dict[str, Any]:
    text = file.attrs.get("metadata")
    if not isinstance(text, bytes):
        raise foreign(path, "it lacks the metadata")
    try:
        metadata = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise foreign(path, f"its metadata are no JSON ({error})") from error
    if not isinstance(metadata, dict):
        raise foreign(path, "its metadata is no table")
    return metadata
