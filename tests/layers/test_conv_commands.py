"""Convolutions from the shell: trained by words and by TOML, drawn, reported, inspected, used."""

import numpy as np
import pytest

import gpufa
from gpufa.commands.main import main

LAYERS = ["input 1x8x8", "conv 4 3x3 relu, pool 2", "conv 4 3x3 groups 2 relu, global mean", "dense 6 tanh"]
TRAIN = ["train", "--data", "digits", "--layers", *LAYERS, "--samples", "100", "--epochs", "1", "--seeds", "0", "1",
         "--backend", "numpy", "--quiet"]  # fmt: skip


@pytest.mark.parametrize("rule", ["dfa", *(pytest.param(rule, marks=pytest.mark.slow) for rule in ("bp", "fa"))])
def test_the_whole_way_from_the_shell(rule, tmp_path, capsys):
    run, again = str(tmp_path / "run"), str(tmp_path / "again")
    assert main([*TRAIN, "--rule", rule, "--out", run]) == 0
    assert main(["plot", run, "--pictures", "all"]) == 0
    assert (tmp_path / "run" / "features.png").is_file()
    assert main(["report", run, "--out", str(tmp_path / "report.html")]) == 0
    capsys.readouterr()
    assert main(["inspect", run]) == 0
    shown = capsys.readouterr().out
    assert "parameters/W1" in shown
    assert "2x4x1x3x3" in shown
    assert ("feedback/B1" in shown) == (rule != "bp")
    assert "['finished', 'finished']" in shown
    assert "layers 1x8x8-4x4x4-4-6-10, cross_entropy" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert main(["train", f"{run}/config.toml", "--out", again, "--quiet"]) == 0
    first, second = (gpufa.load(path, backend="numpy") for path in (run, again))
    assert first.sizes.words == [*LAYERS, "dense 10"]
    for name, p in first.parameters.items():
        np.testing.assert_array_equal(second.parameters[name], p)
    assert main(["evaluate", run]) == 0


def test_a_run_tells_its_shapes_and_what_can_train_them(tmp_path, capsys):
    assert main([*TRAIN[:-1], "--rule", "bp", "--out", str(tmp_path / "run")]) == 0
    assert "1x8x8-4x4x4-4-6-10" in capsys.readouterr().err
    assert main([*TRAIN, "--rule", "ifa", "--out", str(tmp_path / "other")]) == 2
    said = capsys.readouterr().err
    assert "block 1 is 'conv 4 3x3 relu, pool 2'; use one of bp, shallow, fa, dfa, topology, sdfa" in said
    assert main([*TRAIN[:4], "input 3x8x8", *TRAIN[5:]]) == 2
    assert "layers begin with 'input 3x8x8', but the data have 64 features" in capsys.readouterr().err


@pytest.mark.parametrize(("rule", "angles"), [("shallow", False), ("bp", True)])
def test_a_run_without_error_signals_shows_no_angles(rule, angles, tmp_path, capsys):
    assert main([*TRAIN[:-1], "--rule", rule, "--out", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert ("layer by layer, mean over seeds: 0.0° 0.0° 0.0°" in shown) == angles
    assert ("angle with backprop" in shown) == angles


def test_words_of_options_are_no_activations_of_ones_own():
    from gpufa.layers.words import stand_ins

    words = [
        "conv 4 3x3 stride 2 pad same dilation 2 groups 2 nobias, mean pool 2",
        "global mean, flatten, dense 3 mish",
    ]
    assert [one.name for one in stand_ins(words)] == ["mish"]
