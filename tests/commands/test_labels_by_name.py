"""Classes that are called 1, 2, 3: labels of files are matched by name, and nothing is said of numbers."""

import json
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest

import gpufa
from gpufa import plots
from gpufa.commands.main import main
from gpufa.data.samples.about import About
from gpufa.data.samples.target import by_name

N = 60
LABELS = np.arange(N) % 3 + 1
X = np.eye(3)[LABELS - 1] + 0.1 * np.random.default_rng(2).normal(size=(N, 3))
SOME = LABELS > 1  # none of the class that is number 0
FAST = ["--hidden", "8", "--epochs", "30", "--lr", "0.3", "--rule", "bp", "--seeds", "0", "--backend", "numpy"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def saved(path, rows, kind=int):
    """The rows as the kind of file that the ending says."""
    x, y = X[rows], LABELS[rows].astype(kind)
    if path.endswith("csv"):
        cells = [",".join(map(str, [*row, label])) for row, label in zip(x, y, strict=True)]
        Path(path).write_text("\n".join(["a,b,c,label", *cells, ""]))
    elif path.endswith("parquet"):
        library = pytest.importorskip("pyarrow")
        columns = dict(zip("abc", x.T, strict=True)) | {"label": y}
        pytest.importorskip("pyarrow.parquet").write_table(library.table(columns), path)
    elif path.endswith("npz"):
        np.savez(path, x=x, y=y)
    else:
        with h5py.File(path, "w") as file:
            file.update({"x": x, "y": y})
    return path


@pytest.mark.parametrize("kind", [int, float])
@pytest.mark.parametrize("ending", ["csv", "npz", "h5", "parquet"])
def test_a_file_without_the_first_class(ending, kind, capsys):
    path = saved(f"all.{ending}", np.ones(N, bool), kind)
    assert main(["train", "--data", path, *FAST, "--out", "run", "--quiet"]) == 0
    assert json.loads(Path("run/summary.json").read_text())["test_error"] == [0]
    other = saved(f"some.{ending}", SOME, kind)
    capsys.readouterr()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert main(["evaluate", "run", "--data", other]) == 0
        found = capsys.readouterr()
        assert not found.err
        assert "0.0000" in found.out
        subject = plots.read("run", data=other)
        assert list(np.unique(subject.targets)) == [1, 2]
        assert subject.signals["h1"].shape == (SOME.sum(), 8)
        plots.draw("confusion", subject)


def test_a_wrong_label_is_wrong(capsys):
    """2 for 3 and 3 for 2: no number of a class is taken for another's name."""
    assert main(["train", "--data", saved("all.npz", np.ones(N, bool)), *FAST, "--out", "run", "--quiet"]) == 0
    np.savez("swapped.npz", x=X[SOME], y=5 - LABELS[SOME])
    assert main(["evaluate", "run", "--data", "swapped.npz"]) == 0
    assert "100.0000" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("about", "names"),
    [
        (About("classification"), ["0", "1"]),
        (About("classification", classes=("1", "2")), ["1", "2"]),
        (About("classification", ("wet", "cold")), ["wet", "cold"]),
    ],
)
def test_outputs_have_the_names_of_their_classes(about, names):
    assert [about.class_name(i) for i in range(2)] == names


def test_labels_by_the_names_of_their_classes():
    named = About("classification", classes=("1", "2", "3"))
    np.testing.assert_array_equal(by_name(np.array([2, 0]), named), ["3", "1"])
    labels, reals = np.array([1, 2]), np.array([[1.0], [2.0]])
    assert by_name(labels, None) is labels
    assert by_name(labels, About("classification")) is labels
    assert by_name(reals, named) is reals
    run = gpufa.train(gpufa.Config(hidden=(4,), epochs=1, backend="numpy"), (X, LABELS))
    np.testing.assert_array_equal(run.network.loss(X, by_name(LABELS - 1, named)), run.network.loss(X, LABELS - 1))
