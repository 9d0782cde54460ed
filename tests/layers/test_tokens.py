"""Tokens, embeddings and positions: their words, what they are given, and what is refused in a sentence."""

import copy
import pickle

import numpy as np
import pytest
from rulelab import host, put
from tokenlab import NETS, PADDED, POOLED, TIED, data, made

import gpufa
from gpufa.layers import Attention, Dense, Embed, LayerNorm, Mean, Positions, block
from gpufa.layers.protocol.sequences import Steps, Tokens
from gpufa.layers.tokens.embed import waves
from gpufa.layers.words import inputs, said


def test_a_net_of_tokens_takes_whole_numbers(backend):
    net = gpufa.Network(POOLED, backend=backend)
    x = np.random.default_rng(0).integers(0, 9, (10, 6))
    for given in (x, x.astype("uint8"), x.astype("float32"), x.tolist()):
        np.testing.assert_array_equal(net.predict(given), net.predict(x))
    assert net.predict(x).shape == (10, 3)
    assert [tuple(shape) for shape in net.sizes.shapes] == [(6,), (8, 6), (8, 6), (5,), (3,)]
    shapes = {name: p.shape for name, p in net.parameters.items()}
    assert shapes["W1"] == (9, 8)
    assert (shapes["W2.2"], shapes["U2.2"], shapes["b2.2"], shapes["c2.2"]) == ((24, 8), (8, 8), (24,), (8,))
    assert (shapes["g2.1"], shapes["W2.4"], shapes["W2.5"], shapes["W3"]) == ((8,), (12, 8), (8, 12), (5, 8))


def test_an_embedding_is_a_row_for_each_token(backend):
    net = made(["tokens 3 of 5", "embed 4", "mean, dense 2 tanh", "dense 2"], backend=backend)
    x, y = data(net, 6)
    W, h = host(net, net.parameters["W1"]), net.signals(x, y)["h1"]
    np.testing.assert_array_equal(h, W[x].swapaxes(1, 2).reshape(6, -1))


def test_positions_are_added_and_sines_are_those_of_the_paper(backend):
    net = made(["tokens 3 of 5", "embed 4, positions", "positions sinusoidal, dense 4", "dense 2"], backend=backend)
    x, y = data(net, 6)
    y = y % 2
    W, P, h = host(net, net.parameters["W1.1"]), host(net, net.parameters["P1.2"]), net.signals(x, y)["h1"]
    np.testing.assert_allclose(h, W[x].swapaxes(1, 2).reshape(6, -1) + P, rtol=1e-14)
    sines = waves((4, 3)).reshape(4, 3)
    for t in range(3):
        np.testing.assert_allclose(sines[:, t], [np.sin(t), np.cos(t), np.sin(t / 100), np.cos(t / 100)])


def test_learned_positions_start_from_zero_and_embeddings_by_their_features():
    net = gpufa.Network(
        ["tokens 6 of 500", "embed 16, positions", "mean, dense 4 tanh", "dense 3"], backend="numpy", rule="bp"
    )
    assert not net.parameters["P1.2"].any()
    assert abs(net.parameters["W1.1"]).max() == pytest.approx(0.25, rel=1e-2)


def test_the_outputs_weights_are_a_tied_embeddings(backend):
    net = made(TIED, backend=backend)
    assert "W1.1" not in net.parameters
    x, y = data(net)
    put(net, net.parameters["P1"], np.zeros(24))
    h, W = net.signals(x, y)["h1"], host(net, net.parameters["W4"])
    np.testing.assert_array_equal(h, W[x].swapaxes(1, 2).reshape(5, -1))


@pytest.mark.parametrize("words", NETS.values(), ids=list(NETS))
def test_words_are_read_back(words):
    net = gpufa.Network(words, backend="numpy", rule="bp")
    assert gpufa.Network(net.sizes.words, backend="numpy", rule="bp").sizes.words == net.sizes.words
    assert net.sizes.words[0] == words[0]


