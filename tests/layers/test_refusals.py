"""What can't be a net of layers is refused in a sentence that says what to do."""

import re

import numpy as np
import pytest
from layerlab import layered
from rulelab import network, samples, trainer

import gpufa
from gpufa.layers import Act, Chain, Dense, Dropout, Residual, block
from gpufa.layers.protocol.layer import Layer
from gpufa.net.probation import try_out

NET = ["input 5", "dense 6, tanh, dense 4", "residual(dense 4 tanh)", "dense 3"]


def refused(what, text, error=gpufa.InvalidValue):
    with pytest.raises(error, match=re.escape(text)):
        what()


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ([], "block [] has no layer; give one such as 'dense 64 tanh'"),
        (3.5, "3.5 is no layer; give words such as 'dense 64 tanh', or layers of gpufa.layers"),
        ([Dense(3), None], "None is no layer"),
        ("residual(dense 3", "the brackets of block 'residual(dense 3' don't close; write residual(dense 64 tanh)"),
        ("dense 3)", "the brackets of block 'dense 3)' don't close"),
        ("residual(dense 3)(dense 3)", "don't close"),
        ("", "has nothing before or behind a comma, or is empty"),
        ("dense 3,", "has nothing before or behind a comma, or is empty"),
        ("residual()", "has nothing before or behind a comma, or is empty"),
        ("ssm 3", "unknown layer 'ssm 3'"),
        ("Dense 3", "unknown layer 'Dense 3'"),
        ("tanh 3", "unknown layer 'tanh 3'"),
        ("input 5", "'input 5' says what the inputs are, and is no layer; put it in front of all"),
        (
            "dense",
            "layer 'dense' can't be read; dense takes n, such as 'dense 64', and may end in an activation: ident",
        ),
        ("gru 5 last all", "layer 'gru 5 last all' can't be read; gru takes n, then all or last, such as 'gru 6'"),
        ("dense 3 4", "layer 'dense 3 4' can't be read"),
        ("dense -3", "layer 'dense -3' can't be read"),
        ("dense 3 tanh tanh", "layer 'dense 3 tanh tanh' can't be read"),
        ("dense 1e3", "the units of a dense layer can't be 1000.0; give a whole number of at least 1"),
        ("dense 0", "the units of a dense layer can't be 0; give a whole number of at least 1"),
        ("dropout", "layer 'dropout' can't be read; dropout takes p, such as 'dropout 0.5'"),
        ("dropout 1", "dropout can't be 1; give 0, or a number between 2^-17 and 1 - 2^-17"),
        ("dropout 1e-9", "dropout can't be 1e-09"),
    ],
)
def test_blocks(given, text):
    refused(lambda: block(given), text)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Dense(2.5), "the units of a dense layer can't be 2.5"),
        (lambda: Dense(True), "the units of a dense layer can't be True"),
        (lambda: Dropout(-0.5), "dropout can't be -0.5"),
        (lambda: Dropout("much"), "dropout can't be 'much'"),
        (lambda: Chain(()), "the layers of a chain can't be (); give layers such as [Dense(64), Act('tanh')]"),
        (lambda: Residual(["dense 3"]), "the layers of a chain can't be ['dense 3']; give layers such as"),
        (lambda: Residual(Dense(3)), "the layers of a chain can't be Dense(n=3); give a list such as [Dense(64), Act("),
        (lambda: Act("tan"), "unknown activation 'tan'; choose one of identity, tanh"),
        (
            lambda: Residual((Dense(3),)).out((4,)),
            "'residual(dense 3)' makes (3,) of (4,), and can't add the two; let it",
        ),
    ],
)
def test_layers(make, text):
    refused(make, text)


def test_a_layer_of_ones_own_must_say_what_it_does():
    with pytest.raises(NotImplementedError, match=r"Layer must define forward\(at\)"):
        Layer().forward(None)
    with pytest.raises(NotImplementedError, match=r"Layer must define pull\(at, carriers\)"):
        Layer().pull(None, None)
    with pytest.raises(NotImplementedError, match=r"Layer must define windows\(shape\)"):
        Layer().windows((3,))


