"""HDF5 files that no checkpoint is: what the format allows, put to use against a reader."""

from collections.abc import Callable
from typing import Any

import h5py
import numpy as np


def _self(file: Any) -> None:
    for i in range(100):
        file[f"a{i}"] = file["/"]


def _ladder(file: Any) -> None:
    """A thousand names for each group, and one within the other."""
    groups = [file.create_group(f"g{i}") for i in range(8)]
    for below, group in zip(groups[1:], groups, strict=False):
        for i in range(30):
            group[f"x{i}"] = below


def _many_names(file: Any) -> None:
    data = file.create_dataset("a", data=np.zeros(10_000))
    for i in range(1000):
        file[f"a{i}"] = data


def _virtual(file: Any) -> None:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/hostname", "x", (4,))
    file.create_virtual_dataset("a", layout)


def _bomb(file: Any) -> None:
    file.create_dataset("a", (10**5, 1000), "u1", chunks=(10**4, 1000), compression="gzip")[:1] = 1


HOSTILE: tuple[Callable[[Any], Any], ...] = (
    lambda f: f.create_dataset("a", (1 << 40,), "f4"),
    lambda f: f.create_dataset("a", (1 << 40, 1 << 10), "f8"),
    lambda f: f.create_dataset("a", (1 << 30,), "f4", chunks=(1 << 20,), compression="gzip"),
    _bomb,
    lambda f: f.create_dataset("a", (10, 10), chunks=(5, 5)),
    lambda f: f.create_dataset("a", (4,), "f4", external=[("/etc/hostname", 0, 16)]),
    lambda f: f.create_dataset("a", (4,), "f4", external=[("/dev/zero", 0, 16)]),
    lambda f: f.__setitem__("a", h5py.ExternalLink("/etc/hostname", "/")),
    lambda f: f.__setitem__("a", h5py.ExternalLink("run/checkpoint.h5", "/parameters")),
    lambda f: f.__setitem__("a", h5py.SoftLink("/b")),
    lambda f: f.__setitem__("a", h5py.SoftLink("/")),
    lambda f: f.create_group("/".join("abcdefghijk")),
    lambda f: f.create_group("/".join(["a"] * 500)),
    _self,
    _ladder,
    _many_names,
    _virtual,
    lambda f: f.create_dataset("a", data="text"),
    lambda f: f.create_dataset("a", (3,), h5py.string_dtype()),
    lambda f: f.create_dataset("a", (3,), h5py.vlen_dtype(np.int32)),
    lambda f: f.create_dataset("a", (3,), h5py.ref_dtype),
    lambda f: f.create_dataset("a", (3,), [("x", "f4"), ("y", "S3")]),
    lambda f: f.__setitem__("a", h5py.Empty("f4")),
    lambda f: f.__setitem__("a", np.dtype("f4")),
)