@pytest.mark.parametrize("layer", [Embed(8), Embed(8, tied=True), Positions(), Positions(learned=False), Attention(2),
                                   Attention(2, causal=True, bias=False), Mean()])  # fmt: skip
def test_a_layer_is_its_word(layer):
    assert block(str(layer)).layers == (layer,)


def test_the_word_of_tokens_is_read_and_said():
    for text, of, pad in (("tokens 6 of 9", 9, None), ("tokens 12 of 65 pad 0", 65, 0)):
        found = inputs(text)
        assert (found.of, found.pad, said(found)) == (of, pad, text)
        for copied in (copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
            assert (copied, copied.of, copied.pad) == (found, of, pad)
    assert pickle.loads(pickle.dumps(Steps((3, 4), 1))).pad == 1


def test_layer_norm_goes_over_the_features_of_each_token_and_of_maps_over_all_units():
    assert LayerNorm().parameters(Steps((6, 5)))["g"].shape == (6,)
    assert LayerNorm().parameters((6, 5))["g"].shape == (30,)
    assert block("layernorm").layers == (LayerNorm(),)


def test_dense_is_at_each_token_and_of_channels_x_time_it_takes_units():
    assert Dense(4).out(Steps((6, 5))) == (4, 5)
    assert Dense(4).parameters(Steps((6, 5)))["W"].shape == (4, 6)
    assert Dense(4).out((6, 5)) == (4,)
    assert Dense(4).parameters((6, 5))["W"].shape == (4, 30)


def test_a_mean_leaves_out_tokens_that_fill_up(backend):
    net = made(["tokens 4 of 6 pad 2", "embed 3", "mean, dense 2 tanh", "dense 2"], backend=backend)
    x = np.array([[0, 1, 2, 2], [2, 2, 2, 2], [3, 2, 4, 5], [1, 1, 1, 1]])
    W, p = host(net, net.parameters["W1"]), net.pass_for(4)
    net.rule.forward(p, net.backend.to_device(x.astype(float)))
    found = host(net, p.blocks[2].at.inside[0].y)[0].T
    expected = [(W[row] * (row != 2)[:, None]).sum(0) / max((row != 2).sum(), 1) for row in x]
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-15)


REFUSED = [
    (["tokens 6", "embed 8, mean, dense 4", "dense 3"], "'tokens 6' can't be read; it takes how many tokens"),
    (["tokens 6 of 9 pad 9", "embed 8, mean, dense 4", "dense 3"], "the pad of tokens can't be 9; give one of their"),
    (["tokens 0 of 9", "embed 8, mean, dense 4", "dense 3"], "the length of tokens can't be 0"),
    (["tokens 6 of 0", "embed 8, mean, dense 4", "dense 3"], "the number of different tokens can't be 0"),
    (["tokens 6 of 20000000", "embed 8, mean, dense 4", "dense 3"], "can't be told apart; give at most 16777216"),
    (["tokens 6 of 9", "dense 4 tanh", "dense 3"], "'dense 4' takes amounts, and 'tokens 6 of 9' gives it numbers of"),
    (["tokens 6 of 9", "tanh, embed 4, mean", "dense 3"], "'tanh' takes amounts"),
    (["input 6", "embed 4, mean, dense 3 tanh", "dense 3"], "'embed 4' takes numbers of tokens, and its input has the"),
    (
        ["tokens 6 of 9", "embed 4", "embed 4", "dense 3"],
        "'embed 4' takes numbers of tokens, and its input has the shape",
    ),
    (["input 6", "dense 4, attention 2", "dense 3"], "'attention 2' takes what is known of each token"),
    (["input 3x6", "conv1d 4 3, positions", "dense 3"], "'positions' takes what is known of each token"),
    (["input 3x6", "conv1d 4 3, mean, dense 2", "dense 3"], "'mean' takes what is known of each token"),
    (["input 6", "dense 4, as tokens", "dense 3"], "'as tokens' makes tokens of places, and an input of the shape"),
    (["tokens 6 of 9", "embed 8, attention 3, mean", "dense 3"], "'attention 3' can't divide the 8 features"),
    (["tokens 6 of 9", "embed 1, layer norm, mean", "dense 3"], "'layer norm' goes over the features of each token"),
    (["tokens 6 of 9 pad 0", "embed 4, global mean, dense 4", "dense 3"], "'global mean' would count tokens that fill"),
    (
        ["tokens 6 of 9", "embed 4 tied, positions", "mean, dense 4 tanh", "dense 3"],
        "'embed 4 tied' shares the outputs' W",
    ),
    (
        ["tokens 6 of 9", "embed 4 tied", "mean, dense 4 tanh", "dense 9"],
        "block 1, 'embed 4 tied', has nothing to learn",
    ),
    (["input 4", "tokens 6 of 9", "dense 3"], "'tokens 6 of 9' says what the inputs are, and is no layer"),
]


