"""A run whose data file is elsewhere now."""

from pathlib import Path

import numpy as np
import pytest
from commandlab import FAST

from gpufa import plots
from gpufa.basics.errors import GpufaWarning
from gpufa.checkpoints import provenance
from gpufa.commands.main import main

RNG = np.random.default_rng(5)
LABELS = np.array(["no", "yes"])[np.arange(50) % 2]
X = RNG.normal(size=(50, 3))


def write(path, names, labels=LABELS):
    rows = [",".join([*(f"{v:.4f}" for v in x), label]) for x, label in zip(X, labels, strict=True)]
    path.write_text("\n".join([",".join(names), *rows]) + "\n")
    return str(path)


@pytest.fixture
def moved(tmp_path, monkeypatch, capsys):
    """The file's new name; the run is in r."""
    monkeypatch.chdir(tmp_path)
    file = Path(write(tmp_path / "old.csv", ["a", "b", "c", "label"]))
    assert main(["train", *FAST, "--data", "old.csv", "--out", "r", "--quiet"]) == 0
    assert main(["evaluate", "r"]) == 0
    figures = capsys.readouterr().out.split("\n", 1)[1]
    file.rename("new.csv")
    return figures


def test_where_they_are_gone_the_flag_is_named(moved, capsys):
    assert main(["evaluate", "r"]) == 2
    assert capsys.readouterr().err == (
        "gpufa: 'r' was trained on old.csv, which is not there; say with --data where it is now\n"
    )
    assert main(["plot", "r", "--pictures", "confusion"]) == 2
    assert "old.csv, which is not there; say with --data where it is now" in capsys.readouterr().err


def test_their_test_part_is_what_the_run_is_judged_by(moved, capsys):
    """Not the training samples, which the file holds as well."""
    assert main(["evaluate", "r", "--data", "new.csv"]) == 0
    title, figures = capsys.readouterr().out.split("\n", 1)
    assert figures == moved
    assert title.strip() == "r on the test part of new.csv, which it was trained on"
    assert main(["evaluate", "r", "--data", "new.csv", "--features", "a", "b", "c"]) == 0
    assert capsys.readouterr().out.split("\n", 1)[1] == moved
    x, y, what = provenance.samples_of("r", plots.read("r").trained, "new.csv")
    assert (len(x), len(y)) == (10, 10)
    assert what == "the test part of new.csv, which it was trained on"


def test_pictures_are_drawn_of_them(moved, capsys):
    assert main(["plot", "r", "--pictures", "confusion", "--data", "new.csv"]) == 0
    assert "drew r/confusion.png" in capsys.readouterr().out
    assert len(plots.read("r", data="new.csv").targets) == 10


def test_other_data_are_taken_whole(moved, capsys):
    others = write(Path("others.csv"), ["a", "b", "c", "label"], LABELS[::-1])
    assert main(["evaluate", "r", "--data", others]) == 0
    assert capsys.readouterr().out.split("\n", 1)[0].strip() == "r on others.csv"
    assert len(plots.read("r", data=others).targets) == 50
    Path("bare.csv").write_text("a,b,c\n" + "\n".join(",".join(map(str, x)) for x in X) + "\n")
    assert main(["plot", "r", "--pictures", "confusion", "--data", "bare.csv"]) == 2
    assert "bare.csv holds no labels or targets; name data that have some with --data" in capsys.readouterr().err


def test_resume_takes_the_very_same_alone(moved, capsys):
    others = write(Path("others.csv"), ["a", "b", "c", "label"], LABELS[::-1])
    assert main(["resume", "r", "--epochs", "3", "--data", others, "--quiet"]) == 2
    assert "have changed since" in capsys.readouterr().err
    assert main(["resume", "r", "--epochs", "3", "--quiet"]) == 2
    assert "old.csv, which is not there; say with --data where it is now" in capsys.readouterr().err
    assert main(["resume", "r", "--epochs", "3", "--data", "new.csv", "--quiet"]) == 0


def test_the_runs_own_file_that_has_changed_is_taken_whole_with_a_warning(moved):
    """Most of it is what the net was trained on."""
    write(Path("old.csv"), ["a", "b", "c", "label"], LABELS[::-1])
    net = plots.read("r", data="new.csv").trained
    with pytest.warns(GpufaWarning, match=r"old.csv has changed since .* among which those of the training may be"):
        x, _, what = provenance.samples_of("r", net, "old.csv")
    assert (len(x), what) == (50, "old.csv")
