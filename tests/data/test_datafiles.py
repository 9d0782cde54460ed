"""The user's own files: .npz, HDF5 and CSV, to train on and to predict from."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from gpufa.basics.errors import FileProblem, InvalidValue
from gpufa.data.datasets import load_data, load_inputs

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


@pytest.mark.parametrize("suffix", [".npz", ".h5", ".hdf5"])
def test_four_arrays(tmp_path: Path, suffix: str) -> None:
    images = np.arange(48, dtype=np.uint8).reshape(4, 2, 3, 2)
    path = write(
        tmp_path / f"data{suffix}", x_train=images, y_train=[0, 1, 2, 0], x_test=images[:2], y_test=[1, 1], note=1
    )
    for given in path, str(path):
        data = load_data(given)
        assert_array_equal(data.x_train, np.arange(48).reshape(4, 12))  # flattened, not scaled
        assert data.x_train.dtype == data.x_test.dtype == np.uint8
        assert_array_equal(data.y_train, [0, 1, 2, 0])
        assert_array_equal(data.y_test, [1, 1])
    with pytest.raises(InvalidValue, match=r"has a test part of its own; leave out test_fraction=0.2"):
        load_data(path, test_fraction=0.2)


def test_home_folder_and_capitals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path / "data.npz", x=X, y=LABELS).rename(tmp_path / "data.NPZ")
    assert len(load_data("~/data.NPZ").x_train) == 16


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
@pytest.mark.parametrize(("fraction", "held"), [(None, 4), (0.4, 8)])
def test_labels_split_off(tmp_path: Path, suffix: str, fraction: float | None, held: int) -> None:
    path = write(tmp_path / f"data{suffix}", x=X, y=LABELS)
    data = load_data(path, test_fraction=fraction)
    assert_array_equal(np.bincount(data.y_test), [held // 4] * 4)
    rows = np.concatenate([np.c_[data.x_train, data.y_train], np.c_[data.x_test, data.y_test]])
    assert_array_equal(np.sort(rows, axis=0), np.sort(np.c_[X, LABELS], axis=0))
    assert all(map(np.array_equal, data, load_data(path, test_fraction=fraction)))


def test_real_targets_split_off(tmp_path: Path) -> None:
    data = load_data(write(tmp_path / "data.npz", x=X, y=X[:, :2] * 2))
    assert (data.y_train.shape, data.y_test.shape) == ((16, 2), (4, 2))
    assert_array_equal(data.y_test, data.x_test[:, :2] * 2)


@pytest.mark.parametrize("fraction", [0, 1, -0.5, 1.5, float("nan")])
def test_fraction_out_of_range(tmp_path: Path, fraction: float) -> None:
    path = write(tmp_path / "data.npz", x=X, y=LABELS)
    with pytest.raises(InvalidValue, match=rf"data.npz: the fraction {fraction} of the samples can't be held out"):
        load_data(path, test_fraction=fraction)


@pytest.mark.parametrize("suffix", [".npz", ".h5", ".csv"])
def test_no_such_file(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(FileProblem, match=rf"there is no file .*none{suffix}; check the path"):
        load_data(tmp_path / f"none{suffix}")


@pytest.mark.parametrize(
    ("arrays", "missing"),
    [
        ({"a": X}, "x or y"),
        ({"x": X}, "y"),
        ({"x_train": X, "y_train": LABELS}, "x_test or y_test"),
        ({"x": X, "y": LABELS, "x_test": X}, "x_train or y_train or y_test"),
    ],
)
def test_missing_arrays(tmp_path: Path, arrays: dict[str, np.ndarray], missing: str) -> None:
    with pytest.raises(
        FileProblem, match=rf"data.npz has no array {missing}; give x_train, y_train, x_test, y_test, or x"
    ):
        load_data(write(tmp_path / "data.npz", **arrays))


def test_file_with_unusable_arrays(tmp_path: Path) -> None:
    bad = X.copy()
    bad[7, 1] = np.nan
    with pytest.raises(InvalidValue, match=r"data.h5: x has a NaN or infinite value, first in row 7"):
        load_data(write(tmp_path / "data.h5", x=bad, y=LABELS))


def test_pickled_objects_are_not_read(tmp_path: Path) -> None:
    path = write(tmp_path / "data.npz", x=X, y=np.array([None] * 20, object))
    with pytest.raises(FileProblem, match=r"data.npz can't be read \(Object arrays cannot be loaded"):
        load_data(path)


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
def test_damaged_files(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"data{suffix}", x=X, y=LABELS)
    raw = path.read_bytes()
    for damaged in b"", b"nonsense", raw[: len(raw) // 2]:
        path.write_bytes(damaged)
        with pytest.raises(FileProblem, match=rf"data{suffix} can't be read \(.+\); write its arrays of numbers anew"):
            load_data(path)


def test_single_array_that_is_called_npz(tmp_path: Path) -> None:
    with open(tmp_path / "data.npz", "wb") as file:
        np.save(file, X)
    with pytest.raises(FileProblem, match=r"data.npz can't be read \(not a zip archive\)"):
        load_data(tmp_path / "data.npz")


def test_damaged_array_in_archive(tmp_path: Path) -> None:
    path = write(tmp_path / "data.npz", x=X, y=LABELS)
    path.write_bytes(path.read_bytes().replace(X[3].tobytes(), bytes(12)))
    with pytest.raises(FileProblem, match=r"data.npz can't be read \(Bad CRC-32"):
        load_data(path)


def test_group_in_place_of_array(tmp_path: Path) -> None:
    path = tmp_path / "data.h5"
    with h5py.File(path, "w") as file:
        file.create_group("x")
    with pytest.raises(FileProblem, match=r"data.h5 can't be read \("):
        load_data(path)


# CSV


def csv(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "table.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [
        "1,2,0\n3,4,1\n5,6,0\n7,8,1\n",
        "1,2,0\n\n3,4,1\n5,6,0\n7,8,1",
        "a,b,c\n1,2,0\n3,4,1\n5,6,0\n7,8,1\n",
        "\n# a, b, c\n1,2,0\n3,4,1\n5,6,0\n7,8,1\n",
        '"a, b",b,c\r\n"1",2,0\r\n3,4,1\r\n5,6,0\r\n7,8,1\r\n',
        "\ufeff1,2,0\n3,4,1\n5,6,0\n7,8,1\n",
        "# label,a,b\n0,1,2\n1,3,4\n0,5,6\n1,7,8\n",
        "0, Label ,y\n1,0,2\n3,1,4\n5,0,6\n7,1,8\n",
        "1.0,2.0,0.0\n3,4,1\n5,6,0\n7,8,1\n",
    ],
)
def test_csv_labels(tmp_path: Path, text: str) -> None:
    data = load_data(csv(tmp_path, text), test_fraction=0.5)
    assert data.y_train.dtype == np.int64
    assert data.x_train.dtype == np.float32
    assert data.x_train.flags.c_contiguous
    rows = np.concatenate([np.c_[data.x_train, data.y_train], np.c_[data.x_test, data.y_test]])
    assert_array_equal(rows[np.argsort(rows[:, 0])], [[1, 2, 0], [3, 4, 1], [5, 6, 0], [7, 8, 1]])
    assert sorted(data.y_test) == [0, 1]


@pytest.mark.parametrize(
    "text",
    [
        "1,0.5\n2,1\n3,1.5\n4,2\n",
        "target,a\n0.5,1\n1,2\n1.5,3\n2,4\n",
        "a,y\n1,0.5\n2,1\n3,1.5\n4,2\n",
    ],
)
def test_csv_real_targets(tmp_path: Path, text: str) -> None:
    data = load_data(csv(tmp_path, text))
    assert data.y_train.dtype == np.float32
    assert (data.y_train.shape, data.y_test.shape) == ((3, 1), (1, 1))
    assert_array_equal(data.y_train, data.x_train / 2)


def test_csv_whole_targets_that_are_not_labels(tmp_path: Path) -> None:
    data = load_data(csv(tmp_path, "y,a\n-2,1\n4,2\n6,3\n8,4\n"))
    assert data.y_train.shape == (3, 1)
    huge = "".join(f"{i},{2**24 + i}\n" for i in range(4))
    assert load_data(csv(tmp_path, huge)).y_train.shape == (3, 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"has no rows of numbers"),
        ("\n\n", r"has no rows of numbers"),
        ("a,b,label\n", r"has no rows of numbers"),
        ("1,2,0\n3,x,1\n", r"line 2: 'x' in column 2 is not a number"),
        ("a,b\n\n1,2\n3,\n", r"line 4: '' in column 2 is not a number"),
        ("1,2,0\n\n3,4\n", r"line 3: 2 cells, but 3 in the lines before"),
        ("1,b,0\n3,4,1\n", r"line 1: 'b' in column 2 is not a number"),
        ("1;2;0\n3;4;1\n", r"line 2: '3;4;1' in column 1 is not a number; separate numbers by commas"),
        ("a,b,c\n1,2\n3,4\n", r"names 3 columns, but its lines have 2 cells"),
        ("1,1_0\n2,3\n", r"is not a table \(could not convert string '1_0'"),
        (b"1,\xff\n", r"can't be read as text \('utf-8' codec"),
        (b"1,2\n3,\xff\n", r"can't be read as text \('utf-8' codec"),
        (b"1,1_0\n" + b"1,2\n" * 5000 + b"\xff,1\n", r"line 5002: '\ufffd' in column 1 is not a number"),
    ],
)
def test_csv_faults(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(FileProblem, match=rf"table.csv,? {message}"):
        load_data(csv(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\n2\n3\n", r"x is empty \(shape \(3, 0\)\)"),
        ("1,2\nnan,4\n", r"x has a NaN or infinite value, first in row 1"),
        ("1,2\n3,inf\n", r"y has a NaN or infinite value, first in row 1"),
        ("1,-1\n3,1\n", r"y has the label -1; count labels from 0"),
        ("1,0\n2,1\n", r"a fraction of 0.2 of these 2 samples holds out none"),
    ],
)
def test_csv_values(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidValue, match=rf"table.csv: {message}"):
        load_data(csv(tmp_path, text))


# Data to predict from


def test_inputs_of_named_set() -> None:
    x, y = load_inputs("digits", 64)
    data = load_data("digits")
    assert_array_equal(x, data.x_test)
    assert_array_equal(y, data.y_test)
    assert y is not None
    assert y.dtype == np.int64
    with pytest.raises(InvalidValue, match=r"digits has 64 features; expected 784"):
        load_inputs("digits", 784)


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
def test_inputs_of_arrays(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"data{suffix}"
    x, y = load_inputs(write(path, x=X.reshape(20, 1, 3)), 3)
    assert_array_equal(x, X)
    assert y is None
    x, y = load_inputs(write(path, x=X, y=LABELS), 3)
    assert_array_equal(x, X)
    assert_array_equal(y, LABELS)
    x, y = load_inputs(write(path, x_train=X, y_train=LABELS, x_test=X[:5], y_test=LABELS[:5], x=X, y=LABELS), 3)
    assert_array_equal(x, X[:5])
    assert_array_equal(y, LABELS[:5])
    with pytest.raises(InvalidValue, match=r"has 3 features; expected 4, as in the training data"):
        load_inputs(path, 4)
    with pytest.raises(InvalidValue, match=rf"data{suffix}: x has 20 samples, but y 5"):
        load_inputs(write(path, x=X, y=LABELS[:5]), 3)
    with pytest.raises(FileProblem, match=r"has no array x or x_test; write the samples into it as x"):
        load_inputs(write(path, y=LABELS), 3)


def test_inputs_of_csv(tmp_path: Path) -> None:
    path = csv(tmp_path, "a,label,b\n1,0,2\n3,1,4\n")
    x, y = load_inputs(path, 2)
    assert_array_equal(x, [[1, 2], [3, 4]])
    assert_array_equal(y, [0, 1])
    x, y = load_inputs(path, 3)
    assert_array_equal(x, [[1, 0, 2], [3, 1, 4]])
    assert y is None
    for features in 1, 4:
        with pytest.raises(InvalidValue, match=rf"table.csv has 3 columns; expected {features} features, and a target"):
            load_inputs(path, features)


# Files that claim what they don't hold


def hdf5(path: Path, fill: Callable[[h5py.File], object]) -> Path:
    with h5py.File(path, "w") as file:
        file["y"] = LABELS
        fill(file)
    return path


@pytest.mark.parametrize(
    ("fill", "text"),
    [
        (lambda f: f.update(x=h5py.ExternalLink("other.h5", "x")), "x is in another file"),
        (lambda f: f.update(far=h5py.ExternalLink("other.h5", "/"), x=h5py.SoftLink("/far/x")), "x is in another file"),
        (lambda f: f.create_dataset("x", (20, 3), "f4", external=[("other.raw", 0, 240)]), "x is in another file"),
        (lambda f: f.create_virtual_dataset("x", h5py.VirtualLayout((20, 3), "f4")), "x is in another file"),
        (lambda f: f.create_dataset("x", (20,), h5py.string_dtype()), "x is of type object, not of numbers"),
        (lambda f: f.create_dataset("x", (20,), h5py.vlen_dtype("f4")), "x is of type object, not of numbers"),
        (lambda f: f.create_dataset("x", (20,), "i4,f4"), "not of numbers"),
        (lambda f: f.create_dataset("x", data=h5py.Empty("f4")), "x is of type float32, not of numbers"),
        (lambda f: f.create_dataset("x", (10**12, 3), "f4", chunks=(100, 3)), "x claims 12000000000000 bytes, more"),
        (lambda f: f.update(x=h5py.SoftLink("/x")), "too many links"),
        (lambda f: f.update(x=np.dtype("f4")), "x is no array"),
    ],
)
def test_hdf5_beyond_plain_arrays(tmp_path: Path, fill: Callable[[h5py.File], object], text: str) -> None:
    write(tmp_path / "other.h5", x=X)
    with pytest.raises(FileProblem) as caught:
        load_data(hdf5(tmp_path / "data.h5", fill))
    assert text in str(caught.value)


def test_packed_hdf5_is_read(tmp_path: Path) -> None:
    zeros = np.zeros((10**5, 100), np.uint8)
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file.create_dataset("x", data=zeros, chunks=zeros.shape, compression="gzip", shuffle=True, fletcher32=True)
        file.create_dataset("y", data=np.arange(10**5) % 2, compression="lzf")
    assert (tmp_path / "data.h5").stat().st_size < zeros.nbytes / 10
    assert load_data(tmp_path / "data.h5").x_train.shape == (80000, 100)


def npz(path: Path, member: bytes, how: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", how) as archive:
        archive.writestr("x.npy", member)
        archive.writestr("y.npy", member)
    return path


def npy(header: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + (len(header) + 1).to_bytes(2, "little") + header.encode() + b"\n"


@pytest.mark.parametrize(
    ("member", "text"),
    [
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (10**12,)}"), "can't be read ("),
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000000,)}"), "Unable to allocate 3.55 PiB"),
        (npy(f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({10**30},)}}"), "too large to convert"),
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': ("), "EOF in multi-line statement"),
        (npy("(" * 300), "can't be read ("),
    ],
)
def test_arrays_that_claim_too_much(tmp_path: Path, member: bytes, text: str) -> None:
    with pytest.raises(FileProblem) as caught:
        load_data(npz(tmp_path / "data.npz", member))
    assert text in str(caught.value)


def test_arrays_that_python_2_has_written(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    member = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (10L,1L)}") + bytes(40)
    assert load_data(npz(tmp_path / "data.npz", member)).x_train.shape == (8, 1)
    assert [str(w.message) for w in recwarn] == []


def test_archives_that_zipfile_can_not_unpack(tmp_path: Path) -> None:
    path = npz(tmp_path / "data.npz", bytes(1000), zipfile.ZIP_LZMA)
    raw = path.read_bytes()
    at = raw.index(b"x.npy") + 9
    for damaged in raw[:at] + b"\xff" * 9 + raw[at + 9 :], raw.replace(b"\x0e\x00", b"\x63\x00"):
        path.write_bytes(damaged)
        with pytest.raises(FileProblem, match=r"data.npz can't be read \("):
            load_data(path)


def test_csv_cells_of_any_length(tmp_path: Path) -> None:
    long = "9" * 140000
    for text in f"1,2\n{long},x\n", f"{long},x\n1,2\n":
        with pytest.raises(FileProblem, match=r"table.csv,? ") as caught:
            load_data(csv(tmp_path, text))
        assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("suffix", [".npz", ".h5", ".csv"])
def test_a_file_without_the_right_to_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    (path := tmp_path / f"data{suffix}").write_text("")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("io.open", refuse)
    with pytest.raises(FileProblem, match=rf"data{suffix}' can't be read \(Permission denied\); see to it, or give"):
        load_data(path)