@pytest.mark.parametrize(
    ("layers", "text"),
    [
        (["input", "dense 3"], "'input' can't be read; it takes a number of inputs, such as 'input 784'"),
        (["input 0", "dense 3"], "'input 0' can't be read"),
        (["input 1x8x8, dense 3", "dense 3"], "such as 'input 3x100', in a string by itself"),
        (["input 5 6", "dense 3"], "'input 5 6' can't be read"),
        (["input -1", "dense 3"], "'input -1' can't be read"),
        (
            ["input 8x8x8x8", "dense 3"],
            "'input 8x8x8x8' can't be read; it takes a number of inputs, such as 'input 784', or chan",
        ),
        (["input 0x8x8", "dense 3"], "'input 0x8x8' can't be read"),
        (["dense 3", "dense 3"], "layers ['dense 3', 'dense 3'] must begin with the inputs and end with the outputs"),
        (
            ["input 5"],
            "layers ['input 5'] must begin with the inputs and end with the outputs; give such as ['input 64'",
        ),
        ([5, "dense 3"], "must begin with the inputs"),
        (["input 5", "tanh", "dense 3"], "block 1, 'tanh', has nothing to learn; put it behind the layer that it belo"),
        (["input 5", "residual(dropout 0.5)", "dense 3"], "block 1, 'residual(dropout 0.5)', has nothing to learn"),
        (
            ["input 5", "residual(dense 4 tanh)", "dense 3"],
            "'residual(dense 4 tanh)' makes (4,) of (5,), and can't add",
        ),
        (
            ["input 5", "dense 3 tanh"],
            "the last block is 'dense 3 tanh'; give the outputs as 'dense 10', or at every p",
        ),
        (["input 5", "dense 3, dropout 0.5"], "the last block is 'dense 3, dropout 0.5'"),
        (["input 3", "residual(dense 3)"], "the last block is 'residual(dense 3)'"),
        (["input 5", "dense 4, dense 3"], "the last block is 'dense 4, dense 3'"),
        (["input 5", "dense 4, dense 3", "input 3"], "'input 3' says what the inputs are, and is no layer; put it in"),
    ],
)
def test_nets(layers, text):
    refused(lambda: gpufa.Network(layers, backend="numpy"), text)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"activation": "tanh"},
            "activation = 'tanh' is for nets given by sizes; say it in the layers, such as 'dense 64",
        ),
        ({"residual": True}, "residual = True is for nets given by sizes"),
        ({"residual": 1}, "residual can't be 1; give True or False"),
        (
            {"rule": "pepita"},
            "rule 'pepita' takes blocks in which one layer learns, under no skip connection, and block 1 is 'dense 6 t",
        ),
        (
            {"rule": "ifa"},
            "; use one of bp, shallow, fa, dfa, topology, sdfa, drtp, usf, brsf, frsf, kp, dkp, weight_mirror, rflo,"
            " eprop, dni_windows, decolle, or ",
        ),
        ({"rule": "dtp"}, "or leave that block out"),
        ({"rule": "frsf", "feedback": "procedural"}, "rule 'frsf' needs its feedback matrices in memory; leave"),
        ({"init": ["uniform"] * 3}, "3"),
        (
            {"init": "zeros", "init_scale": 0.1},
            "init_scale = 0.1 has nothing to scale where all weights start from zero",
        ),
    ],
)
def test_what_does_not_go_with_layers(settings, text):
    refused(lambda: gpufa.Network(NET, backend="numpy", **settings), text)


def test_rules_that_go_their_own_way_take_no_skip_connection():
    words = ["input 5", "dense 4 tanh", "residual(dense 4 tanh)", "dense 3"]
    text = "rule 'pepita' goes through the net in a way of its own, which knows no skip connections, and block 2 is"
    refused(lambda: gpufa.Network(words, rule="pepita", backend="numpy"), text)
    refused(lambda: gpufa.Network(words, rule="pepita", backend="numpy"), "or leave --residual out")


