"""Tables of pandas, Polars and PyArrow, and parquet files: what is taken of their columns."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from gpufa.basics.errors import FileProblem, InvalidValue
from gpufa.data.datasets import load_data, load_inputs
from gpufa.data.handed import samples_of, validate
from gpufa.data.samples.about import Wanted
from gpufa.data.tables.frames import Frame, frame_of

N = 20
RNG = np.random.default_rng(3)
WIDTH, LENGTH = RNG.normal(size=(2, N))
KIND = np.array(["b", "a", "c", "a"])[np.arange(N) % 4]
PLAIN: dict[str, Any] = {"width": WIDTH, "kind": KIND, "length": LENGTH}
LIBRARIES = "pandas", "polars", "pyarrow"


@pytest.fixture(params=LIBRARIES)
def make(request: pytest.FixtureRequest) -> Any:
    """What makes a table of columns."""
    library = pytest.importorskip(request.param)
    return library.table if request.param == "pyarrow" else library.DataFrame


def test_a_table_with_its_target(make: Any) -> None:
    data = load_data(make(PLAIN), target="kind", test_fraction=0.25)
    assert (len(data.x_train), len(data.x_test)) == (15, 5)
    assert data.about.sentence(3, 2, 15, 5) == 'target: column "kind" (3 classes: a, b, c); 2 features; 15 + 5 samples'
    assert (data.about.columns, data.about.features) == (("width", "kind", "length"), ("width", "length"))
    rows = np.concatenate([data.x_train, data.x_test])
    assert_array_equal(np.sort(rows, axis=0), np.sort(np.c_[WIDTH, LENGTH], axis=0))
    kept = load_data(make(PLAIN), target="kind", drop="width")
    assert kept.about.features == ("length",)
    assert load_data(make(PLAIN), target="kind", features=["length", "width"]).about.features == ("length", "width")


def test_x_as_a_table_and_y_as_a_column(make: Any) -> None:
    x, y = make({"width": WIDTH, "length": LENGTH}), make(PLAIN)["kind"]
    back = make({"length": LENGTH[:6], "width": WIDTH[:6]})  # in another order
    for given in (x, y, back, y[:6]), {"x_train": x, "y_train": y, "x_test": back, "y_test": KIND[:6]}:
        data = validate(given)
        assert_array_equal(data.x_train, np.c_[WIDTH, LENGTH])
        assert_array_equal(data.x_test, data.x_train[:6])
        assert_array_equal(data.y_test, data.y_train[:6])
        assert (data.about.classes, data.about.features) == (("a", "b", "c"), ("width", "length"))
    assert validate((x, y)).about.target in (("kind",), ())  # a column of PyArrow has no name
    assert validate((np.c_[WIDTH, LENGTH], y)).about.classes == ("a", "b", "c")
    assert validate((x, make({"p": WIDTH, "q": LENGTH}))).y_train.shape == (16, 2)


def test_tables_in_a_dict_by_flags(make: Any) -> None:
    given = {"sizes": make({"width": WIDTH, "length": LENGTH}), "sort": KIND, "x": make(PLAIN)}
    data = validate(given, Wanted(target=("sort",), features=("sizes",)))
    assert (data.about.features, data.about.classes) == (("width", "length"), ("a", "b", "c"))
    assert validate(given, Wanted(target=("sort",), features=("sizes",), drop=("width",))).x_train.shape == (16, 1)


def test_whole_tables_as_both_parts(make: Any) -> None:
    data = validate({"x_train": make(PLAIN), "x_test": make(PLAIN)}, Wanted(target=("1",)))
    assert data.about.target == ("kind",)
    assert_array_equal(data.y_train, data.y_test)


def test_columns_of_other_types() -> None:
    pd = pytest.importorskip("pandas")
    x = {"b": np.arange(N) % 3 == 0, "u": np.arange(N, dtype=np.uint8)[::-1] // 2}
    assert load_data((pd.DataFrame(x), KIND)).x_train.dtype == np.uint8
    stamps = pd.DataFrame({"t": 1700000000 + 7 * np.arange(N), "n": pd.array([1, 0] * 10, dtype="Int64"), "y": KIND})
    assert_array_equal(np.ptp(np.concatenate(load_data(stamps)[::2]), axis=0), [7 * (N - 1), 1])
    nullable = pd.DataFrame({"a": WIDTH, "label": pd.array([True, False] * 10, dtype="boolean")})
    assert load_data(nullable).about.classes == ("False", "True")


def test_classes_are_sorted_whatever_the_order_of_their_category() -> None:
    """So that they have the same numbers as in a CSV file; a category without rows is no class."""
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    order = ["c", "b", "unused", "a"]
    ordered = pd.DataFrame({"a": WIDTH, "label": pd.Categorical(KIND, order, ordered=True)})
    enum = pl.DataFrame({"a": WIDTH, "label": pl.Series(KIND, dtype=pl.Enum(order))})
    numbers = pd.DataFrame({"a": WIDTH, "label": pd.Categorical(np.arange(N) % 3 + 1, ordered=True)})
    for table, classes in (ordered, tuple("abc")), (enum, tuple("abc")), (numbers, ("1", "2", "3")):
        assert load_data(table).about.classes == classes


@pytest.mark.parametrize(
    ("columns", "settings", "message"),
    [
        (
            {"a": WIDTH, "t": KIND, "label": KIND},
            {},
            r'column "t" is text \(String\), and numbers are needed',
        ),
        (
            {"d": np.arange(N).astype("M8[us]"), "label": KIND},
            {},
            r'column "d" is of type Datetime.*neither numbers',
        ),
        ({"a": WIDTH, "label": np.arange(N).astype("m8[us]")}, {}, r'column "label" is of type Duration'),
        ({"a": WIDTH, "label": KIND, "y": KIND}, {}, r'columns "label" and "y" could both be the target'),
        ({"a": WIDTH, "n": np.arange(N), "label": KIND}, {}, r'column "n" numbers the rows from 0 to 19'),
        ({"Unnamed: 0": WIDTH, "label": KIND}, {}, r"column 0 \(counted from 0\) has no name"),
        ({"a": WIDTH, "__index_level_0__": WIDTH, "label": KIND}, {}, r"column 1 \(counted from 0\) has no name"),
        ({"a": WIDTH, "label": KIND}, {"target": "b"}, r"there is no column 'b'; the columns are a, label"),
        ({"a": WIDTH, "k": KIND, "l": WIDTH}, {"target": ("k", "l")}, r"one of the targets is text, such as 'b'"),
        ({"a": WIDTH, "label": KIND}, {"test_fraction": 2}, r"the fraction 2 of the samples can't be held out"),
    ],
)
def test_refusals_of_columns(make: Any, columns: Any, settings: Any, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        load_data(make(columns), **settings)


def test_refusals_of_tables() -> None:
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    objects = pd.DataFrame({"a": WIDTH, "o": [{}, 1] * 10, "label": KIND})
    both = pd.DataFrame([[1.0, 2.0]] * N, columns=["a", "a"])
    for table, message in (
        (objects, r'column "o" is of type Object'),
        (both, r"the table can't be used \(.*\); give each column a name of its own"),
        (pl.DataFrame(PLAIN).lazy(), r"the table is a lazy one.*collect\(\)"),
        ((pd.DataFrame({"a": WIDTH}), KIND, WIDTH[:, None], KIND), r"x_train is a table, but x_test a ndarray"),
        ((pd.DataFrame({"a": WIDTH}), KIND, pd.DataFrame({"b": WIDTH}), KIND), r"there is no column a"),
        ((pd.DataFrame({"a": WIDTH}), KIND[:5]), r"x has 20 samples, but y 5"),
        (pd.DataFrame({"a": WIDTH, "label": KIND})[:0], r"the table has no rows; give one per sample"),
    ):
        with pytest.raises(InvalidValue, match=message):
            validate(table)


def test_a_table_to_predict_from(make: Any) -> None:
    about = load_data(make(PLAIN), target="kind").about
    x, y = samples_of(make({"length": LENGTH, "kind": KIND, "width": WIDTH}), about, 2) or (None, None)
    assert_array_equal(x, np.c_[WIDTH, LENGTH])
    assert_array_equal(y, [1, 0, 2, 0] * 5)
    x, y = samples_of(make({"length": LENGTH, "width": WIDTH}), about, 2) or (None, None)
    assert y is None
    with pytest.raises(InvalidValue, match=r"there is no column width, which the net was trained on"):
        samples_of(make({"length": LENGTH}), about, 2)
    with pytest.raises(InvalidValue, match=r'column "id" is none that the net was trained on'):
        samples_of(make(PLAIN | {"id": WIDTH}), about, 2)
    assert samples_of(np.c_[WIDTH, LENGTH], about, 2) is None


def test_a_table_of_targets_alone() -> None:
    table = pytest.importorskip("pandas").DataFrame({"label": [0, 1] * 9})
    for wanted in {}, {"missing": "drop"}:
        with pytest.raises(InvalidValue, match=r"no column is left to learn from; name some with --features, or fewer"):
            load_data(table, **wanted)


def test_what_is_no_table() -> None:
    for value in None, X_LIST, np.eye(2), {"a": 1}, object(), 3:
        assert frame_of(value) is None
    pd = pytest.importorskip("pandas")
    assert frame_of(pd.Series([1])) is None
    assert isinstance(frame_of(pd.DataFrame({0: [1]})), Frame)
    assert frame_of(pd.DataFrame({0: [1]})).names == ("0",)


X_LIST = [[1, 2], [3, 4]]


def test_narwhals_waits_for_a_table() -> None:
    code = "import sys, gpufa; gpufa.load_data(([[1., 2], [2, 1]] * 9, [0, 1] * 9)); print('narwhals' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


# Parquet files


def parquet(path: Path, **columns: Any) -> Path:
    library = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet").write_table(library.table(columns), path)
    return path


def test_parquet_files(tmp_path: Path) -> None:
    path = parquet(tmp_path / "Table.PARQUET", **PLAIN)
    data = load_data(path, target="kind")
    assert data.about.sentence(3, 2, 16, 4) == 'target: column "kind" (3 classes: a, b, c); 2 features; 16 + 4 samples'
    x, y = load_inputs(parquet(tmp_path / "new.parquet", length=LENGTH, width=WIDTH), 2, data.about)
    assert_array_equal(x, np.c_[WIDTH, LENGTH])
    assert y is None
    parquet(path, a=[1.0, None] * 10, label=KIND)
    with pytest.raises(InvalidValue, match=r'Table.PARQUET: row 1 \(counted from 0\): column "a" has no value'):
        load_data(path)
    assert load_data(path, missing="drop").about.dropped == 10


def test_parquet_files_of_no_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = parquet(tmp_path / "data.parquet", **PLAIN)
    raw = path.read_bytes()
    for damaged in b"", b"nonsense", raw[: len(raw) // 2]:
        path.write_bytes(damaged)
        with pytest.raises(FileProblem, match=r"data.parquet can't be read \(.+\); write its table anew"):
            load_data(path)
    with pytest.raises(FileProblem, match=r"there is no file"):
        load_data(tmp_path / "none.parquet")
    with pytest.raises(FileProblem, match=r"data.parquet has no rows of columns"):
        load_data(parquet(path, a=[]))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(FileProblem, match=r"PyArrow, which is not installed; pip install 'gpufa\[parquet\]', or save"):
        load_data(path)
