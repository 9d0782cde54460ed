"""Weights of samples in tables, parquet files, dicts and beside arrays, and of samples that are left out."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datafilelab import csv, write
from numpy.testing import assert_array_equal

from gpufa.basics.errors import InvalidValue
from gpufa.data.datasets import load_data, load_inputs
from gpufa.data.handed import validate
from gpufa.data.samples.about import Wanted
from gpufa.data.samples.data import Data

N = 20
A, B = np.random.default_rng(6).normal(size=(2, N)).round(3)
X = np.c_[A, B]
KIND = np.array(["no", "yes"])[np.arange(N) % 2]
W = np.arange(N) + 0.5
HOLES = np.where(np.isin(np.arange(N), (3, 7)), np.nan, A)
NO_WEIGHT = np.where(np.arange(N) == 5, np.nan, W)


def of_rows(x: Any) -> Any:
    """The weights of samples, known by their second feature, which has no gaps."""
    return W[[np.flatnonzero(b == B)[0] for b in x[:, 1]]]


def right(data: Data, called: Any, rows: int = N) -> None:
    """Each training sample has its own weight, and the test part, where one was split off, has none."""
    assert len(data.x_train) + len(data.x_test) == rows
    assert data.weights is not None
    assert_array_equal(data.weights, of_rows(data.x_train))
    assert data.about is not None
    assert data.about.weights == called
    assert data.x_train.shape[1] == 2


@pytest.fixture(params=["pandas", "polars", "pyarrow"])
def make(request: pytest.FixtureRequest) -> Any:
    library = pytest.importorskip(request.param)
    return library.table if request.param == "pyarrow" else library.DataFrame


def test_a_column_of_a_table(make: Any) -> None:
    columns = {"w": W, "a": A, "kind": KIND, "b": B}
    data = load_data(make(columns), target="kind", sample_weights="w")
    right(data, "w")
    said = '(2 classes: no, yes); 2 features; 16 + 4 samples; sample weights: column "w"'
    assert data.about.sentence(2, 2, 16, 4).endswith(said)
    wanted = Wanted(sample_weights="w")
    x, back = make({"w": W, "a": A, "b": B}), make({"b": B[:6], "a": A[:6], "w": W[:6]})
    right(validate((x, KIND), wanted), "w")
    for given in back, make({"b": B[:6], "a": A[:6]}):  # a test part needs no weights
        right(validate((x, KIND, given, KIND[:6]), wanted), "w", N + 6)


def test_weights_beside_a_table(make: Any) -> None:
    x, y = make({"a": A, "b": B}), make({"kind": KIND})
    for data in (x, y), make({"a": A, "b": B, "label": KIND}):
        found = validate(data, weights=W)
        right(found, "sample_weights")
        assert found.about.sentence(2, 2, 16, 4).endswith("; sample weights: array 'sample_weights'")
    right(validate((x, KIND, x, KIND), weights=list(W)), "sample_weights", 2 * N)


def test_weights_of_arrays() -> None:
    for given in (X, KIND), {"x": X, "y": KIND}, {"x": X, "y": KIND, "w": W}:
        right(validate(given, weights=W), "sample_weights")
    wanted = Wanted(sample_weights="w")
    right(validate({"data": X, "labels": KIND, "w": W}, wanted), "w")
    right(validate({"y": W, "x": X, "labels": KIND}, Wanted(sample_weights="y")), "y")  # and so not the target
    parted = {"x_train": X, "y_train": KIND, "x_test": X[:6], "y_test": KIND[:6]}
    for name in "w", "w_train", "Train_W":
        right(validate(parted | {name: W, "w_test": W[:6]}, wanted), "w", N + 6)
    read = validate((X, KIND), weights=W)
    right(validate(read), "sample_weights")
    right(validate({"x": X, "y": KIND, "w": W}, wanted), "w")
    doubled = validate(read, weights=2 * read.weights)  # what is handed in is what counts
    assert_array_equal(doubled.weights, 2 * of_rows(read.x_train))


def test_weights_in_a_dict_of_tables() -> None:
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame({"a": A, "b": B})
    right(validate({"x": table, "y": KIND, "w": pd.Series(W)}, Wanted(sample_weights="w")), "w")


@pytest.mark.parametrize("ending", ["csv", "parquet", "npz", "h5"])
def test_samples_without_a_value_are_left_out_with_their_weights(tmp_path: Path, ending: str) -> None:
    """And so are those without a weight."""
    for weights, rows in (W, N - 2), (NO_WEIGHT, N - 3):
        if ending == "csv":
            text = "".join(f"{a},{b},{w},{k}\n" for a, b, w, k in zip(HOLES, B, weights, KIND, strict=True))
            path = csv(tmp_path, "a,b,w,kind\n" + text.replace("nan", ""))
        elif ending == "parquet":
            library, path = pytest.importorskip("pyarrow"), tmp_path / "data.parquet"
            table = library.table({"a": HOLES, "b": B, "w": weights, "kind": KIND})
            pytest.importorskip("pyarrow.parquet").write_table(table, path)
        else:
            path = write(tmp_path / f"data.{ending}", x=np.c_[HOLES, B], y=np.arange(N) % 2, w=weights)
        data = load_data(path, sample_weights="w", missing="drop")
        right(data, "w", rows)
        assert data.about is not None
        assert data.about.dropped == N - rows
        assert "left out for missing values; sample weights:" in data.about.sentence(2, 2, 14, 4)
    with pytest.raises(InvalidValue, match=r"sample weights w have nan in row 5 \(counted from 0\)"):
        load_data(path, sample_weights="w", missing="mean")


def test_those_of_arrays_are_left_out_too() -> None:
    drop = Wanted(missing="drop")
    x = np.c_[HOLES, B]
    right(validate((x, KIND), drop, weights=W), "sample_weights", N - 2)
    right(validate((x, KIND, x[:6], KIND[:6]), drop, weights=NO_WEIGHT), "sample_weights", N - 3 + 5)
    read = validate((x, KIND), Wanted(missing="mean"), weights=W)
    right(validate(read, drop), "sample_weights", N - 2)
    bad = np.where(np.arange(N) == 9, -1, NO_WEIGHT)  # told by its row among all of them
    with pytest.raises(InvalidValue, match=r"sample_weights have -1 in row 9 \(counted from 0\)"):
        validate((x, KIND), drop, weights=bad)


def test_a_column_of_weights_is_not_needed_to_predict(tmp_path: Path) -> None:
    arrays = write(tmp_path / "data.npz", x=X, label=KIND == "yes", targets=W)
    data = load_data(arrays, sample_weights="targets")
    right(data, "targets")
    x, y = load_inputs(arrays, 2, data.about)
    assert_array_equal(x, X)
    assert_array_equal(y, KIND == "yes")


@pytest.mark.parametrize(
    ("given", "wanted", "weights", "told"),
    [
        ((X, KIND), {"sample_weights": "w"}, None, r"sample_weights = 'w' is for files and tables"),
        (
            (X, KIND),
            {"sample_weights": "w"},
            W,
            r"sample_weights are handed in, and the settings name 'w' for them",
        ),
        (
            (X, KIND),
            {},
            W[1:],
            r"sample_weights have the shape \(19,\); give one for each of 20 samples",
        ),
        ({"x": X, "y": KIND}, {"sample_weights": "w"}, None, r"no array 'w' of sample weights among x \(20, 2\).*, y"),
        (
            {"x": X, "y": KIND, "w": W},
            {"sample_weights": "w", "target": ("w",)},
            None,
            r"the array 'w' is named by --target and by --sample-weights; leave it out of one of them",
        ),
        (
            {"x": X, "y": KIND, "w": W},
            {"sample_weights": "w", "features": ("w",)},
            None,
            r"the array 'w' is named by --features and by --sample-weights",
        ),
        (
            {"x": X, "y": KIND, "w": W, "W": 2 * W},
            {"sample_weights": "w"},
            None,
            r"arrays 'W' and 'w' could both be the weights; name one with --sample-weights",
        ),
    ],
)
def test_refusals(given: Any, wanted: Any, weights: Any, told: str) -> None:
    with pytest.raises(InvalidValue, match=told):
        validate(given, Wanted(**wanted), weights=weights)


def test_refusals_of_columns(make: Any) -> None:
    with pytest.raises(InvalidValue, match=r'column "w" is text \(.*\), and numbers are needed'):
        load_data(make({"a": A, "w": KIND, "label": KIND}), sample_weights="w")
    with pytest.raises(InvalidValue, match=r"sample weights w have nan in row 5 \(counted from 0\)"):
        load_data(make({"a": A, "w": NO_WEIGHT, "label": KIND}), sample_weights="w")