@pytest.mark.parametrize(("words", "sentence"), REFUSED)
def test_what_does_not_fit_is_refused_in_a_sentence(words, sentence):
    with pytest.raises(gpufa.InvalidValue) as error:
        gpufa.Network(words, backend="numpy", rule="bp")
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("make", "sentence"), [
    (lambda: Embed(0), "the features of an embedding can't be 0"),
    (lambda: Embed(4, tied=1), "the tied of an embedding can't be 1; give True or False"),
    (lambda: Positions(learned="yes"), "the learned of positions can't be 'yes'"),
    (lambda: Attention(0), "the heads of an attention can't be 0"),
    (lambda: Attention(2, causal=3), "the causal of an attention can't be 3"),
    (lambda: Attention(2, bias=None), "the bias of an attention can't be None"),
])  # fmt: skip
def test_hyperparameters_are_looked_at(make, sentence):
    with pytest.raises(gpufa.InvalidValue, match=sentence):
        make()


@pytest.mark.parametrize(("value", "shown"), [(9, "9"), (-1, "-1"), (2.5, "2.5")])
def test_numbers_that_are_no_tokens_are_refused_wherever_they_are_handed_in(value, shown, backend):
    net = gpufa.Network(POOLED, rule="bp", backend=backend)
    x, y = data(net)
    x = x.astype(float)
    x[3, 2] = value
    sentence = (
        f"{shown} in row 3, column 2 .counted from 0., is no number of a token; 'tokens 6 of 9' takes whole numbers"
    )
    for asked in (net.predict, lambda x: net.loss(x, y), lambda x: net.gradients(x, y), lambda x: net.signals(x, y)):
        with pytest.raises(gpufa.InvalidValue, match=sentence):
            asked(x)
        with pytest.raises(gpufa.InvalidValue, match=sentence):
            asked(net.backend.to_device(x))


def test_bytes_are_looked_at_too():
    net = gpufa.Network(POOLED, rule="bp", backend="numpy")
    with pytest.raises(gpufa.InvalidValue, match="the inputs: 200 in row 0, column 0"):
        net.predict(np.full((2, 6), 200, "uint8"))


def test_an_embedding_hands_nothing_down(backend):
    net = made(PADDED, backend=backend)
    x, y = data(net)
    p = net.judged(net.backend.to_device(x.astype(float)), net.backend.to_device(y))
    net.rule.deltas(p, p.e)
    with pytest.raises(gpufa.InvalidValue, match="'embed 6' hands nothing down: numbers of tokens have no gradient"):
        p.pull(1)


def test_tokens_are_of_the_words_given():
    assert Tokens((6,), 9) == (6,)
    assert repr(gpufa.Network(POOLED, rule="bp", backend="numpy")).startswith(
        "Network(tokens 6 of 9; embed 8; residual("
    )
