"""Data files: valid ones, damaged, and ones that are made to claim what they don't hold."""

import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from gpufa import load_data
from gpufa.data.datasets import load_inputs
from gpufa.data.sets.forms import IDX_FILES

from .arrays import array
from .material import Material

NAMES = "x", "y", "x_train", "y_train", "x_test", "y_test"
HUGE = 2**31 - 1, 2**32 - 1, 10**9, 60000
SPLITS = None, 0.3, 0, 1, -1, float("nan"), "x"


def read(m: Material, path: Any) -> None:
    """What all data files go through."""
    if m.rarely(3):
        load_inputs(path, m.one_of((4, 3, 0, -1, 10**12)))
    else:
        load_data(path, m.one_of(SPLITS) if m.rarely(4) else None)


def named(m: Material) -> dict[str, Any]:
    """Arrays by the names that gpufa looks for."""
    names = NAMES[:2] if not m.rarely(3) else m.some_of(NAMES, 6)
    made = {}
    for name in names:
        value = array(m, (12, 4) if name[0] == "x" else (12,), name[0] == "y")
        made[name] = value if isinstance(value, np.ndarray) else np.zeros((12, 4), "f4")
    return made


def idx(m: Material, zipped: bool = False) -> None:
    """The four files of MNIST, small, and one of them not as it should be."""
    bad = m.below(4)
    for i, name in enumerate(IDX_FILES):
        shape = (12,) if i % 2 else (12, 2, 2)
        claimed = tuple(m.one_of(HUGE) if i == bad and m.rarely(6) else n for n in shape)
        values = (np.arange(np.prod(shape)) % 10).astype("u1").tobytes()
        header = bytes([0, 0, 8, len(shape)]) + b"".join(n.to_bytes(4, "big") for n in claimed)
        raw = header + values
        if i == bad:
            raw = m.damaged(raw)
            raw += bytes(10**6) if zipped and m.rarely(8) else b""
        raw = gzip.compress(raw, 1, mtime=0) if zipped else raw
        raw = m.damaged(raw) if zipped and i == bad and m.rarely(2) else raw
        Path("mnist", name).write_bytes(raw)
    load_data("mnist")


def gzipped_idx(m: Material) -> None:
    idx(m, zipped=True)


def npz(m: Material) -> None:
    """An archive of arrays: compressed or not, odd arrays, damage inside a member or anywhere, headers that lie."""
    how = m.one_of((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2))
    with zipfile.ZipFile("mine.npz", "w", how) as archive:
        for name, value in named(m).items():
            raw = io.BytesIO()
            np.lib.format.write_array(raw, value, allow_pickle=True)
            member = raw.getvalue()
            if m.rarely(6):
                member = member.replace(b"(12,", b"(%d," % m.one_of((-1, 0, 13, 10**6, 10**12, 10**30)), 1)
            if m.rarely(6):
                member = m.damaged(member[:128]) + member[128:]
            archive.writestr(f"{name}.npy" if not m.rarely(20) else name, member)
    if m.rarely(2):
        Path("mine.npz").write_bytes(m.damaged(Path("mine.npz").read_bytes()))
    read(m, "mine.npz")


def csv(m: Material) -> None:
    """A table in text, with faults of form and of content."""
    columns = m.one_of((5, 5, 5, 1, 2))
    odd = "", "x", "nan", "inf", "1e400", "1_0", "0x1", '"1"', '"', "-1", "1.5", "é", "\0", "1,1", "#", "9" * 140000
    rows = []
    if m.rarely(2):
        heads = "label", "target", "y", "x", "a", "1", "", '"a,b"'
        rows.append(",".join(m.one_of(heads) for _ in range(columns)))
    for i in range(12 if not m.rarely(6) else m.below(4)):
        cells = [f"{(i + j) % 3}" for j in range(columns)]
        if m.rarely(16):
            cells[m.below(columns)] = m.one_of(odd)
        rows.append(",".join(cells))
    text = m.one_of(("\n", "\r\n", "\r", "\n\n", ";", "\x0b")).join(rows) + "\n" if m.rarely(3) else "\n".join(rows)
    raw = text.encode(m.one_of(("utf-8", "utf-8-sig", "utf-16", "utf-32", "cp037")) if m.rarely(4) else "utf-8")
    Path("mine.csv").write_bytes(m.damaged(raw) if m.rarely(2) else raw)
    read(m, "mine.csv")
