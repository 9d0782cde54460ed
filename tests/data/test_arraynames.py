"""Which of several named arrays are x and y, in files and in dicts."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from datafilelab import LABELS, X, write
from numpy.testing import assert_array_equal

from gpufa.basics.errors import FileProblem, InvalidValue
from gpufa.checkpoints.provenance import data_of
from gpufa.data.datasets import load_data, load_inputs
from gpufa.data.samples.about import Wanted
from gpufa.training.settings.config import Config

TEST = X[:5] + 1
PARTED = {"x_train": X, "y_train": LABELS, "x_test": TEST, "y_test": LABELS[:5]}
KINDS = ".npz", ".h5", "dict"


def read(tmp_path: Path, kind: str, arrays: dict[str, Any], **settings: Any) -> Any:
    """The data in a file of that kind, or in a dict that a program hands in."""
    if kind == "dict":
        return data_of(Config(**settings), arrays)[0]
    return load_data(write(tmp_path / f"data{kind}", **arrays), **settings)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("x", "y"),
    [
        ("x", "y"),
        ("X", "Y"),
        ("data", "target"),
        ("images", "labels"),
        ("Features", "Targets"),
        ("inputs", "class"),
        ("data", "label"),
    ],
)
def test_names_of_x_and_y(tmp_path: Path, kind: str, x: str, y: str) -> None:
    data = read(tmp_path, kind, {x: X, y: LABELS, "target_names": np.array([1.5])})
    assert_array_equal(np.sort(np.r_[data.x_train, data.x_test], axis=0), np.sort(X, axis=0))
    assert_array_equal(np.bincount(data.y_test), [1] * 4)
    assert data.about.plain


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "form", ["{}_{}", "{1}_{0}", "{}{}", "{1}{0}", "{}-{}", "{1}.{0}"], ids=lambda form: form.replace("{}", "_")
)
@pytest.mark.parametrize("names", [("X", "y"), ("images", "labels"), ("Data", "TARGET")])
def test_names_of_parts(tmp_path: Path, kind: str, form: str, names: tuple[str, str]) -> None:
    arrays = {form.format(names["xy".index(name[0])], name[2:]): array for name, array in PARTED.items()}
    for found, array in zip(read(tmp_path, kind, arrays), PARTED.values(), strict=True):
        assert_array_equal(found, array)


def test_groups_of_hdf5_are_parts(tmp_path: Path) -> None:
    path = write(tmp_path / "data.h5", **{"Train/x": X, "Train/y": LABELS, "test/X": TEST, "test/y": LABELS[:5]})
    for found, array in zip(load_data(path), PARTED.values(), strict=True):
        assert_array_equal(found, array)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("end", ["", "_train"])
def test_arrays_by_flags(tmp_path: Path, kind: str, end: str) -> None:
    arrays: dict[str, Any] = {f"pixels{end}": X, f"kinds{end}": LABELS, "y": 7 * LABELS, "x": X[:, :1]}
    if end:
        arrays |= {"pixels_test": TEST, "kinds_test": LABELS[:5]}
    data = read(tmp_path, kind, arrays, features="pixels", target="kinds")
    assert data.x_train.shape == (20 if end else 16, 3)
    assert (data.about.array, data.about.target, data.about.where) == ("pixels", ("kinds",), 'array "kinds"')
    x = read(tmp_path, kind, arrays, features="pixels", target=-1) if not end else None
    assert x is None or x.x_train.shape == (16, 2)


def test_what_was_named_in_training_is_found_again(tmp_path: Path) -> None:
    path = write(tmp_path / "data.npz", Pixels=X, kinds=LABELS, x=X[:, :1])
    about = load_data(path, features="Pixels", target="kinds").about
    x, y = load_inputs(path, 3, about)
    assert_array_equal(x, X)
    assert_array_equal(y, LABELS)
    x, y = load_inputs(write(path, data=X, target=LABELS), 3, about)  # under one of the known names
    assert_array_equal(x, X)
    assert_array_equal(y, LABELS)
    x, y = load_inputs(write(path, samples=X), 3, about, Wanted(features=("samples",)))
    assert_array_equal(x, X)
    assert y is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("arrays", "settings", "message"),
    [
        ({"x": X, "data": X + 1, "y": LABELS}, {}, r"arrays 'data' and 'x' could both be x; name one with --features"),
        (
            {"x": X, "y": LABELS, "label": LABELS + 1},
            {},
            r"'label' and 'y' could both be the target; name one",
        ),
        ({"x": X, "y": LABELS, "Y": LABELS + 1}, {}, r"arrays 'Y' and 'y' could both be"),
        ({**PARTED, "train_images": X + 1}, {}, r"arrays 'train_images' and 'x_train' could both be x"),
        (
            {"a": X, "b": LABELS},
            {},
            r"no array x or y among a \(20, 3\) float32, b \(20,\) int64; .*name them with --features and --target",
        ),
        ({"x": X, "y": LABELS}, {"target": "kinds"}, r"no array kinds among x \(20, 3\) float32, y .* or x and kinds"),
        ({"x": X, "y": LABELS}, {"features": "pixels"}, r"no array pixels among x \(20, 3\) float32"),
        ({"x": X, "y": LABELS}, {"features": ("a", "b")}, r"features = a, b is no array; name one with --features, or"),
        ({"x": X, "y": LABELS}, {"target": ("a", "b")}, r"target = a, b is no array; name one with --target, or"),
        ({"x": X}, {"target": "x", "features": "x"}, r"the array 'x' is named by --features and by --target"),
    ],
)
def test_refusals_of_names(tmp_path: Path, kind: str, arrays: Any, settings: Any, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        read(tmp_path, kind, arrays, **settings)


@pytest.mark.parametrize("kind", KINDS)
def test_two_names_of_the_same_are_no_doubt(tmp_path: Path, kind: str) -> None:
    """As scikit-learn's digits have data and images."""
    data = read(tmp_path, kind, {"data": X, "images": X.reshape(20, 3, 1), "target": LABELS})
    assert data.x_train.shape == (16, 3)


def test_what_else_is_in_a_file_is_listed(tmp_path: Path) -> None:
    with h5py.File(path := tmp_path / "data.h5", "w") as file:
        file["values"], file["names"], file["soft"] = X, ["a"] * 20, h5py.SoftLink("/values")
        file.create_group("more")
    with pytest.raises(InvalidValue, match=r"more that is a group, names \(20,\) object, soft that is a link, values"):
        load_data(path)
    np.savez(path := tmp_path / "data.npz", **{f"a{i}": X for i in range(20)})
    with pytest.raises(InvalidValue, match=r"among a0 \(20, 3\) float32, .*, \.\.\., a19 \(20, 3\) float32;"):
        load_data(path)
    np.savez(path)
    with pytest.raises(InvalidValue, match=r"no array x or y among no arrays;"):
        load_data(path)


def test_a_target_of_text_is_read_and_x_of_text_is_not(tmp_path: Path) -> None:
    path = write(tmp_path / "data.h5", data=X, label=np.array([b"no", b"yes"] * 10))
    assert load_data(path).about.classes == ("no", "yes")
    with pytest.raises(FileProblem, match=r"data is of type \|S3, not of numbers"):
        load_data(write(path, data=np.array([[b"yes"]] * 20), label=LABELS))