def test_layers_without_a_derivative_anywhere():
    text = "rule 'bp' learns through derivatives that are not zero everywhere, and block 1 is 'dense 6 step, dense 4'"
    refused(lambda: gpufa.Network(["input 5", "dense 6 step, dense 4", "dense 3"], rule="bp", backend="numpy"), text)
    text = "activation 'sign' of hidden layer 1 has derivative zero, so rule 'bp' would never train it; use rule 'dfa'"
    refused(lambda: gpufa.Network(["input 5", "dense 6 sign", "dense 3"], rule="bp", backend="numpy"), text)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"hidden": (5,)},
            "hidden = (5,) and layers = ('dense 4',) both say what the net is; leave --hidden or --layers",
        ),
        ({"activation": "relu"}, "activation = ('relu',) and layers = ('dense 4',) both say"),
        ({"residual": True}, "residual = True and layers = ('dense 4',) both say"),
        ({"dropout": 0.5}, "dropout = 0.5 and layers = ('dense 4',) both say"),
        ({"layers": 5}, "layers can't be 5; give a list such as"),
        ({"layers": ["ssm 3"]}, "unknown layer 'ssm 3'"),
        ({"layers": ["input x"]}, "'input x' can't be read"),
    ],
)
def test_settings(settings, text):
    refused(lambda: gpufa.Config(**{"layers": ("dense 4",)} | settings), text)


@pytest.mark.parametrize(
    ("layers", "settings", "text"),
    [
        (["input 5", "dense 4"], {}, "layers begin with 'input 5', but the data have 6 features; mend --layers"),
        (
            ["input 2x3x2", "dense 4"],
            {},
            "layers begin with 'input 2x3x2', but the data have 6 features; mend --layers",
        ),
        (["dense 4", "input 6"], {}, "'input 6' says what the inputs are, and is no layer; put it in front of all"),
        (["dense 4 tanh"], {"depth_drop": 0.5}, "depth_drop drops residual layers, and the net has none"),
        (["dense 4", "residual(dense 4, layer norm)"], {"depth_drop": 0.5}, "and the net has none of one dense layer"),
        (["dense 4, dense 4"], {"freeze": (3,)}, "layer 3 can't be frozen; the net has layers 1 to 2"),
        (["dense 4, dense 4"], {"layer_lr": (1, 1, 1)}, "3 learning rates were given for 2 layers"),
    ],
)
def test_runs(layers, settings, text):
    refused(lambda: layered(layers, **settings), text)


@pytest.mark.gpu
@pytest.mark.parametrize(
    ("layers", "text"),
    [
        (["dense 4 tanh", "residual(dense 4)"], "precision 'bf16' can't add skip connections"),
        (
            ["dense 4", "dense 4, dense 4"],
            "bf16' goes through blocks of one dense layer each, and block 2 is 'dense 4, d",
        ),
    ],
)
def test_lower_precision_goes_through_dense_layers_alone(layers, text):
    refused(lambda: layered(layers, precision="bf16", dtype="float32", backend="cupy"), text)
    trainer(hidden=None, layers=["dense 4 tanh"], precision="bf16", dtype="float32", backend="cupy").step()


@pytest.mark.parametrize(("shape", "to"), [((1, 4, 8), 1), ((1, 3, 9), 2), ((1, 9, 9), range(1, 3))])
def test_signals_that_do_not_fit(shape, to, backend):
    net = network(NET, "dfa", backend=backend)
    p = net._error(*samples([5, 3]))
    what = (
        f"a signal {shape} can't arrive at layer {'all hidden blocks' if to == range(1, 3) else to}, which takes (1, "
    )
    refused(lambda: p.send(to, net.backend.zeros(shape, "float64")), what)
    matrix, signal = net.backend.zeros((1, 4, 2), "float64"), net.backend.zeros((1, 3, 9), "float64")
    refused(
        lambda: p.send(2, p.through(matrix, signal)), "a rule can't send a signal (1, 3, 9) through a matrix (1, 4,"
    )


def test_probation_takes_every_shipped_rule_that_takes_the_net():
    for rule in ("bp", "fa", "dfa", "kp", "dkp", "usf", "frsf", "brsf", "sdfa", "drtp", "shallow"):
        try_out(network(NET, rule), *(np.asarray(a) for a in samples([5, 3])))
