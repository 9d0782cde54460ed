"""Layers in words: every layer's str is its word, which reads back as the layer, and stands for the same net."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gpufa
from gpufa.commands.main import main
from gpufa.functions.activations import ACTIVATIONS
from gpufa.layers import LAYERS, Act, BatchNorm, Chain, Dense, Dropout, LayerNorm, Residual, Shortcut, block
from gpufa.layers.words import inputs
from gpufa.net.shape.layout import Layout

FLAT = st.one_of(
    st.integers(1, 10**9).map(Dense),
    st.one_of(st.floats(2e-5, 0.9999), st.just(0)).map(Dropout),
    st.sampled_from(sorted(ACTIVATIONS)).map(Act),
    st.builds(BatchNorm, st.floats(0, 1e20), st.booleans(), st.floats(0, 1, exclude_min=True)),
    st.builds(LayerNorm, st.floats(0, 1e20), st.booleans()),
    st.builds(Shortcut, st.integers(1, 10**9), st.integers(1, 9) | st.tuples(st.integers(1, 9), st.integers(1, 9))),
)
LISTS = st.recursive(
    st.lists(FLAT, min_size=1, max_size=4).map(tuple),
    lambda inner: st.lists(
        FLAT | inner.map(Residual) | st.builds(Residual, inner, inner.map(list)), min_size=1, max_size=4
    ).map(tuple),
    max_leaves=12,
)


@given(LISTS)
def test_every_block_is_its_word_and_reads_back(layers):
    made = block(layers)
    assert block(str(made)) == made
    assert str(block(str(made))) == str(made)
    assert made == (layers[0] if len(layers) == 1 and isinstance(layers[0], Residual) else Chain(layers))


@given(LISTS, st.text(" ", min_size=1, max_size=3))
def test_blanks_do_not_matter(layers, blank):
    word = str(block(layers))
    assert block(blank + word.replace(",", f"{blank},{blank}").replace(" ", blank) + blank) == block(layers)


TEXTS = [
    *("1", "2", "3", "0", "2.5", "3x3", "2x1", "0x1", "conv", "pool", "mean", "global", "flatten", "stride", "pad"),
    *("same", "valid", "dilation", "groups", "nobias", "tanh", "dense", ",", "conv 4 3x3", "pool 2"),
    *("batch", "layer", "norm", "eps", "momentum", "zero", "shortcut", "|", "residual(", ")"),
]


@given(
    st.text(st.sampled_from("dense relu(),.0123456789-e tanhpou"), max_size=40)
    | st.text(max_size=20)
    | st.lists(st.sampled_from(TEXTS), max_size=9).map(" ".join)
)
@settings(max_examples=600)
def test_any_text_is_a_block_or_refused_in_a_sentence(text):
    said = ""
    try:
        made = block(text)
    except gpufa.InvalidValue as error:
        said = str(error)
    assert "; " in said or block(str(made)) == made


@pytest.mark.parametrize(
    ("word", "layers"),
    [
        ("dense 64", (Dense(64),)),
        ("dense 64 tanh", (Dense(64), Act("tanh"))),
        ("dense 64, tanh", (Dense(64), Act("tanh"))),
        ("dropout 0.5", (Dropout(0.5),)),
        ("dropout 0.5 relu", (Dropout(0.5), Act("relu"))),
        ("dropout 5e-1", (Dropout(0.5),)),
        ("dropout .5", (Dropout(0.5),)),
        ("dropout .5e-1", (Dropout(0.05),)),
        ("gelu", (Act("gelu"),)),
        ("dense 6 tanh, dense 4 gelu, dropout 0.25", (Dense(6), Act("tanh"), Dense(4), Act("gelu"), Dropout(0.25))),
        ("dense 3, residual (dense 3 relu)", (Dense(3), Residual((Dense(3), Act("relu"))))),
        ("residual(residual(dense 3), tanh), tanh", (Residual((Residual((Dense(3),)), Act("tanh"))), Act("tanh"))),
    ],
)
def test_words_stand_for_layers(word, layers):
    assert block(word) == Chain(layers) == block(list(layers)) == block([word])


def test_a_residual_alone_is_the_block_itself():
    assert block("residual(dense 3 tanh)") == Residual((Dense(3), Act("tanh")))


def test_layers_may_be_given_to_a_chain_as_a_list():
    assert Residual([Dense(3), Act("tanh")]) == block("residual(dense 3 tanh)")


def test_lists_mix_words_and_layers():
    assert block(["dense 3 tanh", Dropout(0.5), [Dense(4), "relu"]]) == block("dense 3 tanh, dropout 0.5, dense 4 relu")


def test_every_word_has_an_example_that_it_reads():
    for word, layer in LAYERS.items():
        assert layer.word == word
        assert block(layer.example) == Chain((block(layer.example).layers[0],))
        assert isinstance(block(layer.example).layers[0], layer)


@pytest.mark.parametrize(
    ("given", "shape"),
    [("input 784", (784,)), (" input  5 ", (5,)), ("input 3x8x4", (3, 8, 4)), ("dense 5", None), (5, None), ("", None)],
)
def test_inputs_are_said_in_words_too(given, shape):
    assert inputs(given) == shape


def test_the_command_prints_every_word(capsys):
    assert main(["layers"]) == 0
    shown = capsys.readouterr().out
    for word in [layer.example for layer in LAYERS.values()] + ["residual(dense 64 tanh)"]:
        assert word in shown
    assert all(name in shown.replace("\n", " ") for name in ACTIVATIONS)


WORDS = ["input 5", "dense 6 tanh, dense 4 gelu", "residual(dense 8 relu, dense 4), dropout 0.5", "dense 3"]
OBJECTS = [
    "input 5",
    [Dense(6), Act("tanh"), Dense(4), Act("gelu")],
    Chain((Residual((Dense(8), Act("relu"), Dense(4))), Dropout(0.5))),
    Dense(3),
]


def test_a_net_of_objects_is_that_of_their_words():
    nets = [gpufa.Network(given, rule="fa", backend="numpy", seed=7) for given in (WORDS, OBJECTS, tuple(OBJECTS))]
    for net in nets:
        assert net.sizes.words == WORDS
        for one, other in ((net.parameters, nets[0].parameters), (net.feedback, nets[0].feedback)):
            assert one.keys() == other.keys()
            assert all(np.array_equal(one[name], other[name]) for name in one)


def test_settings_of_objects_are_those_of_their_words():
    said = gpufa.Config(layers=WORDS[1:-1])
    assert gpufa.Config(layers=OBJECTS[1:-1]) == said
    assert said.layers == tuple(WORDS[1:-1])
    assert gpufa.Config(layers="dense 4 tanh") == gpufa.Config(layers=block("dense 4, tanh")) != said
    assert gpufa.Config(layers=["dense 4, tanh"]).layers == ("dense 4 tanh",)
    assert gpufa.Config(layers=["input 5", "dense 4"]).layers == ("input 5", "dense 4")


def test_parameters_are_named_by_block_and_by_place_within_it():
    net = gpufa.Network(WORDS, rule="fa", backend="numpy")
    shapes = {name: p.shape for name, p in net.parameters.items()}
    assert shapes == {
        **{"W1.1": (6, 5), "W1.2": (4, 6), "W2.1": (8, 4), "W2.2": (4, 8), "W3": (3, 4)},
        **{"b1.1": (6,), "b1.2": (4,), "b2.1": (8,), "b2.2": (4,), "b3": (3,)},
    }
    assert {name: B.shape for name, B in net.feedback.items()} == {
        **{"B0.2": (6, 4), "B1.1": (4, 8), "B1.2": (8, 4), "B2": (4, 3)}
    }


@pytest.mark.parametrize(("first", "names"), [("dense 4, tanh, dense 4", {"B0.2"}), ("tanh, dense 4", {"B0"})])
def test_stand_ins_go_as_far_down_as_an_error_does(first, names):
    layout = Layout.of(4, [block(first), block("dense 3")])
    assert {name for name, _ in layout.carriers[1].values()} == names


def test_a_layout_knows_what_its_words_say():
    layout = Layout.of(5, [block(word) for word in WORDS[1:]])
    assert layout.units == (5, 4, 4, 3)
    assert (layout.layered, layout.residual, layout.dropout) == ((1, 2), (), 0.0)
    assert not layout.by_sizes
    assert layout.activations == ("identity", "identity")
    fused = Layout.of(5, [block(w) for w in ("dense 4 tanh, dropout 0.5", "residual(dense 4, dropout 0.5)", "dense 3")])
    assert (fused.layered, fused.residual, fused.dropout) == ((), (2,), 0.5)
    assert fused.activations == ("tanh", "identity")
    uneven = Layout.of(5, [block(w) for w in ("dense 4 tanh, dropout 0.5", "dense 4, dropout 0.25", "dense 3")])
    assert (uneven.layered, uneven.dropout) == ((1, 2), 0.0)
