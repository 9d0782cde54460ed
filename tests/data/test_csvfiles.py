"""The user's own CSV files: labels, targets, and what is wrong with a line."""

from pathlib import Path

import numpy as np
import pytest
from datafilelab import csv
from numpy.testing import assert_array_equal

from gpufa.basics.errors import FileProblem, InvalidValue
from gpufa.data.datasets import load_data

# CSV


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
        "0, Label ,b\n1,0,2\n3,1,4\n5,0,6\n7,1,8\n",
        "1.0,2.0,0.0\n3,4,1\n5,6,0\n7,8,1\n",
    ],
)
def test_csv_labels(tmp_path: Path, text: str) -> None:
    data = load_data(csv(tmp_path, text), test_fraction=0.5)
    assert data.y_train.dtype == np.int64
    assert data.x_train.dtype == np.float64
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
    assert data.y_train.dtype == np.float64
    assert (data.y_train.shape, data.y_test.shape) == ((3, 1), (1, 1))
    assert_array_equal(data.y_train, data.x_train / 2)


def test_csv_whole_targets_that_are_not_labels(tmp_path: Path) -> None:
    data = load_data(csv(tmp_path, "y,a\n-2,1\n4,2\n6,3\n8,4\n"), task="regression")
    assert data.y_train.shape == (3, 1)
    huge = "".join(f"{i},{2**24 + i}\n" for i in range(4))
    assert load_data(csv(tmp_path, huge), task="regression").y_train.shape == (3, 1)


def test_a_quote_that_is_not_closed_loses_no_rows(tmp_path: Path) -> None:
    text = 'a,note,label\n1,x,0\n2,"5 pipe,1\n3,y,0\n4,"6 pipe,1\n5,z,0\n'
    with pytest.raises(FileProblem, match=r"table.csv, line 3: a quote takes in lines below it"):
        load_data(csv(tmp_path, text), drop=["note"])
    found = load_data(csv(tmp_path, 'a,note,label\n1,5" pipe,0\n2,"b" ,1\n3,"c",0\n4,6" pipe,1\n'), drop=["note"])
    assert len(found.x_train) + len(found.x_test) == 4


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_quotes_may_hold_line_breaks(tmp_path: Path, mark: str, end: str) -> None:
    rows = ['"first\ncolumn",note,label', '1,"in\ntwo, or\nthree",no', '2,"one ""quoted""\n",yes', "", "3,,no"]
    found = load_data(
        csv(tmp_path, end.join([row.replace("\n", end).replace(",", mark) for row in rows])), drop=["note"]
    )
    assert found.about.features == ("first column",)
    rows = zip((*found.x_train[:, 0], *found.x_test[:, 0]), (*found.y_train, *found.y_test), strict=True)
    assert sorted(rows) == [(1, 0), (2, 1), (3, 0)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"has no rows of numbers"),
        ("\n\n", r"has no rows of numbers"),
        ("a,b,label\n", r"has no rows of numbers"),
        ("1,2,0\n3,x,1\n", r"line 2: 'x' in column 2 is not a number"),
        ("a,b\n\n1,2\n3,\n", r"line 4: '' in column 2 is not a number"),
        ("1,2,0\n3,,1\n", r"line 2: '' in column 2 is not a number; fill .* with --drop 1"),
        ("a,big one,label\n3,,1\n4,1,0\n", r"line 2: '' in column 2 is not a number; .* column with --drop 'big one'"),
        ("a,b,label\nred,1,1\nblue,1,0\n", r"line 2: 'red' in column 1 is not a number; .* with --drop a"),
        ("1,2,0\n\n3,4\n", r"line 3: 2 cells, but 3 in the lines before"),
        ("1,b,0\n3,4,1\n", r"line 1: 'b' in column 2 is not a number"),
        ("a,label\n1,inf\n2,low\n", r"line 3: 'low' in column 2 .* add --task classification where each text of the"),
        ('a,b,label\n1,2,0\n1,"2\n2",1\n', r"line 3: '2\\n2' in column 2 is not a number; .* with --drop b"),
        ('a,b,label\n1,2,0\n1,"2,1\n1,3,1\n', r"line 3: a quote takes in lines below it"),
        (
            'a,"b,label\n1,2,0\n3,4,1\n5,"6,no\n7,8,1\n',
            r"line 1: a quote takes in lines below it, .* twice within a quoted cell$",
        ),
        ('a,b,label\n1,2,0\n3,"4,1\n5,6,0\n7,"8,1\n9,9,0\n', r"line 3: a quote takes in lines below it"),
        ('"a\nb",b,label\n\n1,2,0\n1,2,"1\n"\n1,2\n', r"line 7: 2 cells, but 3 in the lines before"),
        ("1 2 0\n3 4 1\n", r"line 2: '3 4 1' in column 1 is not a number; separate numbers by commas"),
        ("a,b,c\n1,2\n3,4\n", r"names 3 columns, but its lines have 2 cells"),
        ("1,\u0661\n2,3\n", r"is not a table \(could not convert string '\u0661'"),
        ("1,1_0\n2,3\n", r"line 2: '3' in column 2 is a number among texts"),
        (b"1,\xff\n", r"can't be read as text \('utf-8' codec"),
        (b"1,2\n3,\xff\n", r"can't be read as text \('utf-8' codec"),
        (b"1,1\n" + b"1,2\n" * 5000 + b"\xff,1\n", r"can't be read as text \('utf-8' codec"),
    ],
)
def test_csv_faults(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(FileProblem, match=rf"table.csv,? {message}"):
        load_data(csv(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\n2\n3\n", r"x is empty \(shape \(3, 0\)\)"),
        ("1,2\nnan,4\n", r"line 2: column 0 .* has no value; fill such in with --missing"),
        ("1,2\n3,inf\n", r"column 1 \(counted from 0\), the last one, has a NaN or infinite value, first in row 1"),
        ("1,-1\n3,1\n", r"a fraction of 0.2 of these 2 samples holds out none"),
        ("1,0\n2,1\n", r"a fraction of 0.2 of these 2 samples holds out none"),
    ],
)
def test_csv_values(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidValue, match=rf"table.csv: {message}"):
        load_data(csv(tmp_path, text))


# Files that claim what they don't hold


def test_csv_cells_of_any_length(tmp_path: Path) -> None:
    long = "9" * 140000
    for text in f"1,2\n{long},x\n", f"{long},x\n1,2\n":
        with pytest.raises(FileProblem, match=r"table.csv,? ") as caught:
            load_data(csv(tmp_path, text))
        assert len(str(caught.value)) < 1000
