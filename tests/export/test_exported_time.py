"""Recurrent nets as ONNX and PyTorch: equal to ours at 1e-6, or refused in a sentence."""

import pytest
from exportlab import agree, every_format, random_net, raw

import gpufa

CELLS = "recurrent 5", "recurrent 5 relu", "gru 5", "lstm 5"
NETS = [
    (["input 3x7", "{}", "dense 3"]),
    (["input 3x7", "{} all, {}, dense 4 tanh", "dense 3"]),
    (["input 3x7", "conv1d 4 3 tanh, {} all", "dense 3"]),
    (["input 7x3", "turn, {} all, conv1d 4 2 gelu", "{}", "dense 3"]),
    (["input 1x6x4", "turn, {}", "dense 3"]),
    (["input 5x4", "residual({} all), {} all, global mean", "dense 3"]),
    (["tokens 6 of 9", "embed 8, {} all, mean", "dense 3"]),
    (["input 3x1", "{}", "dense 3"]),
]


@every_format
@pytest.mark.parametrize("word", CELLS)
@pytest.mark.parametrize("words", NETS, ids=range(len(NETS)))
def test_nets_through_time(words, word, run):
    agree(net := random_net([text.replace("{}", word) for text in words], seeds=[0, 1]), raw(net), run)


@every_format
@pytest.mark.parametrize("word", ["gru 12", "lstm 12"])
def test_of_many_steps(word, run):
    net = random_net(["input 2x200", word, "dense 3"])
    agree(net, 3 * raw(net, 20), run)


@every_format
@pytest.mark.parametrize("word", ["recurrent 5 leaky 0.5", "recurrent 5 logistic"])
def test_other_units_are_refused(word, run):
    net = random_net(["input 3x7", word, "dense 3"])
    with pytest.raises(gpufa.InvalidValue, match=f"layer '{word}' can't be exported so far: PyTorch and ONNX have rec"):
        run(net, raw(net))
