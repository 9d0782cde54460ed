"""Missing values: told with their row and column, filled in, or their rows left out."""

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
from gpufa.data.tables.missing import CELLS, Filling, fit_filling

NAN = np.nan
N = 20
A, B = np.random.default_rng(4).normal(size=(2, N)).round(3)
KIND = np.array(["no", "yes"])[np.arange(N) % 2]
HOLES = A.copy()
HOLES[[3, 7]] = NAN


def text(a: Any = HOLES, kind: Any = KIND, gap: str = "") -> str:
    cells = [gap if v != v else str(v) for v in a]
    return "a,b,kind\n" + "".join(f"{v},{b},{k}\n" for v, b, k in zip(cells, B, kind, strict=True))


@pytest.mark.parametrize("gap", [*CELLS, "NA", " NaN ", "NULL", "N/A"])
def test_cells_without_a_value(tmp_path: Path, gap: str) -> None:
    path = csv(tmp_path, text(gap=gap))
    told = r"line 5: .*--missing mean or median, .* --missing drop"
    with pytest.raises((FileProblem, InvalidValue), match=told):
        load_data(path)
    data = load_data(path, missing="mean")
    assert np.isnan(np.concatenate([data.x_train, data.x_test])).sum() == 2
    assert data.about.missing == "mean"
    dropped = load_data(path, missing="drop")
    assert (len(dropped.x_train) + len(dropped.x_test), dropped.about.dropped) == (18, 2)
    assert dropped.about.sentence(2, 2, 14, 4).endswith("14 + 4 samples; 2 left out for missing values")
    assert data.about.sentence(2, 2, 16, 4).endswith("; missing values filled in by the mean")


@pytest.mark.parametrize("gap", ["", "NA", "?"])
@pytest.mark.parametrize("at", [0, 4])
def test_missing_targets_are_refused_or_dropped(tmp_path: Path, gap: str, at: int) -> None:
    for kind in KIND.astype(object), np.arange(N) % 2, B:
        target = list(kind)
        target[at] = gap
        path = csv(tmp_path, text(A, target))
        for missing in None, "mean", "median":
            with pytest.raises((FileProblem, InvalidValue), match=rf"line {at + 2}.*--missing drop"):
                load_data(path, missing=missing)
        assert load_data(path, missing="drop").about.dropped == 1


def test_a_class_may_be_called_so(tmp_path: Path) -> None:
    kind = np.where(KIND == "no", "NA", "EU")
    assert load_data(csv(tmp_path, text(A, kind)), task="classification").about.classes == ("EU", "NA")


def test_arrays_and_files_of_them(tmp_path: Path) -> None:
    x, y = np.c_[HOLES, B], np.arange(N) % 2
    for suffix in ".npz", ".h5":
        path = write(tmp_path / f"data{suffix}", x=x, y=y)
        with pytest.raises(InvalidValue, match=r"x has a NaN or infinite value, first in row 3, column 0 .*--missing"):
            load_data(path)
        assert load_data(path, missing="drop").about.dropped == 2
        about = load_data(path, missing="median").about
        found, _ = load_inputs(path, 2, about)
        assert_array_equal(found, x)
    assert validate((x, y, x, y), Wanted(missing="drop")).about.dropped == 4
    assert validate((x.astype(np.float32), y), Wanted(missing="mean")).x_train.dtype == np.float32
    labels = np.where(np.arange(N) == 5, NAN, y)
    with pytest.raises(InvalidValue, match=r"y has a NaN or infinite value, first in row 5 \(counted from 0\)"):
        validate((x, labels), Wanted(missing="mean"))
    assert validate((x, labels), Wanted(missing="drop")).about.dropped == 3
    assert validate((x, np.c_[labels, B]), Wanted(missing="drop")).about.dropped == 3
    with pytest.raises(InvalidValue, match=r"every row of x has a missing value"):
        validate((np.c_[B, np.full(N, NAN)], y), Wanted(missing="drop"))
    with pytest.raises(InvalidValue, match=r"x has 20 samples, but y 19"):
        validate((x, y[1:]), Wanted(missing="drop"))
    x[4, 1] = np.inf
    with pytest.raises(InvalidValue, match=r"x has an infinite value, first in row 4, column 1"):
        validate((x, y), Wanted(missing="mean"))


