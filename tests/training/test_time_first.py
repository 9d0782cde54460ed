"""Samples of files that have time in front of channels: turned when read, and said so."""

import numpy as np
import pytest

import gpufa
from gpufa.commands.main import main

X = np.random.default_rng(0).normal(size=(40, 7, 3)).astype(np.float32)  # samples x time x channels
Y = np.arange(40) % 2
SETTINGS = ["--rule", "bp", "--epochs", "1", "--backend", "numpy", "--quiet"]


def arrays(run):
    return run.network.parameters


def test_they_are_turned_where_the_net_goes_through_time_and_said_so(tmp_path, capsys):
    config = gpufa.Config(layers=("input 3x7", "gru 4"), rule="bp", epochs=1, backend="numpy", out=None)
    found = gpufa.train(config, (X, Y))
    expected = gpufa.train(config, (X.swapaxes(1, 2), Y))
    for name, p in arrays(expected).items():
        np.testing.assert_array_equal(arrays(found)[name], p)
    np.savez(tmp_path / "data.npz", x=X, y=Y)
    command = ["train", "--data", str(tmp_path / "data.npz"), "--layers", "input 3x7", "gru 4", *SETTINGS[:-1]]
    assert main([*command, "--out", str(tmp_path / "run")]) == 0
    said = " ".join("".join(capsys.readouterr()).split())
    assert "samples are time x channels, and are turned to channels x time" in said
    assert main(["evaluate", str(tmp_path / "run"), "--data", str(tmp_path / "data.npz")]) == 0
    run = gpufa.load(tmp_path / "run", backend="numpy")
    assert run.about.turned
    error = run.evaluate(X.swapaxes(1, 2), Y)["error"]
    assert f"{error[0]:.2f}" in capsys.readouterr().out


def test_those_of_other_nets_are_refused_as_ever():
    config = gpufa.Config(layers=("input 3x7", "conv1d 4 3 tanh"), rule="bp", epochs=1, backend="numpy", out=None)
    with pytest.raises(
        gpufa.InvalidValue, match=r"x has the shape \(32, 7, 3\); expected \(samples, 3, 7\), channels before"
    ):
        gpufa.train(config, (X, Y))


def test_of_two_axes_as_long_a_warning_says_how_they_are_read():
    config = gpufa.Config(layers=("input 7x7", "gru 4"), rule="bp", epochs=1, backend="numpy", out=None)
    x = np.random.default_rng(0).normal(size=(40, 7, 7))
    with pytest.warns(
        gpufa.GpufaWarning, match="samples of 7x7 are read as channels x time; where they are time x channe"
    ):
        gpufa.train(config, (x, Y))


def test_of_samples_that_stay_in_their_file_it_says_so_too(tmp_path):
    np.savez(tmp_path / "data.npz", x=np.random.default_rng(0).normal(size=(40, 7, 7)), y=Y)
    settings = {"data": str(tmp_path / "data.npz"), "stream": "always", "backend": "numpy", "out": None}
    with pytest.warns(gpufa.GpufaWarning, match="samples of 7x7 are read as channels x time; where they are time"):
        gpufa.train(gpufa.Config(layers=("input 7x7", "gru 4"), rule="bp", epochs=1, **settings))
