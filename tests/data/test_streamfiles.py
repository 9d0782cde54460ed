"""Files whose samples stay in them: every form gives what it gives in memory, or says why not."""

import gzip
import os

import h5py
import numpy as np
import pytest
from streamlab import ARRAYS, FORMS, X, Y, equal, hdf5, npy, npz, packed, parquet

from gpufa.basics.errors import FileProblem, InvalidValue
from gpufa.data.datasets import load_data, load_inputs, read
from gpufa.data.samples.about import Wanted
from gpufa.data.streams.room import Way
from gpufa.data.streams.rows import Rows
from gpufa.data.streams.sources import Flat, opened

ALWAYS = Way("always")


def streamed(path, wanted=None, fraction=None):
    return read(path, fraction, wanted or Wanted(), ALWAYS)


@pytest.mark.parametrize("write", FORMS)
def test_every_form_gives_what_it_gives_in_memory(tmp_path, write):
    path = write(tmp_path / "data", x=X, y=Y)
    there, here = load_data(path), streamed(path)
    assert here.stream == "as --stream always asks for"
    assert here.y_train.dtype == np.uint8
    assert here.about == there.about
    for one, other in zip(here, there, strict=True):
        np.testing.assert_array_equal(np.asarray(one), other)
    assert here.x_train.dtype == there.x_train.dtype


@pytest.mark.parametrize("write", ARRAYS)
def test_parts_columns_and_images(tmp_path, write):
    images = RNG_BYTES.reshape(20, 1, 4, 5)
    path = write(tmp_path / "data", x_train=images[:14], y_train=Y[:14], x_test=images[14:], y_test=Y[14:20])
    there, here = load_data(path), streamed(path)
    assert here.places == there.places == (1, 4, 5)
    assert here.x_train.dtype == np.uint8
    for one, other in zip(here, there, strict=True):
        np.testing.assert_array_equal(np.asarray(one), other)
    path = write(tmp_path / "one", x=X, w=np.arange(57.0))
    wanted = Wanted(target=("1",), task="regression", drop=("0",), sample_weights="w")
    there, here = read(path, 0.3, wanted), streamed(path, wanted, 0.3)
    assert here.about == there.about
    np.testing.assert_array_equal(here.weights, there.weights)
    for one, other in zip(here, there, strict=True):
        np.testing.assert_array_equal(np.asarray(one), other)


RNG_BYTES = np.random.default_rng(1).integers(0, 256, (20, 20), np.uint8)


@pytest.mark.parametrize("write", FORMS)
def test_inputs_to_predict_from(tmp_path, write):
    path = write(tmp_path / "data", x=X, y=Y)
    about = load_data(path).about
    x, y = load_inputs(path, 4, about, way=ALWAYS)
    assert isinstance(x, Rows)
    equal(x[:], X)
    np.testing.assert_array_equal(y, Y)


def test_one_npy_is_something_to_predict_from(tmp_path):
    folder = npy(tmp_path / "data", x=X, new=X[:9])
    equal(load_inputs(folder / "new.npy", 4)[0], X[:9])
    equal(load_inputs(folder / "new.npy", 4, way=ALWAYS)[0][:], X[:9])
    with pytest.raises(
        InvalidValue, match=r"new.npy: it holds one array; name the folder that it and its y.npy are in"
    ):
        load_data(folder / "new.npy")


def idx(path, array):
    head = bytes((0, 0, 8, array.ndim)) + b"".join(n.to_bytes(4) for n in array.shape)
    path.write_bytes(head + array.astype(np.uint8).tobytes())


