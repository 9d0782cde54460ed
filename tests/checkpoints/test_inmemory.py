"""Files in memory that refer to what large arrays hold: the bytes that HDF5 would have written anywhere else."""

import io
import tracemalloc

import h5py
import numpy as np
import pytest

from gpufa.checkpoints import hdf5
from gpufa.checkpoints.inmemory import PAGE, InMemory
from gpufa.checkpoints.seal import BLOCK

draw = np.random.default_rng(0)


def arena():
    """Views as those of an arena's replicas, which don't lie side by side."""
    flat = draw.normal(size=(3, 5000)).astype(np.float32)
    return {
        "W1": flat[:, :4000].reshape(3, 50, 80),
        "b1": flat[:, 4000:4080],
        "large": flat[:, 80:].reshape(3, 2, 2460),
    }


ARRAYS = {
    **arena(),
    "whole": draw.normal(size=(1, 300, 40)),
    "turned": draw.normal(size=(60, 70)).T,
    "one": np.array(3.0),
    "none": np.zeros((0, 4)),
    "bytes": np.arange(3 * PAGE, dtype=np.uint8),
    "truths": np.arange(2 * PAGE) % 3 == 0,
    "counts": np.arange(2000, dtype=np.int64)[::-1],
}


def copied(arrays):
    """What h5py makes of the same in a file in memory that copies all of it."""
    made = io.BytesIO()
    untimed = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    untimed.set_obj_track_times(False)
    with h5py.File(made, "w", libver=("v110", "v110"), track_order=True, userblock_size=BLOCK) as file:
        file.attrs.create("metadata", np.bytes_(b"{}"))
        for name, array in arrays.items():
            space = h5py.h5s.create_simple(array.shape) if array.ndim else h5py.h5s.create(h5py.h5s.SCALAR)
            kind = h5py.h5t.py_create(array.dtype, logical=True)
            dataset = h5py.h5d.create(file.id, name.encode(), kind, space, untimed)
            if array.size:
                dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array(array, order="C"))
    return made.getvalue()[BLOCK:]


def test_the_bytes_are_those_of_a_file(tmp_path):
    made = b"".join(hdf5.image(ARRAYS, {}))
    assert made[BLOCK:] == copied(ARRAYS)
    hdf5.write(tmp_path / "c.h5", ARRAYS, {})
    assert (tmp_path / "c.h5").read_bytes() == made
    found, _ = hdf5.read(tmp_path / "c.h5")
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


@pytest.mark.parametrize("replicas", [1, 4])
def test_large_arrays_are_not_copied(tmp_path, replicas):
    flat = np.ones((replicas, 3_000_000), np.float32)
    arrays = {"W1": flat[:, :2_000_000].reshape(replicas, 1000, 2000), "W2": flat[:, 2_000_000:]}
    hdf5.write(tmp_path / "warm.h5", {"a": np.ones(3)}, {})
    tracemalloc.start()
    hdf5.write(tmp_path / "c.h5", arrays, {})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000
    assert (tmp_path / "c.h5").stat().st_size > flat.nbytes


def test_any_file_written_into_is_as_a_file_in_memory_is():
    """Writes that lie on and across others, and reads of all that."""
    source, draw = np.arange(20 * PAGE, dtype=np.uint32).view(np.uint8), np.random.default_rng(1)
    made, other = InMemory(), io.BytesIO()
    for _ in range(200):
        start, size = draw.integers(0, 30 * PAGE), draw.integers(1, 3 * PAGE)
        begin = draw.integers(0, len(source) - size)
        part = source[begin : begin + size]
        for file in (made, other):
            assert file.seek(start) == start
        if draw.random() < 0.5:
            with made.lending(source):
                assert made.write(part) == size
        else:
            assert made.write(part.copy()) == size
        other.write(part)
        assert made.tell() == other.tell()
        at = int(draw.integers(0, 30 * PAGE))
        found, wanted = bytearray(2 * PAGE), bytearray(2 * PAGE)
        for file, into in ((made, found), (other, wanted)):
            file.seek(at)
            count = file.readinto(into)
        assert (found, count) == (wanted, made.tell() - at)
    assert any(np.shares_memory(np.frombuffer(part, np.uint8), source) for part in made.parts())
    assert b"".join(made.parts()) == other.getvalue()


def test_its_end_is_where_it_is_set():
    made = InMemory()
    assert made.truncate(10) == 10
    assert made.seek(0, io.SEEK_END) == 10
    assert made.seek(-4, io.SEEK_CUR) == 6
    assert made.truncate() == 6
    assert b"".join(made.parts()) == bytes(6)
    assert made.readable()
    assert made.writable()
    assert made.seekable()
