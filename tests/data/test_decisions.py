"""What is the target, and what is made of it: the whole table of docs/data.md, for every kind of file."""

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datafilelab import csv, write
from numpy.testing import assert_array_equal

from gpufa.basics.errors import FileProblem, InvalidValue
from gpufa.data.datasets import load_data, load_inputs
from gpufa.data.handed import validate
from gpufa.data.samples.about import Wanted
from gpufa.data.samples.data import Data
from gpufa.data.samples.target import seems_amounts

N = 40
X = np.random.default_rng(7).normal(size=(N, 3))
NAMES = np.array(["setosa", "versicolor", "virginica"])
COUNT = np.arange(N) % 3
AMOUNTS = np.random.default_rng(8).permutation(N) * 7 + 3
CLASSES, AMOUNT, ONE, TEXT = "classes", "different values", "only: nothing can be learned", "can't be regressed on"
# values: what they are without --task, with --task classification, with --task regression; the classes' names
VALUES: dict[str, tuple[np.ndarray, tuple[str, str, str], tuple[str, ...] | None]] = {
    "strings": (NAMES[COUNT], (CLASSES, CLASSES, TEXT), tuple(NAMES)),
    "bools": (COUNT == 1, (CLASSES, CLASSES, "real"), ("False", "True")),
    "whole numbers": (COUNT, (CLASSES, CLASSES, "real"), None),
    "whole floats": (COUNT.astype(float), (CLASSES, CLASSES, "real"), None),
    "labels from 1": (COUNT + 1, (CLASSES, CLASSES, "real"), ("1", "2", "3")),
    "far apart": (np.where(COUNT == 1, 10**6, 0), (CLASSES, CLASSES, "real"), ("0", "1000000")),
    "below zero": (COUNT - 1, (CLASSES, CLASSES, "real"), ("-1", "0", "1")),
    "reals": (np.sin(COUNT + 0.5), ("real", CLASSES, "real"), None),
    "one value a row": (AMOUNTS, (AMOUNT, "holds out none", "real"), None),
    "nearly one a row": (AMOUNTS // 14, (AMOUNT, CLASSES, "real"), None),
    "strings, one a row": (np.array([f"id{i}" for i in AMOUNTS]), (AMOUNT, "holds out none", TEXT), None),
    "one value only": (np.full(N, 2), (ONE, ONE, ONE), None),
    "one string only": (np.full(N, "a"), (ONE, ONE, TEXT), None),
}
TASKS = None, "classification", "regression"
HEADERS = {"names": ["u", "v", "w"], "numbers": ["0", "1", "2"], "floats": ["0.0", "1.0", "2.0"], "none": None}
BY = "flag", "name", "neither"


def table(tmp_path: Path, y: np.ndarray, header: str, by: str) -> tuple[Path, dict[str, Any], Any]:
    """A CSV file, the settings that name its target, and the target's own name: first in the table by a flag or a known
    name, last by neither."""
    names, first = HEADERS[header], by != "neither"
    known = "Class" if by == "name" else {"names": "kind", "numbers": "3", "floats": "3.0"}.get(header)
    if header in ("numbers", "floats") and by == "flag":
        head: list[str] | None = [f"{i}{names[0][1:]}" for i in range(4)] if names else None  # counted anew
        known = head[0] if head else None
    else:
        head = None if names is None else [known or "", *names] if first else [*names, known or ""]
    cells = [[str(v) for v in row] for row in X]
    rows = [[str(v), *row] if first else [*row, str(v)] for v, row in zip(y, cells, strict=True)]
    lines = ([head] if head else []) + rows
    name = (0 if first else 3) if head is None else known
    return (
        csv(tmp_path, "".join(",".join(line) + "\n" for line in lines)),
        ({"target": 0 if head is None else known} if by == "flag" else {}),
        name,
    )


def check(read: Any, values: str, task: str | None) -> Data | None:
    y, expected, names = VALUES[values]
    outcome = expected[TASKS.index(task)]
    if outcome not in (CLASSES, "real"):
        with pytest.raises(InvalidValue, match=outcome) as error:
            read()
        if outcome == AMOUNT:
            assert "--task regression" in str(error.value)
            assert "--task classification" in str(error.value)
        return None
    data: Data = read()
    assert data.about
    every = np.concatenate([data.x_train[:, 0], data.x_test[:, 0]])
    order = np.array([np.abs(X[:, 0] - v).argmin() for v in every])
    found = np.concatenate([data.y_train, data.y_test])
    assert data.x_train.shape[1] == 3
    if outcome == "real":
        assert data.about.task == "regression"
        np.testing.assert_allclose(found[:, 0], y[order].astype(float), rtol=1e-6)
    else:
        assert data.about.task == "classification"
        assert found.dtype == np.int64
        assert_array_equal(found, np.unique(y, return_inverse=True)[1][order])
        if names or (outcome != "real" and values in ("whole numbers", "whole floats")):
            assert data.about.classes == names
    return data


CSV_CASES = [(h, b) for h, b in product(HEADERS, BY) if not (h == "none" and b == "name")]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize(("header", "by"), CSV_CASES)
def test_csv(tmp_path: Path, header: str, by: str, values: str, task: str | None) -> None:
    path, named, name = table(tmp_path, VALUES[values][0], header, by)
    data = check(lambda: load_data(path, task=task, **named), values, task)
    if data:
        assert data.about
        assert data.about.target == (name,)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("kind", ["x and y", "by flag", "a column", "of x"])
@pytest.mark.parametrize("suffix", [".npz", ".h5"])
def test_files_of_arrays(tmp_path: Path, suffix: str, kind: str, values: str, task: str | None) -> None:
    y = VALUES[values][0]
    named: dict[str, Any] = {}
    if suffix == ".h5" and y.dtype.kind == "U":
        y = y.astype("S")
    if kind == "of x":
        if y.dtype.kind in "US":
            pytest.skip("x holds numbers")
        arrays, named = {"x": np.c_[X, y.astype(float)]}, {"target": -1}
        if values == "bools":
            pytest.skip("which are numbers there")
    elif kind == "by flag":
        arrays, named = {"x": X, "kinds": y}, {"target": "kinds"}
    else:
        arrays = {"x": X, "y": y[:, None] if kind == "a column" and y.dtype.kind in "fiu" else y}
    path = write(tmp_path / f"data{suffix}", **arrays)
    check(lambda: load_data(path, task=task, **named), values, task)


def frame(library: str, tmp_path: Path, columns: dict[str, Any]) -> Any:
    """A table of that library, or a file of one; a target of text is a column of categories in some."""
    made = pytest.importorskip("pandas" if library.startswith("pandas") else library.partition(" ")[0])
    if library == "pandas category":
        kind = columns["kind"]
        return made.DataFrame(columns | {"kind": made.Categorical(kind) if kind.dtype.kind == "U" else kind})
    if library != "pyarrow file":
        return made.table(columns) if library == "pyarrow" else made.DataFrame(columns)
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(made.table(columns), path := tmp_path / "table.parquet")
    return path


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("by", BY)
@pytest.mark.parametrize("library", ["pandas", "pandas category", "polars", "pyarrow", "pyarrow file"])
def test_tables(tmp_path: Path, library: str, by: str, values: str, task: str | None) -> None:
    name = "Class" if by == "name" else "kind"
    columns = dict(zip("uvw", X.T, strict=True))
    columns = columns | {"kind": VALUES[values][0]} if by == "neither" else {"kind": VALUES[values][0]} | columns
    given = frame(library, tmp_path, columns if by != "name" or library == "pandas category" else renamed(columns))
    if library == "pandas category" and by == "name":
        given = given.rename(columns={"kind": name})
    data = check(lambda: load_data(given, task=task, **({"target": "kind"} if by == "flag" else {})), values, task)
    if data:
        assert data.about
        assert (data.about.target, data.about.features) == ((name,), tuple("uvw"))


def renamed(columns: dict[str, Any]) -> dict[str, Any]:
    return {"Class" if name == "kind" else name: values for name, values in columns.items()}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("values", [v for v in VALUES if "row" not in v])
def test_arrays(values: str, task: str | None) -> None:
    y = VALUES[values][0]
    check(lambda: validate((X[:30], y[:30], X[30:], y[30:]), Wanted(task=task)), values, task)


def test_labels_that_count_from_0_are_as_they_were() -> None:
    data = validate((X[:30], COUNT[:30].astype(np.uint8), X[30:], COUNT[30:]))
    assert_array_equal(data.y_train, COUNT[:30])
    assert data.about
    assert data.about.plain


@pytest.mark.parametrize(
    ("classes", "rows", "amounts"),
    [(10, 40, False), (11, 54, True), (11, 55, False), (3, 3, False), (3, 4, True), (4, 6, False)],
)
def test_what_seems_amounts(classes: int, rows: int, amounts: bool) -> None:
    assert seems_amounts(classes, rows) == amounts


ROWS = "".join(f"{a:.3f},{b:.3f},{c}\n" for (a, b, _), c in zip(X, COUNT, strict=True))
NUMBERED = "".join(f"{i},{line}\n" for i, line in enumerate(ROWS.splitlines()))
TEXTS = "".join(f"{a:.3f},t{b},{c}\n" for (a, b, _), c in zip(X, COUNT, strict=True))


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ("a,y,class\n" + ROWS, {}, r'columns "y" and "class" could both be the target'),
        ("label,a,Label\n" + ROWS, {}, r"could both be the target"),
        ("label,a,label\n" + ROWS, {}, r'columns "label" and "label.1" could both be'),
        (",a,b,label\n" + NUMBERED, {}, r"column 0 \(counted from 0\) has no name.*--drop 0"),
        ("Unnamed: 0,a,b,label\n" + NUMBERED, {}, r"has no name"),
        (",0,1,2\n" + NUMBERED, {}, r"has no name"),
        ("id,a,b,label\n" + NUMBERED, {}, r'column "id" numbers the rows from 0 to 39.*--drop id'),
        (NUMBERED, {}, r"column 0 \(counted from 0\) numbers the rows from 0 to 39.*--drop 0"),
        (
            "a,b,label\n" + ROWS,
            {"target": "c"},
            r"there is no column 'c'; the columns are a, b, label: change --target",
        ),
        (ROWS, {"target": "3"}, r"there is no column '3'; the columns are 0 to 2, without names"),
        (ROWS, {"drop": "z"}, r"change --drop"),
        (ROWS, {"features": ["0", "7"]}, r"change --features"),
        (ROWS, {"target": 0, "drop": 0}, r"is the target, and is named by --drop too"),
        (ROWS, {"target": 0, "features": [0, 1]}, r"is the target, and is named by --features too"),
        (ROWS, {"drop": 0, "features": [0, 1]}, r"is named by --features and by --drop"),
        (ROWS, {"drop": [0, 1, 2]}, r"no column is left for the target"),
        (ROWS, {"target": [0, 1], "task": "classification"}, r"has 2 columns, which can't be one class each"),
        (ROWS, {"task": "both"}, r"unknown task 'both'; choose one of classification, regression"),
        (ROWS, {"target": []}, r"target = \[\] can't be used; expected names or numbers of columns"),
        (ROWS, {"target": 1.5}, r"target = 1.5 can't be used"),
    ],
)
def test_refusals(tmp_path: Path, text: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        load_data(csv(tmp_path, text), **settings)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TEXTS, r"line 1: 't.*' in column 2 is not a number; .*--drop 1"),
        ("1,2,a\n3,4,b\n5,6,\n", r"line 3: '' in column 3 is empty"),
        ("1,2,a\n\n3,4,7\n5,6,b\n", r"line 3: '7' in column 3 is a number among texts"),
        ("1,2,7\n3,4,a\n", r"line 2: 'a' in column 3 is not a number"),
    ],
)
def test_faults_of_lines(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(FileProblem, match=message):
        load_data(csv(tmp_path, text))


def test_columns_by_name_and_number(tmp_path: Path) -> None:
    path = csv(tmp_path, "a,note,B,label\n" + "".join(f"{i * 2},n{i},{i * 3},{i % 2}\n" for i in range(N)))
    assert load_data(path, drop="note").x_train.shape == (32, 2)
    assert load_data(path, features=["b"]).about.features == ("B",)
    both = load_data(path, target=("a", 2), drop="note")
    assert (both.y_train.shape, both.x_train.shape) == ((32, 2), (32, 1))
    index = csv(tmp_path, ",a,b,label\n" + NUMBERED)
    assert load_data(index, drop="0").x_train.shape == (32, 2)
    assert load_data(index, features=[0, 1]).x_train.shape == (32, 2)


def test_time_stamps_keep_their_digits(tmp_path: Path) -> None:
    data = load_data(csv(tmp_path, "".join(f"{1700000000 + i * 3},{c}\n" for i, c in enumerate(COUNT))))
    assert len(np.unique(np.concatenate([data.x_train, data.x_test]))) == N


@pytest.mark.parametrize("setting", ["target", "features", "drop", "task"])
def test_named_sets_have_targets_of_their_own(setting: str) -> None:
    with pytest.raises(InvalidValue, match=rf"digits is a set for classification.*leave --{setting} out"):
        load_data("digits", **{setting: "regression"})


# To predict from

HEAD = "a,b,kind\n"
IRIS = "".join(f"{a:.3f},{b:.3f},{NAMES[c]}\n" for (a, b, _), c in zip(X, COUNT, strict=True))


@pytest.mark.parametrize(
    ("text", "drop", "y"),
    [
        ("a,b,kind\n1,2,virginica\n", None, [2]),
        ("kind,b,a\nsetosa,2,1\n", None, [0]),
        ("b,a\n2,1\n", None, None),
        ("b,A,id\n2,1,7\n", ("id",), None),
        ("1,2,versicolor\n", None, [1]),
        ("1,2\n", None, None),
    ],
)
def test_columns_are_matched_by_name(tmp_path: Path, text: str, drop: Any, y: Any) -> None:
    about = load_data(csv(tmp_path, HEAD + IRIS)).about
    x, found = load_inputs(csv(tmp_path, text), 2, about, Wanted(drop=drop))
    assert_array_equal(x, [[1, 2]])
    assert (found if found is None else list(found)) == y


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("b,kind\n2,setosa\n", r"there is no column a, which the net was trained on; the columns are b, kind"),
        ("b,a,id\n2,1,7\n", r'column "id" is none that the net was trained on; leave it out with --drop'),
        ("a,b,kind\n1,2,rose\n", r"y has the class rose, but those of the training data are setosa, versicolor"),
        ("1,2,3,setosa\n", r"the table has 4 columns, but that which the net was trained on 3 with its target"),
    ],
)
def test_columns_that_do_not_match(tmp_path: Path, text: str, message: str) -> None:
    about = load_data(csv(tmp_path, HEAD + IRIS)).about
    with pytest.raises(InvalidValue, match=message):
        load_inputs(csv(tmp_path, text), 2, about)