def test_a_folder_of_idx_files(tmp_path):
    images = RNG_BYTES.reshape(20, 4, 5)
    for part, which in ("train", slice(0, 14)), ("t10k", slice(14, 20)):
        idx(tmp_path / f"{part}-images-idx3-ubyte", images[which])
        idx(tmp_path / f"{part}-labels-idx1-ubyte", Y[:20][which])
    there, here = load_data(tmp_path), streamed(tmp_path)
    assert isinstance(here.x_train, Rows)
    np.testing.assert_array_equal(here.x_test[:], images[14:].reshape(6, 20))
    for one, other in zip(here, there, strict=True):
        np.testing.assert_array_equal(np.asarray(one), other)
    plain = tmp_path / "train-images-idx3-ubyte"
    (tmp_path / f"{plain.name}.gz").write_bytes(gzip.compress(plain.read_bytes()))
    streamed(tmp_path)  # the plain one is taken
    plain.unlink()
    with pytest.raises(
        InvalidValue,
        match=r"it can't stream: train-images-idx3-ubyte.gz is gzipped, and no place in it "
        r"can be sought; unpack it with gunzip; or leave --stream always out",
    ):
        streamed(tmp_path)
    np.testing.assert_array_equal(load_data(tmp_path).x_train, there.x_train)
    idx(plain, images[:14])
    plain.write_bytes(plain.read_bytes()[:-1])
    with pytest.raises(FileProblem, match=r"has 295 bytes, but its header asks for 296"):
        streamed(tmp_path)
    plain.write_bytes(b"none")
    with pytest.raises(FileProblem, match=r"is not an IDX file of bytes: it starts with b'none'"):
        streamed(tmp_path)


def test_a_folder_without_arrays(tmp_path):
    with pytest.raises(FileProblem, match=r"can't be read .the folder holds no .npy and no IDX files"):
        load_data(tmp_path)


# What can't stream


