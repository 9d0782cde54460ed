"""Data that can be read in two ways: each is read as its file says, or refused in a sentence, and never half."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from gpufa.basics.errors import FileProblem, GpufaWarning, InvalidValue
from gpufa.data.datasets import is_own, load_data, load_inputs
from gpufa.data.samples.about import CLASSIFICATION, About, Wanted
from gpufa.data.samples.target import judged
from gpufa.data.tables.columns import unique

RNG = np.random.default_rng(0)
ROWS = 30


def csv(tmp_path: Path, header: str, *targets: object) -> Path:
    """Two random features, and the targets in turn."""
    lines = [f"{RNG.normal():.4f},{RNG.normal():.4f},{targets[i % len(targets)]}" for i in range(ROWS)]
    path = tmp_path / "table.csv"
    path.write_text("\n".join([header, *lines, ""]))
    return path


BIG = 76561198000000001, 76561198000000008, 76561198000000015


@pytest.mark.parametrize(
    ("targets", "settings", "classes"),
    [
        (BIG, {}, tuple(map(str, BIG))),
        (BIG, {"task": "classification"}, tuple(map(str, BIG))),
        (("02134", "00501", "10001"), {}, ("00501", "02134", "10001")),
        (("10001", "00501", "02134"), {"task": "classification"}, ("00501", "02134", "10001")),
        (("10001", "00501", "02134"), {}, ("00501", "02134", "10001")),
        (("1", "2.0", "3"), {"task": "classification"}, ("1", "2", "3")),
        (("1", "2", "NA"), {"task": "classification"}, ("1", "2", "NA")),
        (("1", "2", "NA"), {"task": "classification", "missing": "drop"}, ("1", "2")),
        (("NA", "FR", "DE"), {"task": "classification", "missing": "drop"}, ("DE", "FR", "NA")),
        (("NA", "FR", "DE"), {"missing": "drop"}, ("DE", "FR")),
    ],
)
def test_classes_are_called_as_the_file_calls_them(tmp_path, targets, settings, classes):
    data = load_data(csv(tmp_path, "a,b,c", *targets), **settings)
    assert data.about.classes == classes
    assert np.bincount(np.concatenate([data.y_train, data.y_test])).tolist() == [ROWS // 3] * len(classes)


def test_weights_that_are_no_numbers_are_told(tmp_path):
    with pytest.raises(
        FileProblem, match="'x' in column 3, the sample weights, is not a number; mend it, or name another"
    ):
        load_data(csv(tmp_path, "a,b,w,label", "x,0", "x,1"), sample_weights="w")


def test_a_label_is_a_class_with_and_without_its_zeros(tmp_path):
    about = About(CLASSIFICATION, ("c",), ("501", "2134"), ("a", "b"), ("a", "b", "c"))
    _, y = load_inputs(csv(tmp_path, "a,b,c", "00501", "02134"), 2, about)
    assert_array_equal(y, np.arange(ROWS) % 2)
    for text in "", "0abc", "0.5", "00":
        with pytest.raises(InvalidValue, match=f"y has the class {text}, but those of"):
            judged(np.array([text]), About(CLASSIFICATION, (), ("abc", ".5", "x")), 1)
    with pytest.raises(InvalidValue, match="y has the class , but those of"):
        judged(np.array([""]), About(CLASSIFICATION, (), ("0", "2")), 1)
    assert_array_equal(judged(np.array(["1", "0"]), About(CLASSIFICATION), 2), [1, 0])
    with pytest.raises(InvalidValue, match="y is no column of labels, such as one"):
        judged(np.array(["one", "0"]), About(CLASSIFICATION), 2)


def test_floats_that_dont_tell_classes_apart_are_refused():
    x = RNG.normal(size=(ROWS, 2))
    with pytest.raises(
        InvalidValue, match=r"whole numbers beyond 2\^53, such as 7656119800000001\d, which floats don't"
    ):
        load_data((x, np.array(BIG, float)[np.arange(ROWS) % 3]), task="classification")
    assert load_data((x, np.array(BIG)[np.arange(ROWS) % 3])).about.classes == tuple(map(str, BIG))


@pytest.mark.parametrize("targets", [("corn", "wheat"), ("b", "a", "c")])
def test_a_header_with_numbers_is_no_sample(tmp_path, targets):
    with pytest.raises(InvalidValue, match="line 1: 'variety' stands in no other line, as if the first one named the"):
        load_data(csv(tmp_path, "908.1,914.3,variety", *targets))
    assert load_data(csv(tmp_path, f"0.1,0.2,{targets[0]}", *targets)).about.classes == tuple(sorted(targets))


def test_a_header_of_years_is_no_sample(tmp_path):
    amounts = RNG.normal(size=ROWS).tolist()
    path = csv(tmp_path, "2019,2020,sales", *amounts)
    with pytest.raises(
        FileProblem, match=r"line 2: .* is a number among texts; .* write no numbers into the first line"
    ):
        load_data(path)
    with pytest.raises(InvalidValue, match="line 1: 'sales' stands in no other line"):
        load_data(path, task="classification")


def test_a_class_y_is_no_header(tmp_path):
    data = load_data(csv(tmp_path, "0.5,0.7,y", "y", "n"))
    assert (len(data.x_train) + len(data.x_test), data.about.classes) == (ROWS + 1, ("n", "y"))
    named = load_data(csv(tmp_path, "0.5,0.7,y", 0, 1))
    assert (len(named.x_train) + len(named.x_test), named.about.target) == (ROWS, ("y",))


def test_what_python_alone_calls_a_number_is_none(tmp_path):
    with pytest.raises(FileProblem, match="'1_000' in column 3 is not a number"):
        load_data(csv(tmp_path, "a,b,c", 1.5, "1_000", 2.5), missing="mean")


TRAINED = About(CLASSIFICATION, ("label",), None, ("a", "A"), ("a", "A", "label"))


def test_a_column_is_not_two_features(tmp_path):
    """Columns whose names differ in capitals stand in for each other where that leaves no doubt alone."""
    for header in "a,b,label", "A,b,label":
        with pytest.raises(InvalidValue, match="there is no column"):
            load_inputs(csv(tmp_path, header, 0, 1), 2, TRAINED, Wanted(drop=("b",)))
    x, _ = load_inputs(csv(tmp_path, "A,a,LABEL", 0, 1), 2, TRAINED)
    turned = About(CLASSIFICATION, ("label",), None, ("A", "a"), ("A", "a", "label"))
    other, _ = load_inputs(tmp_path / "table.csv", 2, turned)
    assert_array_equal(x, other[:, ::-1])


def test_the_target_of_a_net_without_names_is_named_or_told(tmp_path):
    path = csv(tmp_path, "index,a,price", 1.5, 2.5)
    with pytest.raises(
        InvalidValue, match="not for certain which of them is the target, or none; name those with --feat"
    ):
        load_inputs(path, 2)
    with pytest.warns(GpufaWarning, match='column "price" is taken for the target, where one is asked for'):
        x, y = load_inputs(path, 2, None, Wanted(features=("index", "a")))
    assert (x.shape, y[:2].tolist()) == ((ROWS, 2), [[1.5], [2.5]])
    x, y = load_inputs(path, 2, None, Wanted(drop=("index",)))
    assert (x[:2, 1].tolist(), y) == ([1.5, 2.5], None)
    x, y = load_inputs(csv(tmp_path, "0.1,0.2,1", 0, 1), 2)  # without names the last is the target, as in training
    assert (x.shape, y.shape) == ((ROWS + 1, 2), (ROWS + 1,))


@pytest.mark.parametrize(
    ("given", "made"),
    [
        (("a", "a", "a.1"), ("a", "a.2", "a.1")),
        (("a.1", "a", "a"), ("a.1", "a", "a.2")),
        (("", "a", "", "a"), ("Unnamed: 0", "a", "Unnamed: 2", "a.1")),
    ],
)
def test_names_are_unique_as_pandas_makes_them(given, made):
    assert unique(given) == made


def test_bytes_of_another_encoding_are_refused(tmp_path):
    x, y = RNG.normal(size=(ROWS, 2)), np.array([b"caf\xe9", b"caf\xe8"])[np.arange(ROWS) % 2]
    np.savez(tmp_path / "data.npz", x=x, y=y)
    with pytest.raises(InvalidValue, match=r"y has bytes that are no UTF-8, such as b'caf.*decode them"):
        load_data(tmp_path / "data.npz")
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["x"], file["y"] = x, y
    with pytest.raises(FileProblem, match=r"can't be read \('utf-8' codec can't decode byte 0xe9"):
        load_data(tmp_path / "data.h5")


def test_objects_are_told_what_to_be(tmp_path):
    np.savez(tmp_path / "data.npz", x=RNG.normal(size=(ROWS, 2)), y=np.array(["a", "b"], object)[np.arange(ROWS) % 2])
    with pytest.raises(FileProblem, match=r"write its arrays anew, texts by astype\(str\)"):
        load_data(tmp_path / "data.npz")


def test_arrays_for_validation_are_told_of(tmp_path):
    parts = {
        f"{name}_{part}": RNG.normal(size=(9, 2))[:, : 2 if name == "x" else 1]
        for part in ("train", "test", "val")
        for name in "xy"
    }
    np.savez(tmp_path / "data.npz", **parts)
    with pytest.warns(GpufaWarning, match="x_val and y_val are not used: what a run is stopped by is held out of the"):
        load_data(tmp_path / "data.npz")


def test_a_folder_with_a_sets_name_goes_by_its_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "copy").mkdir()
    for name, array in (("x", RNG.normal(size=(9, 2))), ("y", np.arange(9) % 2)):
        np.save(tmp_path / "copy" / name, array)
    assert [is_own(name) for name in ("copy", "./copy", tmp_path / "copy")] == [False, True, True]
    assert load_data("./copy").x_train.shape[1] == 2
