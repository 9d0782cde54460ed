"""Layers of a class of one's own where layers are words: in settings, files and copies."""

import copy
import pickle

import numpy as np
import pytest
from rulelab import network, samples

import gpufa
from gpufa.layers import LAYERS, Act, Chain, Dense, Dropout, Residual

X, _ = samples([5, 3], m=40)
DATA = X, np.arange(40) % 3


class Doubled(Dense):
    """Of gpufa's word."""

    def forward(self, at):
        super().forward(at)
        at.y *= 2


class Tripled(Dense):
    """Of a word of its own, under which it may be found."""

    word = "tripled"
    example = "tripled 6"

    def forward(self, at):
        super().forward(at)
        at.y *= 3


class Stacked(Chain):
    """No layer, but a chain of one's own."""


class Untold(gpufa.layers.Layer):
    """Of no word."""


OWN = {
    "a layer": ([Doubled(6), Act("tanh")], "layer Doubled is", "'dense 6'"),
    "in a branch": (Residual([Dense(6), Residual([Doubled(6)])]), "layer Doubled is", "'dense 6'"),
    "in a shortcut": (Residual([Dense(6)], shortcut=[Doubled(6)]), "layer Doubled is", "'dense 6'"),
    "a chain": (Stacked((Dense(6), Act("tanh"))), "layer Stacked is", "'dense 6 tanh'"),
    "unknown by its word": (Tripled(6), "layer Tripled is", "'tripled 6'"),
    "without a word": ([Dense(6), Untold()], "layer Untold is", "''"),
}


@pytest.mark.parametrize("name", OWN)
def test_settings_do_not_take_them_for_gpufa_s(name):
    given, *parts = OWN[name]
    with pytest.raises(gpufa.InvalidValue) as error:
        gpufa.Config(layers=("input 5", given))
    said = " a class of your own, and in settings, files and copies, which are words, {} would be another or none;"
    assert str(error.value).startswith(parts[0] + said.format(parts[1]))
    with pytest.raises(gpufa.InvalidValue, match=parts[0]):
        gpufa.Config(layers=given)


@pytest.mark.parametrize("way", [pickle.dumps, copy.deepcopy, gpufa.checkpoints.networks.held])
def test_files_and_copies_of_a_net_do_not_either(way):
    net = network(["input 5", [Doubled(6), Act("tanh")], "dense 3"], "bp")
    assert "dense 6 tanh" in repr(net)
    with pytest.raises(gpufa.InvalidValue, match=r"layer Doubled is a class .*LAYERS\[Doubled\.word\] = Doubled"):
        way(net)


def test_by_a_word_of_its_own_it_trains_and_is_there_again(tmp_path, monkeypatch):
    monkeypatch.setitem(LAYERS, "tripled", Tripled)
    settings = {"rule": "bp", "dtype": "float64", "backend": "numpy", "epochs": 2, "seeds": (0,), "init": "uniform"}
    one, words = (
        gpufa.train(gpufa.Config(layers=("input 5", given, "dense 4 tanh"), out=str(tmp_path / name), **settings), DATA)
        for name, given in (("one", [Tripled(6), Act("tanh")]), ("words", "tripled 6, tanh"))
    )
    loaded, copied = gpufa.load(tmp_path / "one"), copy.deepcopy(one.network)
    resumed = gpufa.resume(tmp_path / "one", epochs=3, data=DATA)
    other = gpufa.resume(tmp_path / "words", epochs=3, data=DATA)
    for net in (words.network, loaded, copied):
        np.testing.assert_array_equal(net.predict(X), one.network.predict(X))
        assert type(net.sizes.blocks[0].layers[0]) is Tripled
    np.testing.assert_array_equal(resumed.network.predict(X), other.network.predict(X))
    plain = network(["input 5", "dense 6 tanh", "dense 4 tanh", "dense 3"], "bp")
    for name, p in plain.parameters.items():
        p[...] = loaded.parameters[name] * (3 if name in ("W1", "b1") else 1)
    np.testing.assert_allclose(plain.predict(X), loaded.predict(X), rtol=1e-12)


def test_layers_of_gpufa_s_are_worded_however_they_are_nested():
    inner = Chain((Dense(5), Act("tanh"), Dropout(0.1)))
    assert gpufa.Config(layers=("input 5", [inner, Residual([inner])])).layers[1] == (
        "dense 5 tanh, dropout 0.1, residual(dense 5 tanh, dropout 0.1)"
    )
