"""Checkpoints: damaged by chance, and by somebody who knows the format and puts a valid header over it."""

import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np

import gpufa
from gpufa import plots
from gpufa.checkpoints import hdf5, networks, seal
from gpufa.report.page import Report

from .hostile import HOSTILE
from .material import Material

FILE = Path("damaged.h5")
READERS: tuple[Callable[[Path], Any], ...] = (
    hdf5.read,
    hdf5.read_metadata,
    networks.contents,
    gpufa.load,
    gpufa.resume,
    plots.read,
)
USERS: tuple[Callable[[Path], Any], ...] = (
    *(networks.contents, gpufa.load, plots.read),
    lambda path: gpufa.resume(path, epochs=2),
    lambda path: Report(path).save("report.html"),
)


@cache
def whole(epochs: int) -> bytes:
    """A checkpoint of a run of so many epochs."""
    gpufa.train(gpufa.Config(hidden=(3,), samples=20, seeds=(0, 1), epochs=epochs, backend="numpy", out=f"of-{epochs}"))
    return Path(f"of-{epochs}", networks.CHECKPOINT).read_bytes()


def refused(m: Material, readers: Sequence[Callable[[Path], Any]] = READERS) -> None:
    """Raises AssertionError where the file is read as if nothing were."""
    reader = m.one_of(readers)
    try:
        reader(FILE)
    except gpufa.basics.errors.FileProblem:
        return
    raise AssertionError(f"{reader.__name__} took it for whole")


def changed(m: Material, change: Callable[[Material, bytearray], bytes | bytearray]) -> None:
    """A checkpoint with other bytes than were written."""
    raw = whole(2)
    FILE.write_bytes(made := bytes(change(m, bytearray(raw))))
    if made not in (raw, whole(1)):
        refused(m)


def flips(m: Material) -> None:
    def change(m: Material, raw: bytearray) -> bytearray:
        for _ in range(1 + m.below(64)):
            raw[m.below(2**32) % len(raw)] ^= 1 << m.below(8)
        return raw

    changed(m, change)


def cut(m: Material) -> None:
    changed(m, lambda m, raw: raw + m.take(1 + m.below(64)) if m.rarely() else raw[: m.below(2**32) % len(raw)])


def blocks(m: Material) -> None:
    """Blocks of a disk that changed places, or were never written."""

    def change(m: Material, raw: bytearray) -> bytearray:
        size = m.one_of((64, seal.BLOCK, 4096))
        a, b = (m.below(2**32) % max(1, len(raw) // size) * size for _ in range(2))
        if m.rarely(2):
            raw[a : a + size] = bytes(len(raw[a : a + size]))
        else:
            raw[a : a + size], raw[b : b + size] = raw[b : b + size], raw[a : a + size]
        return raw

    changed(m, change)


def torn(m: Material) -> None:
    """The beginning of a newer checkpoint before the end of an older one."""

    def change(m: Material, raw: bytearray) -> bytes:
        at = m.below(2**32) % len(raw)
        return raw[:at] + whole(1)[at:]

    changed(m, change)


def versions(m: Material) -> None:
    header = b"format %b" % m.one_of((b"2", b"3", b"999999999", b"0", b"-1", b"1.0", b"x", b""))
    changed(m, lambda m, raw: raw.replace(b"format 1", header, 1))


def sealed(raw: bytes | bytearray) -> None:
    FILE.write_bytes(b"".join(seal.sealed([memoryview(bytearray(raw).ljust(seal.BLOCK, b"\0"))])))


def bytes_below_a_valid_header(m: Material) -> None:
    """HDF5 meets bytes that nobody wrote; what it reads may be read, or refused."""
    raw = whole(2)
    sealed(raw[: seal.BLOCK] + m.damaged(raw[seal.BLOCK :]))
    use(m)


def use(m: Material) -> None:
    m.one_of(USERS)(FILE)


def hostile(m: Material) -> None:
    """HDF5 that no checkpoint holds, under a valid header."""
    with h5py.File(FILE, "w", userblock_size=seal.BLOCK, libver=m.one_of((("v110", "v110"), "earliest"))) as file:
        file.attrs.create("metadata", np.bytes_(b"{}"))
        m.one_of(HOSTILE)(file)
    sealed(FILE.read_bytes())
    refused(m, READERS[:1] + READERS[2:])


def contents(m: Material) -> None:
    """Whole, and by its header gpufa's own, but with other settings or arrays than gpufa writes."""
    FILE.write_bytes(whole(2))
    arrays, metadata = hdf5.read(FILE)
    if m.rarely(2):
        metadata = json.loads(json.dumps(metadata))
        for _ in range(1 + m.below(3)):
            _other_fact(m, metadata)
    else:
        for _ in range(1 + m.below(3)):
            _other_array(m, arrays)
    FILE.write_bytes(b"".join(hdf5.image(arrays, metadata)))
    use(m)


def _other_fact(m: Material, table: Any) -> None:
    """Take out or change one entry, at any depth."""
    while True:
        key = m.one_of(list(table) if isinstance(table, dict) else range(len(table)))
        if not (isinstance(table[key], dict | list) and table[key]) or m.rarely():
            break
        table = table[key]
    if m.rarely():
        del table[key]
        return
    odd = m.odd()
    try:
        json.dumps(odd, allow_nan=False)
        table[key] = odd
    except (TypeError, ValueError):
        table[key] = m.one_of((-1, 0, 10**9, "x", [], {}, None, True, 0.5))


def _other_array(m: Material, arrays: dict[str, Any]) -> None:
    name = m.one_of(list(arrays))
    array = arrays.pop(name)
    others: tuple[Callable[[], Any], ...] = (
        lambda: array.astype(m.one_of(("f8", "f4", "i8", "u1", "?"))),
        lambda: array[..., None],
        lambda: array[:0] if array.ndim else array,
        lambda: np.concatenate([array, array]) if array.ndim else array,
        lambda: np.full_like(array, m.one_of((-1, 0, 1, 99))),
        lambda: np.full(array.shape, m.one_of((np.nan, np.inf, 1e30))),
        lambda: np.asarray(m.one_of((-1, 10**18, 2**62))),
    )
    if not m.rarely():
        arrays[name] = m.one_of(others)()
