"""Data of one's own, from training to prediction: by name."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from commandlab import FAST

import gpufa
from gpufa.checkpoints import hdf5, networks
from gpufa.commands.main import main
from gpufa.training.settings.toml import read_toml

RNG = np.random.default_rng(3)
NAMES = "setosa", "versicolor", "virginica"
KINDS = np.arange(60) % 3
X = RNG.normal(size=(60, 2)) + 6 * np.eye(3, 2)[KINDS]


def table(path, head, rows):
    path.write_text("\n".join(",".join(map(str, row)) for row in ([head] if head else []) + list(rows)) + "\n")
    return str(path)


@pytest.fixture
def iris(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [(NAMES[k], i, *x) for i, (k, x) in enumerate(zip(KINDS, X, strict=True))]
    return table(tmp_path / "iris.csv", ["species", "id", "width", "height"], rows)


def trained(*args):
    return main(["train", *FAST, "--seeds", "0", "--init", "uniform", "--scaling", "standard", "--out", "r", *args])


def test_names_go_from_training_to_prediction(iris, capsys):
    assert trained("--data", iris, "--target", "species", "--drop", "id", "--epochs", "40") == 0
    said = 'target: column "species" (3 classes: setosa, versicolor, virginica); 2 features; 48 + 12 samples'
    assert capsys.readouterr().err.splitlines()[0] == said
    assert main(["inspect", "r"]) == 0
    assert said in capsys.readouterr().out
    config = read_toml("r/config.toml")
    assert (config.target, config.drop) == (("species",), ("id",))
    assert main(["evaluate", "r"]) == 0
    own = capsys.readouterr().out
    order = table(Path("new.csv"), ["height", "width"], X[:, ::-1])
    assert main(["predict", "r", order, "--out", "labels.csv"]) == 0
    with open("labels.csv") as file:
        rows = list(csv.DictReader(file))
    found = [row["label"] for row in rows]
    assert set(found) <= set(NAMES)
    assert list(rows[0]) == ["label", *(f"output_{name}" for name in NAMES)]
    assert all(
        float(row[f"output_{row['label']}"]) == max(float(row[f"output_{name}"]) for name in NAMES) for row in rows
    )
    assert np.mean(np.array(found) == np.array(NAMES)[KINDS]) > 0.8
    assert main(["evaluate", "r", "--data", iris]) == 0
    assert own
    more = table(Path("more.csv"), ["height", "width", "depth"], np.c_[X[:, ::-1], X[:, :1]])
    assert main(["predict", "r", more]) == 2
    assert 'column "depth" is none that the net was trained on' in capsys.readouterr().err
    assert main(["predict", "r", more, "--drop", "depth", "--out", "again.csv"]) == 0
    assert main(["predict", "r", more, "--features", "width", "height", "--out", "third.csv"]) == 0
    first, *others = (Path(name).read_bytes() for name in ("labels.csv", "again.csv", "third.csv"))
    assert others == [first, first]
    assert main(["resume", "r", "--epochs", "41", "--quiet"]) == 0
    assert main(["plot", "r", "--pictures", "confusion"]) == 0


def test_data_that_a_program_has_read_keep_their_names(iris):
    data = gpufa.load_data(iris, target="species", drop="id")
    run = gpufa.train(gpufa.Config(hidden=(4,), epochs=1, seeds=(0,), backend="numpy"), data=data)
    assert run.network.about.classes == NAMES
    gpufa.save(run.network, "net.h5")
    assert gpufa.load("net.h5").about == data.about


def test_amounts_in_whole_numbers(iris, capsys, tmp_path):
    prices = table(tmp_path / "p.csv", ["a", "price"], [(f"{x[0]:.3f}", 1000 + 7 * i) for i, x in enumerate(X)])
    assert trained("--data", prices) == 2
    assert "60 different values in 60 rows; if these are amounts, add --task regression" in capsys.readouterr().err
    assert trained("--data", prices, "--task", "regression") == 0
    assert 'target: column "price" (regression); 1 features; 48 + 12 samples' in capsys.readouterr().err
    capsys.readouterr()
    assert main(["predict", "r", prices]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "output_0"
    with pytest.raises(gpufa.InvalidValue, match="expected one of classification, regression, places: change --task"):
        gpufa.Config(task="amounts")


def test_settings_in_toml(iris):
    with open("c.toml", "w") as file:
        file.write(f'data = "{iris}"\ntarget = "species"\ndrop = [1]\n')
    assert trained("c.toml", "--quiet") == 0
    assert gpufa.load("r").about.features == ("width", "height")


@pytest.mark.parametrize("labels", [(0, 1, 2), (0, 2, 5)])
def test_runs_from_before_go_on_bit_for_bit(tmp_path, labels):
    """Which had read the file in float32, and labels as they stand."""
    path = table(tmp_path / "old.csv", None, [(*x, labels[k]) for k, x in zip(KINDS, X, strict=True)])
    new = gpufa.load_data(path)
    old = gpufa.Data(*(a.astype(np.float32) if a.dtype == np.float64 else np.array(labels)[a] for a in new))
    settings = {"hidden": (4,), "seeds": (0,), "backend": "numpy", "out": str(tmp_path / "r"), "epochs": 2}
    trainer = gpufa.training.trainer.Trainer(gpufa.Config(data=path, **settings), old)
    from gpufa.checkpoints.provenance import fingerprint
    from gpufa.runs.folder import Folder
    from gpufa.runs.places import locked

    trainer.callbacks.append(Folder(tmp_path / "r", fingerprint(old, path)))
    with locked(tmp_path / "r"):
        trainer.run()
    assert "about" not in networks.facts(tmp_path / "r")
    resumed = gpufa.resume(tmp_path / "r", epochs=4)
    whole = gpufa.training.trainer.Trainer(gpufa.Config(data=path, **settings | {"epochs": 4, "out": None}), old)
    whole.run()
    for name, array in whole.net.parameters.items():
        np.testing.assert_array_equal(resumed.network.parameters[name], array)


@pytest.mark.parametrize(
    "about",
    [
        *(3, {}, {"task": "both"}, {"task": "regression", "more": 1}),
        *(
            {"task": "classification", name: value}
            for name, value in (
                *(("classes", "ab"), ("target", [1.5]), ("features", [True]), ("columns", "ab"), ("weights", ["w"])),
                *(("weights", True), ("array", 3), ("array", ["x"]), ("missing", 1), ("dropped", "3")),
            )
        ),
    ],
)
def test_a_checkpoint_that_says_nonsense_of_its_data(iris, about, capsys):
    assert trained("--data", iris, "--target", "species", "--drop", "id", "--quiet") == 0
    arrays, metadata = hdf5.read(networks.checkpoint_of("r"))
    hdf5.write(networks.checkpoint_of("r"), arrays, json.loads(json.dumps(metadata)) | {"about": about})
    assert main(["inspect", "r"]) == 2
    assert "what it says of its data has" in capsys.readouterr().err
