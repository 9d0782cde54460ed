"""The shape of a net's inputs, where --layers don't begin with it: that in which images are handed in."""

import numpy as np
import pytest

import gpufa
from gpufa.basics.errors import InvalidValue

Y = np.arange(12) % 3
CONV, DENSE = ("conv 2 3x3 relu",), ("dense 4 tanh",)


def trained(shape, layers, tmp_path):
    x = np.random.default_rng(0).random((12, *shape), np.float32)
    settings = {"rule": "bp", "epochs": 1, "seeds": (0,), "out": str(tmp_path / "run"), "backend": "numpy"}
    return gpufa.train(gpufa.Config(layers=layers, **settings), data=(x, Y, x, Y))


@pytest.mark.parametrize(
    ("shape", "layers", "taken"),
    [
        ((3, 6, 5), CONV, (3, 6, 5)),
        ((6, 5), CONV, (1, 6, 5)),
        ((6, 5), ("input 6x5", "conv1d 2 3 relu"), (6, 5)),
        ((3, 6, 5), ("input 90", *DENSE), (90,)),
        ((30,), DENSE, (30,)),
        ((6, 5, 3), DENSE, (90,)),  # which looks like channels last
        ((2, 3, 2, 2), DENSE, (24,)),
    ],
)
def test_the_shape_is_that_of_images(shape, layers, taken, tmp_path):
    net = trained(shape, layers, tmp_path).network
    assert net.sizes.shapes[0] == taken
    assert gpufa.load(tmp_path / "run").sizes.shapes[0] == taken


@pytest.mark.parametrize("shape", [(30,), (6, 5, 3), (2, 3, 2, 2)])
def test_what_is_no_image_needs_the_word(shape, tmp_path):
    with pytest.raises(InvalidValue, match="input"):
        trained(shape, CONV, tmp_path)


def test_the_first_line_says_what_was_taken(tmp_path, capsys, monkeypatch):
    from gpufa.commands.main import main

    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).random((12, 6, 5))
    np.savez("own.npz", x_train=x, y_train=Y, x_test=x, y_test=Y)
    flags = ["--data", "own.npz", "--rule", "bp", "--epochs", "1", "--backend", "numpy"]
    assert main(["train", *flags, "--layers", *CONV]) == 0
    assert "12 + 12 samples; images 1x6x5" in " ".join(capsys.readouterr().err.split())
    assert main(["train", *flags, "--layers", "input 1x6x5", *CONV]) == 0
    assert "images" not in capsys.readouterr().err
    assert main(["train", *flags, "--hidden", "4"]) == 0
    assert "images" not in capsys.readouterr().err
