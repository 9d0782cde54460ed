"""Tables as spreadsheets of many countries write them: semicolons, tabs, decimal commas, gzipped."""

import gzip
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import gpufa
from gpufa.data.datasets import load_data
from gpufa.data.tables.dialect import Dialect, dialect_of

ROWS = [(0.5, -1.25, 3), (1.5, 2.0, 4), (-2.5, 0.125, 3), (4.0, 8.5, 4)] * 5


def written(path, separator=",", commas=False, header="a{0}b{0}label\n", packed=False):
    text = header.format(separator) + "".join(separator.join(map(str, row)) + "\n" for row in ROWS)
    text = text.replace(".", ",") if commas else text
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    return path


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "T.CSV.GZ"])
@pytest.mark.parametrize("header", ["a{0}b{0}label\n", ""])
@pytest.mark.parametrize(
    ("separator", "commas"), [(",", False), (";", False), (";", True), ("\t", False), ("\t", True)]
)
def test_all_dialects_hold_the_same(tmp_path, name, header, separator, commas):
    plain = load_data(written(tmp_path / "plain.csv"))
    path = written(tmp_path / name, separator, commas, header, packed=name.endswith("GZ"))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = load_data(path)
    assert [str(one.message).partition(": ")[2] for one in told] == ["numbers such as 1,5 are read as 1.5"] * commas
    for a, b in zip(found, plain, strict=True):
        assert_array_equal(a, b)
    assert found.about.classes == ("3", "4")


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("1,2\n3,4\n", Dialect()),
        ("1,2;\n3,4;\n", Dialect()),  # nothing stands behind the semicolons
        ("a,b;c,label\n1,2,0\n", Dialect()),
        ('"a;b","c;d"\n1,2\n', Dialect()),
        ("a;b\n1;2\n", Dialect(";")),
        ("a;b\n1,5;2\n", Dialect(";", commas=True)),
        ("a\tb;c\n1\t2\n", Dialect("\t")),
        ("", Dialect()),
    ],
)
def test_the_dialect_is_that_of_the_first_lines(tmp_path, text, dialect):
    (tmp_path / "t.csv").write_text(text)
    assert dialect_of(tmp_path / "t.csv") == dialect


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a;label\n1,5;0\n1.234,5;1\n",
            "line 3: '1.234,5' in column 1 is not a number; separate numbers by semicolons",
        ),
        ("a;label\n1,5;0\n1.234;1\n", "line 3: '1.234' in column 1 is not a number; separate numbers by semicolons"),
        ("a;label\n1;0\n1,5;1\n", "line 3: '1,5' in column 1 is not a number; separate numbers by semicolons"),
        ("a\tlabel\n1\t0\n2\n", "line 3: 1 cells, but 2 in the lines before; separate cells by tabs"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*are read as 1.5")
def test_faults_are_told_with_line_and_column(tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(gpufa.FileProblem) as error:
        load_data(tmp_path / "t.csv")
    assert message in str(error.value)


def test_a_damaged_archive_is_told(tmp_path):
    packed = gzip.compress(b"1,0\n2,1\n" * 1000)
    for damaged in (packed[:30], b"1,0\n2,1\n", packed[:15] + b"\xff" * 10 + packed[25:]):
        (tmp_path / "t.csv.gz").write_bytes(damaged)
        with pytest.raises(gpufa.FileProblem, match=r"t\.csv\.gz"):
            load_data(tmp_path / "t.csv.gz")


def test_a_run_on_semicolons_predicts_from_commas(tmp_path):
    gpufa.train(
        gpufa.Config(data=str(written(tmp_path / "t.csv", ";")), hidden=(3,), epochs=1, out=str(tmp_path / "run"))
    )
    written(tmp_path / "u.csv")
    from gpufa.commands.main import main

    assert main(["predict", str(tmp_path / "run"), str(tmp_path / "u.csv"), "--out", str(tmp_path / "p.csv")]) == 0
    labels = np.loadtxt(tmp_path / "p.csv", str, delimiter=",", skiprows=1, usecols=0)
    assert set(labels) <= {"3", "4"}