def test_tables() -> None:
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame({"a": HOLES, "b": pd.array([None, *B[1:]], dtype="Float64"), "kind": KIND})
    with pytest.raises(InvalidValue, match=r'row 0 \(counted from 0\): column "b" has no value; fill such in'):
        load_data(table)
    assert load_data(table, missing="drop").about.dropped == 3
    table.loc[2, "kind"] = None
    with pytest.raises(InvalidValue, match=r'row 2 .*: column "kind", the target, has no value;.*--missing drop'):
        load_data(table, missing="mean")
    assert load_data(table, missing="drop").about.dropped == 4


def test_rows_to_predict_from(tmp_path: Path) -> None:
    whole, holes = csv(tmp_path, text(A)), tmp_path / "new.csv"
    holes.write_text("a,b\n1,2\n,3\n")
    for about in load_data(whole).about, load_data(whole, missing="drop").about:
        with pytest.raises((FileProblem, InvalidValue), match=r"line 3.*"):
            load_inputs(holes, 2, about)
    holes.write_text("a,b\n1,2\nnan,3\n")
    with pytest.raises(InvalidValue, match=r'line 3: column "a" has no value; the net was not trained to fill it in'):
        load_inputs(holes, 2, load_data(whole).about)
    holes.write_text("a,b\n1,2\n,3\n")
    x, _ = load_inputs(holes, 2, load_data(whole, missing="mean").about)
    assert_array_equal(x, [[1, 2], [NAN, 3]])
    holes.write_text("a,b,kind\n1,2,no\n1,3,\n")
    with pytest.raises((FileProblem, InvalidValue), match=r"line 3"):
        load_inputs(holes, 2, load_data(whole, missing="mean").about)


@pytest.mark.parametrize(("name", "by_hand"), [("mean", [2.5, 7.0]), ("median", [1.0, 7.0])])
def test_what_gaps_are_filled_in_with(name: str, by_hand: list[float]) -> None:
    x = np.array([[1, NAN], [1, 7], [8, 7], [NAN, 7], [0, NAN]], np.float32)
    filling = fit_filling(name, x)
    assert_array_equal(filling.value, by_hand)
    filled = filling.apply(x)
    assert filled.dtype == np.float64
    assert_array_equal(filled, np.where(np.isnan(x), by_hand, x))
    assert np.isnan(x).sum() == 3  # as it was


def test_sums_are_those_of_float64() -> None:
    x = np.full((1000, 1), 2**24 + 2, np.float32)
    assert fit_filling("mean", x).value == 2**24 + 2
    assert fit_filling("median", np.array([[2**24], [2**24 + 2]], np.float32)).value == 2**24 + 1


@pytest.mark.parametrize(("names", "called"), [(None, r"1 \(counted from 0\)"), (("a", "b"), '"b"')])
def test_a_feature_without_any_value(names: Any, called: str) -> None:
    with pytest.raises(InvalidValue, match=rf"column {called} has no value in any training sample; leave it out"):
        fit_filling("mean", np.array([[1, NAN], [2, NAN]]), names)


def test_a_filling_of_each_feature_its_own() -> None:
    assert_array_equal(Filling(np.array([5.0, 6])).apply(np.array([[NAN, NAN], [1, NAN]])), [[5, 6], [1, 6]])


def test_settings_of_missing() -> None:
    with pytest.raises(InvalidValue, match=r"unknown missing 'zero'; choose one of mean, median, drop"):
        load_data("digits", missing="zero")
    with pytest.raises(InvalidValue, match=r"digits is a set for classification.*leave --missing out"):
        load_data("digits", missing="mean")


@pytest.mark.parametrize("task", [None, "regression"])
def test_bools_stay_bools_where_some_are_missing(tmp_path: Path, task: str | None) -> None:
    """As their classes are called, and as amounts."""
    cells = [None if i in (3, 7) else bool(i % 2) for i in range(N)]
    given: list[Any] = [csv(tmp_path, text(A, ["" if cell is None else str(cell).lower() for cell in cells]))]
    if pd := pytest.importorskip("pandas"):
        given.append(pd.DataFrame({"a": A, "label": pd.array(cells, dtype="boolean")}))
    if pl := pytest.importorskip("polars"):
        given.append(pl.DataFrame({"a": A, "flag": [bool(i % 3) or None for i in range(N)], "label": cells}))
    for one, rows in zip(given, (N - 2, N - 2, 12), strict=True):
        data = load_data(one, missing="drop", task=task)
        assert len(data.x_train) + len(data.x_test) == rows
        assert data.about.classes == (None if task else ("False", "True"))
        assert data.y_train.dtype == (np.float32 if task else np.int64)
        assert set(data.y_train.ravel()) == {0, 1}
