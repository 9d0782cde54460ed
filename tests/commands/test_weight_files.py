"""Weights named on the command line: columns, arrays, and files of class weights."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

import gpufa
from gpufa.checkpoints import networks
from gpufa.commands.main import main

rng = np.random.default_rng(1)
N = 60
X, Y = rng.normal(size=(N, 2)).round(4), np.arange(N) % 3 == 0
W = rng.uniform(0.5, 2, N).round(4)
FAST = ["--hidden", "4", "--epochs", "2", "--seeds", "0", "1", "--backend", "numpy", "--dtype", "float64", "--quiet"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def table(path, columns, names=True, rows=slice(None)):
    """Write some of one, two, weight and label as CSV."""
    cells = {"one": X[:, 0], "two": X[:, 1], "weight": W, "label": np.where(Y, "yes", "no")}
    lines = [",".join(map(str, row)) for row in zip(*(cells[name] for name in columns), strict=True)][rows]
    path = str(path)
    Path(path).write_text("\n".join([",".join(columns), *lines] if names else lines) + "\n")
    return path


def trained(*flags):
    assert main(["train", *FAST, *flags, "--out", "run", "--force"]) == 0
    return json.loads(Path("run/summary.json").read_text())


def test_a_column_of_weights_is_no_feature_and_no_target(capsys):
    path = table("data.csv", ["weight", "one", "two", "label"])
    flags = [flag for flag in FAST if flag != "--quiet"]
    assert main(["train", "--data", path, "--sample-weights", "weight", "--out", "run", *flags]) == 0
    said = '(2 classes: no, yes); 2 features; 48 + 12 samples; sample weights: column "weight"'
    assert said in capsys.readouterr().err
    assert main(["inspect", "run"]) == 0
    assert 'sample weights: column "weight"' in " ".join(capsys.readouterr().out.split())
    for columns in (["weight", "one", "two", "label"], ["label", "two", "one"], ["two", "weight", "one"]):
        other = table("other.csv", columns)
        assert main(["predict", "run", other, "--out", "found.csv"]) == 0
        found = Path("found.csv").read_text()
        assert columns[0] != "weight" or (expected := found)
        assert found == expected
        assert main(["evaluate", "run", "--data", other]) == (0 if "label" in columns else 2)
    assert main(["evaluate", "run"]) == 0


def test_they_weigh_what_the_array_does():
    """The column, the array of a file, and the array beside arrays; a test part split off has none."""
    data = gpufa.load_data(table("data.csv", ["one", "two", "label", "weight"]), sample_weights="weight")
    assert data.weights.shape == (48,)
    assert set(data.weights) <= set(W)
    summary = trained("--data", "data.csv", "--sample-weights", "weight")
    expected = gpufa.load("run").predict(X)
    config = gpufa.Config(hidden=(4,), epochs=2, seeds=(0, 1), backend="numpy", dtype="float64")
    run = gpufa.train(config, tuple(data), sample_weights=data.weights)
    np.testing.assert_array_equal(run.network.predict(X), expected)
    np.testing.assert_array_equal(gpufa.train(config, data).network.predict(X), expected)
    assert run.summary["test_error"] == summary["test_error"]
    assert trained("--data", "data.csv", "--drop", "weight")["train_loss"] != summary["train_loss"]


@pytest.mark.parametrize("end", ["npz", "h5"])
@pytest.mark.parametrize("parted", [False, True])
def test_arrays_of_files(end, parted, capsys):
    arrays = {"x": X, "y": Y.astype(int), "w": W}
    if parted:
        arrays = {"x_train": X, "y_train": Y.astype(int), "x_test": X[:6], "y_test": Y[:6].astype(int), "w_train": W}
    if end == "npz":
        np.savez("data.npz", **arrays)
    else:
        with h5py.File("data.h5", "w") as file:
            file.update(arrays)
    data = gpufa.load_data(f"data.{end}", sample_weights="w")
    assert len(data.weights) == len(data.x_train)
    np.testing.assert_array_equal(data.weights, W[[np.flatnonzero((x == X).all(axis=1))[0] for x in data.x_train]])
    trained("--data", f"data.{end}", "--sample-weights", "w")
    assert main(["inspect", "run"]) == 0
    assert "sample weights: array 'w'" in " ".join(capsys.readouterr().out.split())
    assert main(["evaluate", "run", "--data", f"data.{end}"]) == 0
    assert main(["resume", "run", "--epochs", "3", "--quiet"]) == 0


def test_resumed_from_a_column_and_refused_on_other_weights(capsys):
    path = table("data.csv", ["weight", "one", "two", "label"])
    trained("--data", path, "--sample-weights", "weight", "--epochs", "4")
    expected = gpufa.load("run").predict(X)
    trained("--data", path, "--sample-weights", "weight")
    assert main(["resume", "run", "--epochs", "4", "--quiet"]) == 0
    np.testing.assert_array_equal(gpufa.load("run").predict(X), expected)
    W[0] += 1
    table("data.csv", ["weight", "one", "two", "label"])
    W[0] -= 1
    assert main(["resume", "run", "--epochs", "5", "--quiet"]) == 2
    assert "have changed since" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("w.csv", "class,weight\nno,1\nyes,4\n"),
        ("w.csv", "yes,4\n\nno , 1\n"),
        ("w.toml", "no = 1\nyes = 4.0\n"),
    ],
)
def test_class_weights_in_a_file_stay_with_the_run(name, text):
    """The file may change or go: the run has what it said."""
    path = table("data.csv", ["one", "two", "label"])
    Path(name).write_text(text)
    trained("--data", path, "--class-weights", name, "--epochs", "4")
    expected = gpufa.load("run").predict(X)
    trained("--data", path, "--class-weights", name)
    Path(name).write_text("nonsense")
    assert main(["resume", "run", "--epochs", "4", "--quiet"]) == 0
    np.testing.assert_array_equal(gpufa.load("run").predict(X), expected)
    assert networks.facts("run")["config"]["class_weights"] == {"no": 1, "yes": 4}
    assert main(["train", "run/config.toml", "--out", "again", "--epochs", "4", "--quiet"]) == 0
    np.testing.assert_array_equal(gpufa.load("again").predict(X), expected)


def test_class_weights_as_words_and_tables(capsys):
    path = table("data.csv", ["one", "two", "label"])
    flags = [flag for flag in FAST if flag != "--quiet"]
    assert main(["train", "--data", path, "--class-weights", "balanced", "--out", "run", *flags]) == 0
    assert "; class weights: balanced" in capsys.readouterr().err
    weights = {"no": np.float32(0.75), "yes": 1.5}
    config = gpufa.Config(data=path, class_weights=weights, hidden=(4,), epochs=2, seeds=(0, 1), backend="numpy")
    assert config.class_weights == {"no": 0.75, "yes": 1.5}
    run = gpufa.train(gpufa.Config(**vars(config) | {"dtype": "float64"}))
    np.testing.assert_allclose(run.network.predict(X), gpufa.load("run").predict(X), rtol=1e-9)
    pairs = ["--class-weights", "no", "0.75", "yes", "1.5"]
    assert main(["train", "--data", path, *pairs, "--out", "pairs", *FAST]) == 0
    assert networks.facts("pairs")["config"]["class_weights"] == weights
    np.testing.assert_array_equal(gpufa.load("pairs").predict(X), run.network.predict(X))
    Path("table.toml").write_text(f'data = "{path}"\nepochs = 1\n[class_weights]\nno = 1.0\nyes = 2.0\n')
    assert main(["train", "table.toml", "--quiet", "--out", "table"]) == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("no,1\nyes\n", "w.csv, line 2: 'yes' is no class and its weight; give name,weight"),
        ("no,1\nno,2\n", "w.csv, line 2: class 'no' is there twice"),
        ("no,1,2\n", "w.csv, line 1: class 'no' has more than a weight"),
        ("no,1\nyes,-2\n", "w.csv: class 'yes' has the weight -2.0; give a number of at least 0"),
        ("no,1\nyes,nan\n", "w.csv: class 'yes' has the weight nan"),
        ("", "w.csv has no class weights"),
        ("no,1\n", "class 'yes' has no weight"),
    ],
)
def test_files_that_are_none(text, told, capsys):
    Path("w.csv").write_text(text)
    path = table("data.csv", ["one", "two", "label"])
    assert main(["train", "--data", path, "--class-weights", "w.csv", *FAST]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["no", "1", "yes"], ["no", "many"], ["1", "2"], ["no", "1", "no", "2"]])
def test_pairs_that_are_none(words, capsys):
    path = table("data.csv", ["one", "two", "label"])
    assert main(["train", "--data", path, *FAST, "--class-weights", *words]) == 2
    told = capsys.readouterr().err
    assert "--class-weights" in told
    assert ("no 1 yes 4" in told) == (words != ["1", "2"])


def test_toml_that_is_none(capsys):
    Path("w.toml").write_text("no = = 1")
    assert main(["train", "--data", "digits", "--class-weights", "w.toml", *FAST]) == 2
    assert "w.toml is no valid TOML" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (
            ["--sample-weights", "wait"],
            "there is no column 'wait'; the columns are weight, one, two, label: change --sa",
        ),
        (["--sample-weights", "label"], "'yes' in column 4, the sample weights, is not a number; mend it, or"),
        (
            ["--sample-weights", "label", "--target", "label"],
            'column "label" is the target, and is named by --sample-w',
        ),
        (
            ["--sample-weights", "weight", "--drop", "weight"],
            "is named by --drop and by --sample-weights; leave it out",
        ),
        (["--sample-weights", "one", "--features", "one"], "is named by --features and by --sample-weights"),
    ],
)
def test_columns_that_are_no_weights(flags, told, capsys):
    path = table("data.csv", ["weight", "one", "two", "label"])
    assert main(["train", "--data", path, *flags, *FAST]) == 2
    assert told in capsys.readouterr().err


def test_weights_below_zero_and_missing_arrays(capsys):
    np.savez("data.npz", x=X, y=Y.astype(int), w=-W)
    assert main(["train", "--data", "data.npz", "--sample-weights", "w", *FAST]) == 2
    assert "data.npz: sample weights w have -" in capsys.readouterr().err
    assert main(["train", "--data", "data.npz", "--sample-weights", "v", *FAST]) == 2
    assert "data.npz: there is no array 'v' of sample weights among" in capsys.readouterr().err
    assert main(["train", "--data", "digits", "--sample-weights", "w", *FAST]) == 2
    assert "with a target of its own; leave --sample-weights out" in capsys.readouterr().err


def test_tables_without_names(capsys):
    """By place, as long as it is certain which column is which."""
    path = table("data.csv", ["weight", "one", "two", "label"], names=False)
    trained("--data", path, "--sample-weights", "0")
    for columns, code in ((["weight", "one", "two", "label"], 0), (["one", "two"], 0), (["one", "two", "label"], 2)):
        assert main(["predict", "run", table("other.csv", columns, names=False), "--out", "found.csv"]) == code
    assert (
        "it is not for certain whether the target or the sample weights are left out; give all of"
        in capsys.readouterr().err
    )
