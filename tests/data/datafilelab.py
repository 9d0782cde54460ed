"""What tests of data files are made of: arrays, and files of them."""

from pathlib import Path

import h5py
import numpy as np

RNG = np.random.default_rng(5)
X = RNG.normal(size=(20, 3)).astype(np.float32)
LABELS = np.arange(20) % 4


def write(path: Path, **arrays: np.ndarray) -> Path:
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    else:
        with h5py.File(path, "w") as file:
            file.update(arrays)
    return path


def csv(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "table.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path
