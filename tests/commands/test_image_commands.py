"""Images on the command line: scaled, whitened and changed, by flags and TOML, and used again where they have moved."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from commandlab import FAST
from imagelab import images

import gpufa
from gpufa.commands.main import main

SHAPE = 3, 5, 4


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where old.npz holds images, and flat.npz rows."""
    monkeypatch.chdir(tmp_path)
    data = images(SHAPE)
    parts = {f"x_{part}": getattr(data, f"x_{part}").reshape(-1, *SHAPE) for part in ("train", "test")}
    np.savez("old.npz", y_train=data.y_train, y_test=data.y_test, **parts)
    np.savez("flat.npz", **{name: array.reshape(len(array), -1) for name, array in data._asdict().items()})
    return data


def test_a_run_is_predicted_evaluated_and_resumed_from_data_that_have_moved(folder, capsys):
    images_flags = ["--scaling", "zca", "--zca-eps", "0.2", "--augment", "flip, crop 2"]
    assert main(["train", *FAST, "--data", "old.npz", *images_flags, "--out", "r"]) == 0
    assert "60 features; 60 + 20 samples; images 3x5x4" in capsys.readouterr().err
    assert main(["evaluate", "r"]) == 0
    figures = capsys.readouterr().out.split("\n", 1)[1]
    Path("old.npz").rename("new.npz")
    assert main(["evaluate", "r", "--data", "new.npz"]) == 0
    assert capsys.readouterr().out.split("\n", 1)[1] == figures
    assert main(["predict", "r", "new.npz", "--out", "p.csv"]) == 0
    rows = np.loadtxt("p.csv", delimiter=",", skiprows=1)[:, 1:]
    np.testing.assert_allclose(rows, gpufa.load("r").predict(folder.x_test).mean(axis=0), atol=1e-5)
    assert main(["resume", "r", "--data", "new.npz", "--epochs", "3", "--quiet"]) == 0
    assert gpufa.load("r").scaling.matrix.shape == (60, 60)
    assert main(["inspect", "r"]) == 0
    assert "scaling/matrix" in capsys.readouterr().out


@pytest.mark.parametrize("augment", ['"flip, crop 2"', '["flip", "crop 2"]'])
def test_toml_says_the_same_as_flags_and_python(folder, augment):
    Path("s.toml").write_text(f'data = "old.npz"\nscaling = "channel"\naugment = {augment}\n', encoding="utf-8")
    assert main(["train", "s.toml", *FAST, "--out", "a", "--quiet"]) == 0
    flags = ["--augment", "flip", "crop 2", "--scaling", "channel", "--data", "old.npz"]
    assert main(["train", *FAST, *flags, "--out", "b", "--quiet"]) == 0
    config = gpufa.Config(
        data="old.npz", scaling="channel", augment="flip, crop 2", hidden=(8,), epochs=2, backend="numpy"
    )
    runs = gpufa.load("a"), gpufa.load("b"), gpufa.train(config).network
    for net in runs[1:]:
        np.testing.assert_array_equal(net.parameters["W1"], runs[0].parameters["W1"])


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--data", "old.npz", "--augment", "mirror"], "augment can't have 'mirror'; it takes"),
        (["--data", "old.npz", "--augment", "crop 9"], "'crop 9' would leave nothing of some images, which are 5 by 4"),
        (
            ["--data", "flat.npz", "--augment", "flip"],
            "augment = 'flip' is for images, and neither the data nor the net",
        ),
        (["--data", "flat.npz", "--scaling", "channel"], "scaling 'channel' needs to know which of the 60 features"),
        (["--data", "flat.npz", "--scaling", "pca"], "expected one of none, unit, minmax, standard, channel, zca"),
        (["--data", "old.npz", "--zca-eps", "0.1"], "zca_eps = 0.1 is for scaling 'zca', not 'none'"),
    ],
)
def test_what_does_not_go_is_told_in_a_sentence(folder, flags, told, capsys):
    assert main(["train", *FAST, *flags]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


def test_places_may_be_those_of_the_layers(folder, capsys):
    layers = ["--layers", "input 3x5x4", "conv 2 3x3 tanh", "--epochs", "1", "--backend", "numpy"]
    assert main(["train", "--data", "flat.npz", *layers, "--augment", "flip", "--scaling", "channel"]) == 0
    assert "images 3x5x4" in capsys.readouterr().err


def test_a_resumed_run_keeps_what_it_was_told(folder, capsys):
    assert main(["train", *FAST, "--data", "old.npz", "--augment", "flip", "--out", "r", "--quiet"]) == 0
    assert main(["resume", "r", "--augment", "crop 1"]) == 2
    assert "a resumed run goes on as if never stopped, and --augment would change it" in capsys.readouterr().err


BYTES, PARTS = (
    "whole numbers from 0 to 255, as bytes are",
    "numbers from 0 to 1, and the net was trained on larger ones",
)


@pytest.fixture
def two_units(tmp_path, monkeypatch):
    """The digits as bytes.npz, and divided by 255 as parts.npz."""
    monkeypatch.chdir(tmp_path)
    data = gpufa.load_data("digits")
    grey = {name: np.floor(array * 255) for name, array in data._asdict().items() if name.startswith("x")}
    labels = {"y_train": data.y_train, "y_test": data.y_test}
    np.savez("bytes.npz", **labels, **{name: array.astype(np.uint8) for name, array in grey.items()})
    np.savez("parts.npz", **labels, **{name: array / 255 for name, array in grey.items()})


@pytest.mark.parametrize("scaling", ["unit", "standard", "minmax", "zca"])
@pytest.mark.parametrize(("own", "other", "said"), [("bytes", "parts", PARTS), ("parts", "bytes", BYTES)])
def test_bytes_beside_numbers_from_0_to_1_are_told(two_units, scaling, own, other, said):
    assert main(["train", *FAST, "--data", f"{own}.npz", "--scaling", scaling, "--out", "r"]) == 0
    for command in ["evaluate", "r", "--data"], ["predict", "r"]:
        with pytest.warns(gpufa.GpufaWarning, match=rf"{other}.npz has {said}.*; give them in one unit"):
            main([*command, f"{other}.npz"])
    with warnings.catch_warnings(action="error", category=gpufa.GpufaWarning):
        assert main(["predict", "r", f"{own}.npz"]) == 0


@pytest.mark.parametrize("named", [True, False])
def test_a_net_without_scaling_is_known_by_the_name_of_its_set(two_units, named, recwarn):
    assert main(["train", *FAST, "--data", "digits" if named else "parts.npz", "--out", "r"]) == 0
    assert main(["evaluate", "r", "--data", "parts.npz"]) == 0
    assert not [one for one in recwarn if "give them in one unit" in str(one.message)]
    assert main(["evaluate", "r", "--data", "bytes.npz"]) == 0
    assert any(BYTES in str(one.message) for one in recwarn) == named