def test_forms_that_are_read_as_a_whole_say_so(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n3,4\n5,6\n")
    with pytest.raises(InvalidValue, match=r"t.csv: it can't stream: a file of lines is read as a whole; write it as"):
        streamed(tmp_path / "t.csv")
    np.savez_compressed(tmp_path / "p.npz", x=X, y=Y)
    with pytest.raises(
        InvalidValue, match=r"its array x is packed, and no place in it can be sought; write it as HDF5"
    ):
        streamed(tmp_path / "p.npz")
    folder = npy(tmp_path / "f", x=np.asfortranarray(X), y=Y)
    with pytest.raises(
        InvalidValue, match=r"x.npy has its columns one behind the other; write numpy.ascontiguousarray"
    ):
        streamed(folder)
    folder = npy(tmp_path / "g", x=X[:, 0], y=Y)
    with pytest.raises(InvalidValue, match=r"it holds float32 of the shape \(57,\); give numbers, \(samples,"):
        streamed(folder)
    with pytest.raises(InvalidValue, match=r"digits is a set that is read into memory; leave --stream always out"):
        streamed("digits")
    with pytest.raises(InvalidValue, match=r"data 'none-such' is unknown; choose from digits"):
        streamed("none-such")
    with pytest.raises(InvalidValue, match=r"missing values are filled in .* and leave --missing out"):
        streamed(npy(tmp_path / "h", x=X, y=Y), Wanted(missing="mean"))


def test_pieces_that_are_too_large_to_unpack(tmp_path, monkeypatch):
    monkeypatch.setattr("gpufa.data.streams.sources.MOST", 100)
    with pytest.raises(InvalidValue, match=r"x lies in chunks of 7 rows, 112 bytes each; write it in smaller ones"):
        streamed(packed(tmp_path / "a", x=X, y=Y))
    monkeypatch.setattr("gpufa.data.tables.parquet.MOST", 100)
    with pytest.raises(InvalidValue, match=r"its row groups have up to 10 rows, 400 bytes .* with row_group_size=1;"):
        streamed(parquet(tmp_path / "b", X, Y))


def test_numbers_that_hdf5_lays_out_otherwise(tmp_path):
    """An array that was never written has no place in the file, and one of the other byte order is as good."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", (5, 3), ">f8", fillvalue=2.5)
        file["y"] = Y[:5]
        file["x_there"] = X.astype(">f8")
    ((empty, there), cant) = opened(tmp_path / "a.h5", ["x", "x_there"])
    assert not cant
    assert isinstance(there, Flat)
    assert (empty.read(1, 3) == 2.5).all()
    np.testing.assert_array_equal(there.read(3, 9), X[3:9])


@pytest.mark.parametrize("start", [0, 1])
def test_a_column_that_numbers_the_rows(tmp_path, start):
    """In whatever order, as in memory; one that goes on to other numbers is a feature."""
    running = np.random.default_rng(0).permutation(57) + start
    x = np.column_stack([X[:, 0], running, X[:, 1]]).astype(np.float32)
    said = f"column 1 .counted from 0. numbers the rows from {start} to {start + 56}"
    folder = npy(tmp_path / "data", x=x, y=Y)
    for read_it in streamed, load_data:
        with pytest.raises(InvalidValue, match=said):
            read_it(folder)
    x[-1, 1] = 1000
    np.save(folder / "x.npy", x)
    assert streamed(folder).x_train.shape == (46, 3)


# Files that change


def test_a_file_that_is_cut_off(tmp_path):
    path = npy(tmp_path / "data", x=X, y=Y) / "x.npy"
    rows = streamed(path.parent).x_train
    os.truncate(path, 300)
    with pytest.raises(FileProblem, match=r"x.npy was changed while it was read, .* leave it alone"):
        rows[:]
    with pytest.raises(FileProblem, match=r"x.npy has 300 bytes, but its header asks for 1040; get the file again"):
        streamed(path.parent)


@pytest.mark.parametrize("write", FORMS)
def test_a_file_that_is_written_to(tmp_path, write):
    path = write(tmp_path / "data", x=X, y=Y)
    path = path / "x.npy" if path.is_dir() else path
    rows = streamed(path.parent if path.suffix == ".npy" else path).x_train
    equal(rows[:2], np.asarray(rows)[:2])
    os.utime(path, ns=(1, 1))
    with pytest.raises(FileProblem, match=r"was changed while it was read, of which .* were there at first"):
        rows[30:]


def test_numbers_that_claim_more_than_there_is(tmp_path):
    folder = npy(tmp_path / "data", x=X, y=Y)
    raw = (folder / "x.npy").read_bytes()
    (folder / "x.npy").write_bytes(raw.replace(b"(57, 4)", b"(99, 4)"))
    with pytest.raises(FileProblem, match=r"x claims 1584 bytes, more than the file can hold"):
        load_data(folder)
    claimed = npz(tmp_path / "z", x=X, y=Y)
    claimed.write_bytes(claimed.read_bytes().replace(b"(57, 4)", b"(99, 4)"))
    with pytest.raises(FileProblem, match=r"can't be read"):
        load_data(claimed)


def test_a_disk_that_fails(tmp_path):
    class Broken:
        def seek(self, at):
            raise OSError(5, "Input/output error")

    rows = streamed(npy(tmp_path / "data", x=X, y=Y)).x_train
    rows.source._file._file = Broken()
    with pytest.raises(FileProblem, match=r"x.npy can't be read \(Input/output error\); see to its disk"):
        rows[:]


def test_hdf5_that_was_damaged(tmp_path):
    path = packed(tmp_path / "b", x=X, y=Y)
    with h5py.File(path) as file:
        at = file["x"].id.get_chunk_info(4).byte_offset
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(b"\xff" * 40)
    rows = Rows(opened(path, ["x"])[0][0])
    equal(rows[:28], X[:28])
    with pytest.raises(FileProblem, match=r"packed.h5 can't be read \(.*\); get it again"):
        rows[28:]


def test_hdf5_that_is_damaged_later(tmp_path):
    path = hdf5(tmp_path / "a", x=X, y=Y)
    assert isinstance(streamed(path).x_train.source, Flat)
    path = packed(tmp_path / "b", x=X, y=Y)
    rows = streamed(path).x_train
    with open(path, "r+b") as file:
        file.seek(os.path.getsize(path) // 2)
        file.write(b"\xff" * 400)
    with pytest.raises(FileProblem, match=r"packed.h5 was changed while it was read"):
        rows[:]
