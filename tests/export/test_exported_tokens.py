"""Nets of tokens as ONNX and PyTorch: equal to ours at 1e-6, or refused in a sentence."""

import pytest
from exportlab import UNKNOWN, agree, every_format, random_net, raw
from netlab import random_token_words

import gpufa

NETS = {
    "causal": [
        "tokens 6 of 9",
        "embed 8, positions, residual(layer norm, attention 2 causal, dense 8 gelu)",
        "mean, dense 5 tanh",
        "dense 3",
    ],
    "flat": [
        "tokens 6 of 9",
        "embed 8, positions sinusoidal",
        "residual(attention 4 nobias), flatten, dense 4",
        "dense 3",
    ],
    "seen": [
        "input 3x4x4",
        "conv 6 2x2 stride 2, as tokens, positions",
        "residual(layer norm, attention 3), mean, dense 4",
        "dense 3",
    ],
}
PADS = "can't be exported so far where tokens fill up, as 'pad 0' says; leave pad out"
REFUSED = [
    (["tokens 6 of 9 pad 0", "embed 8", "attention 2, mean, dense 4", "dense 3"], f"'attention 2' {PADS}"),
    (["tokens 6 of 9 pad 0", "embed 8", "mean, dense 4", "dense 3"], f"'mean' {PADS}"),
    (
        ["tokens 6 of 9", "embed 4 tied, positions", "mean, dense 4", "dense 9"],
        "'embed 4 tied' can't be exported so far",
    ),
]


@every_format
@pytest.mark.parametrize("words", NETS.values(), ids=list(NETS))
def test_nets_of_tokens(words, run):
    agree(net := random_net(words, seeds=[0, 1]), raw(net), run)


@every_format
@pytest.mark.parametrize("seed", range(8))
def test_random_nets_of_tokens(seed, run):
    agree(net := random_net(random_token_words(seed, UNKNOWN), seed), raw(net), run)


@every_format
@pytest.mark.parametrize(("words", "sentence"), REFUSED)
def test_what_can_not_be_exported_is_told(words, sentence, run):
    net = random_net(words)
    with pytest.raises(gpufa.InvalidValue) as error:
        run(net, raw(net))
    assert sentence in str(error.value)
