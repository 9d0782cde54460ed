"""Samples of files that have time in front of channels: turned when read, and said so."""

import numpy as np
import pytest
from streamlab import ARRAYS

import gpufa
from gpufa.checkpoints.provenance import samples_of
from gpufa.commands.main import main
from gpufa.data.divided import ALL
from gpufa.data.streams.room import Way

X = np.random.default_rng(0).normal(size=(40, 7, 3)).astype(np.float32)  # samples x time x channels
Y = np.arange(40) % 2
SETTINGS = ["--rule", "bp", "--epochs", "1", "--backend", "numpy", "--quiet"]
ways = pytest.mark.parametrize("mode", ["never", "always"])


def config(*layers, **kw):
    return gpufa.Config(**{"layers": layers, "rule": "bp", "epochs": 1, "backend": "numpy", "out": None} | kw)


def arrays(run):
    return run.network.parameters


def test_they_are_turned_where_the_net_goes_through_time_and_said_so(tmp_path, capsys):
    found = gpufa.train(config("input 3x7", "gru 4"), (X, Y))
    expected = gpufa.train(config("input 3x7", "gru 4"), (X.swapaxes(1, 2), Y))
    for name, p in arrays(expected).items():
        np.testing.assert_array_equal(arrays(found)[name], p)
    np.savez(tmp_path / "data.npz", x=X, y=Y)
    command = ["train", "--data", str(tmp_path / "data.npz"), "--layers", "input 3x7", "gru 4", *SETTINGS[:-1]]
    assert main([*command, "--out", str(tmp_path / "run")]) == 0
    said = " ".join("".join(capsys.readouterr()).split())
    assert "samples are time x channels, and are turned to channels x time" in said


@pytest.mark.parametrize(
    ("form", "mode", "dtype"),
    [
        *((form, "always", "float32") for form in ARRAYS),
        *((ARRAYS[0], mode, dtype) for mode, dtype in (("never", "float32"), ("never", "uint8"), ("always", "uint8"))),
    ],
)
def test_those_that_stay_in_their_file_are_turned_as_they_are_read(form, dtype, mode, tmp_path):
    """The run is that of samples with channels first, bit for bit, and is judged alike on its test part and on others
    of either order, in whichever way these are read."""
    x, runs = (40 * X + 100).astype(dtype), {}
    files = {
        name: str(form(tmp_path / name, x=own, y=Y))
        for name, own in (("turned", x), ("plain", np.ascontiguousarray(x.swapaxes(1, 2))))
    }
    others = str(form(tmp_path / "others", x=x[:30], y=Y[:30]))
    for name, file in files.items():
        own = {"data": file, "stream": mode, "scaling": "standard", "epochs": 2, "batch_size": 8, "validation": 0.2}
        runs[name] = gpufa.train(config("input 3x7", "gru 4", **own, out=str(tmp_path / f"run {name}")))
    net, plain = runs["turned"].network, runs["plain"].network
    for name, p in arrays(runs["plain"]).items():
        np.testing.assert_array_equal(arrays(runs["turned"])[name], p)
    assert net.about.turned
    assert not plain.about.turned
    np.testing.assert_array_equal(runs["turned"].summary["test_loss"], runs["plain"].summary["test_loss"])
    expected = plain.evaluate(x[:30].swapaxes(1, 2), Y[:30])["loss"]
    for way in (Way("never"), Way("always")):
        for data in (None, files["turned"]):
            seen, y, _ = samples_of(tmp_path / "run turned", net, data, ALL, way)
            np.testing.assert_allclose(net.evaluate(seen, y)["loss"], runs["plain"].summary["test_loss"], rtol=1e-6)
        seen, y, _ = samples_of(tmp_path / "run turned", net, others, ALL, way)
        np.testing.assert_allclose(net.evaluate(seen, y)["loss"], expected, rtol=1e-6)


def test_a_net_of_channels_first_does_not_turn_others(tmp_path):
    gpufa.train(config("input 3x7", "gru 4", out=str(tmp_path / "run")), (X.swapaxes(1, 2), Y))
    np.savez(tmp_path / "data.npz", x=X, y=Y)
    with pytest.raises(gpufa.InvalidValue, match=r"x has the shape \(40, 7, 3\); expected \(samples, 3, 7\), channels"):
        samples_of(tmp_path / "run", gpufa.load(tmp_path / "run", backend="numpy"), tmp_path / "data.npz")


@ways
def test_columns_that_are_chosen_have_no_places_to_turn(mode, tmp_path):
    np.savez(tmp_path / "data.npz", x=X, y=Y)
    own = {"data": str(tmp_path / "data.npz"), "features": tuple(map(str, range(12))), "stream": mode}
    assert gpufa.train(config("input 3x4", "gru 4", **own)).network.about.turned is None
    with pytest.raises(gpufa.InvalidValue, match="begin with 'input 3x7', but the data have 12 features"):
        gpufa.train(config("input 3x7", "gru 4", **own))


@ways
def test_those_of_other_nets_are_refused_as_ever(mode, tmp_path):
    np.savez(tmp_path / "data.npz", x=X, y=Y)
    with pytest.raises(
        gpufa.InvalidValue, match=r"x has the shape \(32, 7, 3\); expected \(samples, 3, 7\), channels before"
    ):
        gpufa.train(config("input 3x7", "conv1d 4 3 tanh", data=str(tmp_path / "data.npz"), stream=mode))


@ways
@pytest.mark.parametrize("first", ["gru 4", "conv1d 4 3 tanh, gru 4", "delta 0.5, lif 4"])
def test_of_two_axes_as_long_a_warning_says_how_they_are_read(first, mode, tmp_path):
    np.savez(tmp_path / "data.npz", x=np.random.default_rng(0).normal(size=(40, 7, 7)), y=Y)
    own = {"data": str(tmp_path / "data.npz"), "stream": mode}
    with pytest.warns(
        gpufa.GpufaWarning, match=f"samples of 7x7 are read as channels x time; where .* 'input 7x7' 'turn, {first}'"
    ):
        gpufa.train(config("input 7x7", first, **own))


@pytest.mark.filterwarnings("error:samples of")
@pytest.mark.parametrize("layers", [("turn, gru 4",), ("poisson 5, lif 4",), ("conv1d 4 3 tanh",)])
def test_there_is_none_where_the_axes_are_turned_or_no_time(layers):
    gpufa.train(config("input 7x7", *layers), (np.random.default_rng(0).normal(size=(40, 7, 7)), Y))
