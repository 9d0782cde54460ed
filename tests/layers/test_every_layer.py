"""Every row of LAYERS: its word is read back, its gradients are the loss's, and a net of it is saved and loaded."""

import numpy as np
import pytest
from graphlab import graph
from rulelab import network, samples

import gpufa
from gpufa.layers import LAYERS, block
from gpufa.layers.protocol.sequences import numbered

SIZES = [40, 6, 3]
MAPS = {
    "conv",
    "conv1d",
    "local",
    "pool",
    "mean pool",
    "global mean",
    "shortcut",
    "as tokens",
    *("recurrent", "gru", "lstm", "lif", "alif", "lowpass", "delta", "turn"),
}  # whose examples take nothing but maps
ALONG = {"conv1d", "recurrent", "gru", "lstm", "lif", "alif", "lowpass", "delta", "turn"}  # and of one axis alone
ENCODERS = {"poisson", "latency", "delta"}  # which stand in front of all that learns
SPIKING = {"lif", "alif"}  # whose gradient is not the loss's, which is flat almost everywhere (test_spiking.py)
TOKENS = {"embed", "positions", "attention", "mean"}  # what is known of tokens, or their numbers
every_word = pytest.mark.parametrize("word", [layer.example for layer in LAYERS.values()])
of_samples = pytest.mark.parametrize("word", [layer.example for layer in LAYERS.values() if not layer.joins])


def of_tokens(word):
    """The blocks in front of a net's last hidden one, for a layer of tokens or of their numbers."""
    return [word, "dense 8 tanh"] if word.startswith("embed") else ["embed 8", f"dense 8 tanh, {word}, tanh"]


def net(word):
    """The layer above maps, and where it takes units between two dense layers, alone and under a skip connection; of
    tokens above these."""
    if type(block(word).layers[0]).word in TOKENS:
        mean = [] if word == "mean" else ["mean, dense 6 tanh"]
        inner = [] if word in ("embed 64", "mean") else [f"residual(dense 8 tanh, {word})"]
        return network(["tokens 5 of 7", *of_tokens(word), *inner, *mean, "dense 3"], "bp")
    word = f"{word}, mean" if word == "as tokens" else word
    name, inner = type(block(word).layers[0]).word, f"dense 6 tanh, {word}, dense 6 tanh"
    if name in ENCODERS:
        return network(["input 2x20" if name in ALONG else "input 40", f"{word}, dense 6 tanh", "dense 3"], "bp")
    flat = [] if name in MAPS else [inner, f"residual({inner})"]
    first, below = ("input 2x20", "conv1d 4 3") if name in ALONG else ("input 2x5x4", "conv 4 3x3")
    of = graph(9, share=0.3) if LAYERS[name].joins else None
    return network([first, f"{below} tanh, {word}, dense 6 tanh", *flat, "dense 3"], "bp", graph=of)


@every_word
def test_a_word_is_read_back(word):
    for text in (word, f"{word}, tanh", f"{word} tanh", f"residual(dense 6 tanh, {word})"):
        assert str(block(str(block(text)))) == str(block(text))
        assert block(text).layers


@every_word
def test_backprop_through_it_is_the_gradient_of_the_loss(word):
    if block(word).layers[0].word in SPIKING:
        return
    made, (x, y) = net(word), samples(SIZES)
    if numbered(made.sizes.shapes[0]):
        x = np.random.default_rng(0).integers(0, 7, (9, 5))
    found = made.gradients(x, y)
    assert found.keys() == made.parameters.keys()
    for name, p in made.parameters.items():
        for at in ((0,) * p.ndim, (-1,) * p.ndim):
            kept, step = p[at], 1e-5
            p[at] = kept + step
            above = made.loss(x, y)
            p[at] = kept - step
            slope = (above - made.loss(x, y)) / (2 * step)
            p[at] = kept
            np.testing.assert_allclose(found[name][at], slope, rtol=1e-6, atol=1e-9, err_msg=name)


@of_samples
def test_a_net_of_it_trains_and_is_saved_and_loaded(word, tmp_path):
    word = f"{word}, mean" if word == "as tokens" else word
    name = type(block(word).layers[0]).word
    along = name in ALONG
    first, below = ("input 1x64", "conv1d 2 3") if along else ("input 1x8x8", "conv 2 3x3")
    layers = (first, f"{below} tanh, {word}", "dense 6 tanh")
    if name in ENCODERS:
        layers = (first, f"{word}, dense 6 tanh")
    if name in TOKENS:
        layers = ("tokens 64 of 17", *of_tokens(word), *([] if word == "mean" else ["mean, dense 6 tanh"]))
    settings = {"layers": layers, "epochs": 1, "seeds": (0, 1), "backend": "numpy", "out": str(tmp_path / "run")}
    x = np.random.default_rng(0).integers(0, 17, (44, 64)).astype(float)
    data = gpufa.Data(x[4:], np.arange(40) % 10, x[4:9], np.arange(5)) if name in TOKENS else None
    trained = gpufa.train(gpufa.Config(**settings), data=data).network
    loaded = gpufa.load(tmp_path / "run", backend="numpy")
    assert loaded.sizes.words == trained.sizes.words == [*layers, "dense 10"]
    np.testing.assert_array_equal(loaded.predict(x[:4]), trained.predict(x[:4]))
