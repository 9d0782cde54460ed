"""The user's own files of arrays, .npz and HDF5, and files of any kind to predict from."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from datafilelab import LABELS, X, csv, write
from numpy.testing import assert_array_equal

from gpufa.basics.errors import FileProblem, InvalidValue
from gpufa.data.datasets import load_data, load_inputs


@pytest.mark.parametrize("suffix", [".npz", ".h5", ".hdf5"])
def test_four_arrays(tmp_path: Path, suffix: str) -> None:
    images = np.arange(48, dtype=np.uint8).reshape(4, 2, 3, 2)
    path = write(
        tmp_path / f"data{suffix}", x_train=images, y_train=[0, 1, 1, 0], x_test=images[:2], y_test=[1, 1], note=1
    )
    for given in path, str(path):
        data = load_data(given)
        assert_array_equal(data.x_train, np.arange(48).reshape(4, 12))  # flattened, not scaled
        assert data.x_train.dtype == data.x_test.dtype == np.uint8
        assert_array_equal(data.y_train, [0, 1, 1, 0])
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
        InvalidValue, match=rf"data.npz: there is no array {missing} among .*\(20, 3\) float32.*; give x_train, y_train"
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
        with pytest.raises(FileProblem, match=rf"data{suffix} can't be read \(.+\); write its arrays anew"):
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
        file["y"] = LABELS
    with pytest.raises(FileProblem, match=r"data.h5 can't be read \("):
        load_data(path)


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
    with pytest.raises(InvalidValue, match=r"no array x or x_test among y \(20,\) int64; name it with --features, or"):
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
        with pytest.raises(
            InvalidValue, match=rf"table.csv: it has 3 columns; expected {features} features, and a target"
        ):
            load_inputs(path, features)
