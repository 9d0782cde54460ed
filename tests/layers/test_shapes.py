"""Inputs that have a place: channels x height x width, as words, as samples, and through dense layers as units."""

import re

import h5py
import numpy as np
import pytest
from layerlab import layered
from rulelab import close, network, samples, values

import gpufa
from gpufa.commands.main import main
from gpufa.layers import block
from gpufa.net.shape.layout import Layout

PLACED, FLAT = (["input 2x3x1", "dense 5 tanh, dense 4 tanh", "dense 4 relu", "dense 3"],
                ["input 6", "dense 5 tanh, dense 4 tanh", "dense 4 relu", "dense 3"])  # fmt: skip
BELOW = ["relu, dense 4 tanh", "dense 3"], ["dense 4 tanh", "dense 3"]
X, Y = samples([6, 3])


def test_a_layout_knows_the_shapes():
    layout = Layout.of((2, 3, 1), [block(word) for word in PLACED[1:]])
    assert layout.shapes == ((2, 3, 1), (4,), (4,), (3,))
    assert layout.units == (6, 4, 4, 3)
    assert layout.words == PLACED
    assert not Layout.of((2, 3, 1), [block("dense 4 tanh"), block("dense 3")]).by_sizes
    assert Layout.of(6, [block("dense 4 tanh"), block("dense 3")]).by_sizes


@pytest.mark.parametrize("rule", ["bp", "fa", "dfa", "kp"])
def test_dense_layers_take_places_as_units(rule, backend):
    placed, flat = (network(words, rule, backend=backend) for words in (PLACED, FLAT))
    close(placed.gradients(X, Y), flat.gradients(X, Y), 0)
    close(values(placed), values(flat), 0)


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
@pytest.mark.parametrize("n", [1, 3])
def test_an_activation_takes_the_input_as_it_lies(n, seeds, backend):
    below, above = (network([f"input {n}", *words], "bp", seeds=seeds, backend=backend) for words in BELOW)
    x, y = np.random.default_rng(2).normal(size=(9, n)), np.arange(9) % 3
    close(below.gradients(x, y), above.gradients(np.maximum(x, 0), y), 1e-12)


def test_samples_may_have_the_inputs_shape():
    net, x = network(PLACED, "bp"), X.reshape(-1, 2, 3, 1)
    np.testing.assert_array_equal(net.predict(x), net.predict(X))
    close(net.gradients(x, Y), net.gradients(X, Y), 0)
    assert net.loss(x, Y) == net.loss(X, Y)
    np.testing.assert_array_equal(net.as_trained(x), net.as_trained(X))


@pytest.mark.parametrize("shape", [(-1, 3, 1, 2), (-1, 3, 2), (-1, 2, 3)])
def test_samples_of_another_shape_are_refused(shape):
    net, x = network(PLACED, "bp"), X.reshape(shape)
    said = f"has the shape {x.shape}; expected (samples, 2, 3, 1), channels before height and width, or (samples, 6)"
    with pytest.raises(gpufa.InvalidValue, match=re.escape(said)):
        net.predict(x)
    said = f"x has the shape {x.shape}; expected (samples, 2, 3, 1), channels before height and width, or (samples, 6)"
    with pytest.raises(gpufa.InvalidValue, match=re.escape(said)):
        net.as_trained(x)


def test_a_run_says_how_it_looks_at_its_data(tmp_path):
    run = layered(("input 2x3x1", "dense 5 tanh, dense 4 tanh"))
    assert run.net.sizes.words == ["input 2x3x1", "dense 5 tanh, dense 4 tanh", "dense 3"]
    gpufa.save(run.net, tmp_path / "net.h5")
    loaded = gpufa.load(tmp_path / "net.h5", backend="numpy")
    assert loaded.sizes.shapes == run.net.sizes.shapes
    close(values(loaded), values(run.net), 0)


def test_arrays_to_train_on_of_another_order_are_refused():
    x, y = np.random.default_rng(0).normal(size=(8, 3, 2, 2)), np.arange(8) % 2
    config = gpufa.Config(layers=("input 2x3x2", "dense 4 tanh"), epochs=1, backend="numpy", seeds=(0,))
    good = x.transpose(0, 2, 1, 3)
    with pytest.raises(gpufa.InvalidValue, match=r"x_train and x_test have samples of the shapes \("):
        gpufa.train(config, (good, y, x, y))
    gpufa.train(config, (good, y, good, y))
    said = (
        "x has the shape (6, 3, 2, 2); expected (samples, 2, 3, 2), channels before height and width, or (samples, 12)"
    )
    for data in ((x, y), {"x": x, "y": y}, gpufa.load_data((x, y))):
        with pytest.raises(gpufa.InvalidValue, match=re.escape(said)):
            gpufa.train(config, data)


@pytest.mark.parametrize("ending", ["npz", "h5"])
def test_files_of_another_order_are_refused_to_train_on_and_to_predict_from(ending, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    x, y = np.random.default_rng(0).normal(size=(20, 2, 3, 2)), np.arange(20) % 2
    for name, own in {"good": x, "last": x.transpose(0, 2, 3, 1)}.items():
        if ending == "npz":
            np.savez(f"{name}.npz", x=own, y=y)
        else:
            with h5py.File(f"{name}.h5", "w") as file:
                file["x"], file["y"] = own, y
    flags = ["--layers", "input 2x3x2", "dense 4 tanh", "--epochs", "1", "--seeds", "0", "--quiet", "--out"]
    said = "expected (samples, 2, 3, 2), channels before height and width, or (samples, 12)"
    assert main(["train", "--data", f"last.{ending}", *flags, "bad"]) == 2
    assert f"x has the shape (16, 3, 2, 2); {said}" in capsys.readouterr().err
    assert main(["train", "--data", f"good.{ending}", *flags, "run"]) == 0
    assert main(["predict", "run", f"good.{ending}"]) == main(["evaluate", "run"]) == 0
    capsys.readouterr()
    for command in (["predict", "run", f"last.{ending}"], ["evaluate", "run", "--data", f"last.{ending}"]):
        assert main(command) == 2
        assert f"has the shape (20, 3, 2, 2); {said}" in capsys.readouterr().err


@pytest.mark.parametrize("placed", [(20, 1, 6, 5), (20, 6, 5), (20, 30)])
def test_images_of_one_channel_need_no_axis_for_it(placed, tmp_path):
    x, y = np.random.default_rng(0).normal(size=placed), np.arange(20) % 2
    np.savez(tmp_path / "images.npz", x=x, y=y)
    config = gpufa.Config(layers=("input 1x6x5", "conv 2 3x3 tanh"), epochs=1, backend="numpy", seeds=(0,), rule="bp")
    nets = [gpufa.train(config, data).network for data in ((x, y), tmp_path / "images.npz")]
    for net in nets:
        np.testing.assert_array_equal(net.predict(x), nets[0].predict(x.reshape(20, 30)))


def test_sets_known_by_name_are_of_one_channel():
    data = gpufa.load_data("digits")
    config = gpufa.Config(layers=("input 1x8x8", "conv 2 3x3 tanh, pool 2"), epochs=1, rule="bp", seeds=(0,))
    assert gpufa.train(config, data).network.sizes.shapes[0] == (1, 8, 8)
