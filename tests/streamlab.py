"""What tests of streams are made of: the same arrays in files of every form that streams."""

import h5py
import numpy as np
import pytest

RNG = np.random.default_rng(3)
X = RNG.normal(size=(57, 4)).astype(np.float32)
Y = np.arange(57) % 3


def equal(a, b):
    assert (a.shape, a.dtype) == (b.shape, b.dtype)
    np.testing.assert_array_equal(a, b)


def npy(folder, **arrays):
    folder.mkdir()
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    return folder


def npz(folder, **arrays):
    folder.mkdir()
    np.savez(folder / "arrays.npz", **arrays)
    return folder / "arrays.npz"


def hdf5(folder, **arrays):
    folder.mkdir()
    with h5py.File(folder / "arrays.h5", "w") as file:
        for name, array in arrays.items():
            file[name] = array
    return folder / "arrays.h5"


def packed(folder, **arrays):
    """HDF5 in gzipped chunks that no block fits."""
    folder.mkdir()
    with h5py.File(folder / "packed.h5", "w") as file:
        for name, array in arrays.items():
            chunks = (min(7, len(array)), *array.shape[1:])
            file.create_dataset(name, data=array, chunks=chunks, compression="gzip")
    return folder / "packed.h5"


def parquet(folder, x, y):
    pa, written = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    folder.mkdir()
    columns = {f"f{i}": column for i, column in enumerate(x.T)} | {"label": y}
    written.write_table(pa.table(columns), folder / "t.parquet", row_group_size=10)
    return folder / "t.parquet"


ARRAYS = npy, npz, hdf5, packed
FORMS = *ARRAYS, parquet
