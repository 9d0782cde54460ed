"""The checks of arrays, and splits."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from gpufa.basics.errors import InvalidValue
from gpufa.data.handed import validate
from gpufa.data.samples.data import Data
from gpufa.data.samples.splits import split

RNG = np.random.default_rng(5)
X = RNG.normal(size=(20, 3)).astype(np.float32)
LABELS = np.arange(20) % 4
GOOD = Data(X, LABELS, X[:5], LABELS[:5])


def test_validate_makes_the_types_uniform() -> None:
    data = validate((X.astype(np.float64), [0, 1] * 10, X.astype(">f8")[:2], np.array([True, False])))
    assert [a.dtype for a in data] == [np.float64, np.int64, np.float64, np.int64]
    data = validate([X.astype(np.float16), X[:, 0], np.arange(6, dtype=np.int8).reshape(2, 3), X[:2, :1].astype(float)])
    assert [a.dtype for a in data] == [np.float32, np.float32, np.float32, np.float64]
    assert (data.y_train.shape, data.y_test.shape) == ((20, 1), (2, 1))
    data = validate(GOOD._replace(x_train=np.asfortranarray(X)))
    assert data.x_train.flags.c_contiguous
    assert_array_equal(data.x_train, X)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        *((kind, "f4") for kind in ("bool", "i1", "u2", "f2", "f4")),
        *((kind, "f8") for kind in ("i4", "u4", "i8", "u8", "f8", np.longdouble)),
        ("u1", "u1"),
    ],
    ids=str,
)
def test_numbers_keep_their_digits(given: str, kept: str) -> None:
    x = np.array([[1, 0], [1, 1]]).astype(given)
    if kept == "f8":
        x[0, 0] = 2**24 + 1
    data = validate([x, [0, 1], x, [0, 1]])
    assert data.x_train.dtype == kept
    assert_array_equal(data.x_train, x)


def spoiled(array: np.ndarray, value: float) -> np.ndarray:
    array = array.astype(np.float32)
    array[3:] = value
    return array


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"x_train": spoiled(X, np.nan)},
            r"x_train has a NaN or infinite value, first in row 3, column 0 \(",
        ),
        ({"x_test": spoiled(X[:5], -np.inf)}, r"x_test has a NaN or infinite value, first in row 3"),
        ({"y_train": spoiled(LABELS, np.inf)}, r"y_train has a NaN or infinite value, first in row 3"),
        ({"x_train": X[:0]}, r"x_train is empty \(shape \(0, 3\)\)"),
        ({"x_test": X[:5, :0]}, r"x_test is empty \(shape \(5, 0\)\)"),
        ({"y_test": []}, r"y_test is empty"),
        ({"x_train": X[:, 0]}, r"x_train has the shape \(20,\); give \(samples, features\)"),
        ({"x_train": X[:19]}, r"x_train has 19 samples, but y_train 20; give one target per sample"),
        ({"y_test": LABELS[:4]}, r"x_test has 5 samples, but y_test 4"),
        ({"x_test": X[:5, :2]}, r"x_test has 2 features, but x_train 3"),
        ({"y_train": LABELS - 1}, r"y_test has the class 3, but those of y_train are -1, 0, 1, 2; give training"),
        (
            {"y_train": LABELS % 2},
            r"y_test has the class 2, but those of y_train are 0, 1; give training samples of every class",
        ),
        (
            {"y_train": np.eye(20, dtype=int)},
            r"y_train is int64 of the shape \(20, 20\); give integer labels",
        ),
        ({"y_train": 3}, r"y_train is int64 of the shape \(\); give integer labels \(samples,\) or floats"),
        ({"y_train": 0.5}, r"y_train is float64 of the shape \(\); give integer labels"),
        ({"y_test": X[:5, 0]}, r"y_train has labels, but y_test real targets; give both"),
        ({"y_train": X, "y_test": X[:5, :2]}, r"y_test has 2 outputs, but y_train 3"),
        ({"y_train": np.array(["a"] * 20)}, r"y_train has one class, a, only: nothing can be learned"),
        ({"y_train": np.array([None] * 20)}, r"y_train is of dtype object; give real numbers"),
        ({"y_train": None}, r"y_train is of dtype object; give real numbers"),
        ({"y_test": None}, r"y_test is of dtype object; give real numbers"),
        (
            {"x_train": np.ma.masked_less(X, 0)},
            r"x_train has masked values; give NaN in their place, as x_train.filled",
        ),
        ({"y_train": np.ma.masked_equal(LABELS, 0)}, r"y_train has masked values"),
        (
            {"y_train": np.ma.zeros(len(X), [("one", bool), ("two", bool)])},
            r"y_train is of dtype \[\('one', '\?'\), \('two', '\?'\)\]; give",
        ),
        ({"x_train": X * 1j}, r"x_train is of dtype complex64; give real numbers"),
        (
            {"x_train": [[1, 2], [3]]},
            r"x_train can't be made a NumPy array \(.+\); give numbers on the host, in rows of one length",
        ),
    ],
)
def test_validate_refuses(change: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        validate(GOOD._replace(**change))


@pytest.mark.parametrize(("data", "got"), [(GOOD[:3], "3 of them"), (None, "a NoneType"), (X, "a ndarray")])
def test_validate_wants_arrays_in_one_of_its_forms(data: object, got: str) -> None:
    with pytest.raises(InvalidValue, match=rf"data must be \(x, y\), \(x_train, .*or a table .*; got {got}"):
        validate(data)


# Splits


@pytest.mark.parametrize("fraction", [0.1, 0.25, 1 / 3, 0.9])
@pytest.mark.parametrize("counts", [(10, 10, 10), (50, 3, 7), (2,) * 30, (1, 1, 40)])
def test_split_by_class(counts: tuple[int, ...], fraction: float) -> None:
    labels = RNG.permutation(np.repeat(np.arange(len(counts)), counts))
    kept, held = split(labels, fraction, key=3)
    assert_array_equal(np.sort(np.concatenate([kept, held])), np.arange(len(labels)))
    assert (np.diff(kept) > 0).all()
    assert (np.diff(held) > 0).all()
    assert len(held) == min(round(fraction * len(labels)), len(labels) - len(counts))
    in_kept = np.bincount(labels[kept], minlength=len(counts))
    assert (in_kept > 0).all()
    if fraction < 0.5:
        assert (abs(in_kept - (1 - fraction) * np.array(counts)) <= 2).all()


@pytest.mark.parametrize("y", [np.arange(1000) % 10, np.linspace(0, 1, 1000)[:, None]])
def test_split_is_random_but_fixed_by_key(y: np.ndarray) -> None:
    kept, held = split(y, 0.2, key=1)
    again, other = split(y, 0.2, key=1)[1], split(y, 0.2, key=2)[1]
    assert (len(kept), len(held)) == (800, 200)
    assert_array_equal(held, again)
    assert 20 < len(np.intersect1d(held, other)) < 60  # 40 expected
    assert abs(held.mean() - 500) < 80  # from all over: the mean's deviation is 18


def test_split_is_the_same_on_every_machine() -> None:
    assert_array_equal(split(np.arange(20) % 2, 0.3, key=1)[1], [1, 8, 9, 13, 14, 18])
    assert_array_equal(split(np.zeros((20, 1)), 0.3, key=1)[1], [2, 4, 10, 16, 17, 18])


def test_split_that_holds_out_none() -> None:
    for y in np.zeros(3, int), np.arange(30), np.zeros((4, 2)):
        with pytest.raises(
            InvalidValue, match=rf"a fraction of 0.1 of these {len(y)} samples holds out none; give more"
        ):
            split(y, 0.1, key=0)
