"""HDF5 files: what the format allows beyond plain arrays of numbers, and damage."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from .files import named, read
from .material import Material

X = np.arange(48, dtype="f4").reshape(12, 4) / 48


def _vast(file: Any, name: str, m: Material) -> None:
    """Declared huge, never written."""
    shape = m.one_of(((10**12, 4), (10**6, 10**3), (2**62,), (2**62, 2**62), (12, 2**40)))
    try:
        file.create_dataset(name, shape, m.one_of(("f4", "u1", "S1000")), chunks=tuple(min(n, 4) for n in shape))
    except (OverflowError, ValueError, TypeError):  # more than HDF5 itself can count
        file[name] = X


def _bomb(file: Any, name: str, m: Material) -> None:
    """Zeros that compress by a thousand, twice."""
    rows = m.one_of((10**4, 10**5))
    made = file.create_dataset(name, (rows, 100), "u1", chunks=(rows, 100), compression="gzip", shuffle=m.rarely(2))
    made[:1] = 1


def _virtual(file: Any, name: str, m: Material) -> None:
    layout = h5py.VirtualLayout((12, 4), "f4")
    layout[:] = h5py.VirtualSource(m.one_of(("tiny.h5", "none.h5", ".")), "x", (12, 4))
    file.create_virtual_dataset(name, layout)


def _external(file: Any, name: str, m: Material) -> None:
    file.create_dataset(name, (12, 4), "f4", external=[(m.one_of(("tiny.csv", "none", "/dev/zero")), 0, 192)])


def _link(file: Any, name: str, m: Material) -> None:
    elsewhere = h5py.ExternalLink(m.one_of(("tiny.h5", "none.h5", "mine.h5", ".")), m.one_of(("x", "/", "none")))
    if file.get("far", getlink=True) is None:
        file["far"] = elsewhere
    file[name] = m.one_of((elsewhere, h5py.SoftLink("/far"), h5py.SoftLink("none"), h5py.SoftLink(f"/{name}")))


def _typed(file: Any, name: str, m: Material) -> None:
    kind = m.below(9)
    if kind < 5:
        dtype = (h5py.string_dtype(), h5py.vlen_dtype(np.int32), h5py.ref_dtype, h5py.regionref_dtype, "V7")[kind]
        file.create_dataset(name, (12,), dtype)
    elif kind == 5:
        file[name] = h5py.Empty("f4")
    elif kind == 6:
        file[name] = X.astype([("a", "f4"), ("b", "S3")])
    elif kind == 7:
        file.create_dataset(name, (12,), h5py.enum_dtype({"a": 0, "b": 1}, basetype="i4"))
    else:
        file[name] = np.dtype("f4")


def _group(file: Any, name: str, m: Material) -> None:
    file.create_group(name)["x"] = X


def _array_type(file: Any, name: str, m: Material) -> None:
    file.create_dataset(name, (12,), np.dtype(("f4", (4,))))


def _packed(file: Any, name: str, m: Material) -> None:
    """As many people keep their data; this one has to work."""
    how = m.one_of(("gzip", "lzf"))
    file.create_dataset(name, data=X, compression=how, shuffle=m.rarely(2), fletcher32=m.rarely(2), maxshape=(None, 4))


KINDS: tuple[Callable[[Any, str, Material], None], ...] = (
    _packed, _vast, _bomb, _virtual, _external, _link, _typed, _group, _array_type,
)  # fmt: skip


def hdf5(m: Material) -> None:
    """A file of arrays, some of them of another kind, and maybe damaged."""
    with h5py.File("mine.h5", "w", libver=m.one_of(("earliest", "latest"))) as file:
        for name, value in named(m).items():
            if m.rarely(2):
                m.one_of(KINDS)(file, name, m)
            else:
                file[name] = value if value.dtype.kind in "biufS" and value.dtype.names is None else X
    if m.rarely(2):
        Path("mine.h5").write_bytes(m.damaged(Path("mine.h5").read_bytes()))
    read(m, "mine.h5")
