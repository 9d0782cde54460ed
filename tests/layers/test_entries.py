"""Where an error enters which block: behind what, through how large a matrix, and what is told of it."""

import numpy as np
import pytest
from layerlab import give_jacobians
from rulelab import close, host, network, put

import gpufa
from gpufa.backends.cpu.backend import NumpyBackend
from gpufa.commands.main import main
from gpufa.rules import make_rule

BEHIND = [
    *("input 1x28x28", "conv 16 5x5 relu, pool 2", "residual(conv 16 3x3 relu)", "conv 4 3x3 stride 2"),
    *("dense 5", "dense 10"),
]
MICRO = ["input 2x6x5", "conv 4 3x3 tanh", "conv 3 2x2 gelu, mean pool 2x1", "dense 5 tanh", "dense 4 tanh", "dense 3"]
MACRO = ["input 2x6x5", "conv 4 3x3 tanh, conv 3 2x2 gelu, mean pool 2x1", "dense 5 tanh, dense 4 tanh", "dense 3"]
SAME = {"W1": "W1.1", "W2": "W1.2", "W3": "W2.1", "W4": "W2.2", "W5": "W3"}
SAME |= {name.replace("W", "b"): macro.replace("W", "b") for name, macro in SAME.items()}
ONE_BY_ONE = {macro: name for name, macro in SAME.items()}
draw = np.random.default_rng(8)


def told(rule="dfa", words=BEHIND, **more):
    options = more.pop("options", {})
    return gpufa.Network(words, rule=make_rule(rule, options), backend="numpy", **more).entries


def test_each_block_is_told():
    assert told() == [
        "error enters block 1 behind pool 2 (16x14x14), B 3136 x 10, each unit its own row, 125 kB",
        "error enters block 2 behind residual(...) (16x14x14), B 3136 x 10, each unit its own row, 125 kB",
        "error enters block 3 behind conv 4 3x3 stride 2 (4x7x7), B 196 x 10, each unit its own row, 7.84 kB",
        "error enters block 4 behind dense 5 (5), B 5 x 10, each unit its own row, 200 bytes",
    ]
    assert told("drtp", options={"places": "shared"}, dtype="float64")[:1] == [
        "error enters block 1 behind pool 2 (16x14x14), B 16 x 10, each channel a row, the same at every place, 1.28 kB"
    ]
    repeated = told("dkp", options={"places": "repeated"})
    assert repeated[0].endswith("B 144 x 10, each channel 3x3 rows, repeated over its places, 5.76 kB")
    assert repeated[2].endswith("B 196 x 10, each unit its own row, 7.84 kB")
    assert told(options={"rank": 4})[0].endswith("B 3136 x 4, each unit its own row, 50.2 kB")


def test_what_is_made_as_it_is_used_is_told(monkeypatch):
    assert told(feedback="procedural")[0].endswith("each unit its own row, 125 kB")
    monkeypatch.setattr(NumpyBackend, "keyed_from", 0)
    assert told(feedback="procedural")[0].endswith("its own row, made as it is used, stored it would be 125 kB")


@pytest.mark.parametrize("rule", ["bp", "fa", "usf", "kp", "shallow"])
def test_nothing_is_told_where_errors_come_down(rule):
    assert told(rule) == []
    assert gpufa.Network([6, 5, 3], rule="dfa", backend="numpy").entries == []


@pytest.mark.filterwarnings("ignore::gpufa.GpufaWarning")
def test_runs_say_it_and_inspect_does(tmp_path, capsys):
    layers = ["input 1x8x8", "conv 4 3x3 relu, pool 2", "dense 5 tanh"]
    where = ["--layers", *layers, "--backend", "numpy", "--out", str(tmp_path / "run"), "--epochs", "2"]
    assert main(["train", "--set", "rule.places=shared", "--calibrate", "2", "--samples", "200", *where]) == 0
    out, err = capsys.readouterr()
    line = (
        "error enters block 1 behind pool 2 (4x4x4), B 4 x 10, each channel a row, the same at every place, 160 bytes"
    )
    assert line in err
    assert "1 of 8 steps are true backprop: the first batch of epoch 2" in err
    assert "1 of 8 steps were true backprop" in out
    assert main(["inspect", str(tmp_path / "run")]) == 0
    assert line in capsys.readouterr().out
    assert main(["report", str(tmp_path / "run"), "--out", str(tmp_path / "r.html"), "--pictures", "curves"]) == 0
    assert "1 of 8 steps were true backprop" in (tmp_path / "r.html").read_text()


def same_weights(words, rule, backend):
    """The nets of MICRO and MACRO have one set of weights."""
    net, micro = network(words, rule, backend=backend), network(MICRO, "bp")
    for name, p in net.parameters.items():
        put(net, p, host(micro, micro.parameters[name if words is MICRO else ONE_BY_ONE[name]]))
    return net


@pytest.mark.parametrize("words", [MICRO, MACRO])
def test_the_true_jacobian_makes_both_cuts_backprop(words, backend):
    """One layer a block, or several with local backprop inside: on a batch of one, B_k being what h_k does to a_L."""
    bp, net = (same_weights(words, rule, backend) for rule in ("bp", "dfa"))
    x, y = draw.normal(size=(2, 60)), np.array([2, 0])
    give_jacobians(net, bp, bp._error(x[:1], y[:1]))
    close(net.gradients(x[:1], y[:1]), bp.gradients(x[:1], y[:1]), 1e-12)
    other, true = (one.gradients(x[1:], y[1:])["W1" if words is MICRO else "W1.1"] for one in (net, bp))
    assert not np.allclose(other, true)


def test_both_cuts_are_one_net_and_learn_by_what_they_are_sent(backend):
    """The top layer of a macro block learns as the micro block that has the same B."""
    micro, macro = (same_weights(words, "dfa", backend) for words in (MICRO, MACRO))
    for one, other in {"B2": "B1", "B4": "B2"}.items():
        put(macro, macro.feedback[other], host(micro, micro.feedback[one]))
    x, y = draw.normal(size=(4, 60)), np.arange(4) % 3
    np.testing.assert_allclose(macro.predict(x), micro.predict(x), rtol=1e-12)
    found, expected = macro.gradients(x, y), micro.gradients(x, y)
    for name in ("W2", "b2", "W4", "b4", "W5", "b5"):
        np.testing.assert_allclose(found[SAME[name]], expected[name], rtol=1e-11, atol=1e-14, err_msg=name)
    assert not np.allclose(found["W1.1"], expected["W1"])  # by local backprop, in place of B_1


@pytest.mark.parametrize(
    ("words", "shape"),
    [
        (["input 1x8x8", "conv 4 3x3 tanh, pool 2", "conv 5 3x3 tanh, pool 2", "dense 3"], (4, 4, 4)),
        (["input 1x8x8", "conv 4 3x3 tanh", "pool 2, conv 5 3x3 tanh", "pool 2, dense 6 tanh", "dense 3"], (4, 8, 8)),
    ],
)
def test_places_that_papers_have_are_where_blocks_end(words, shape):
    net = network(words, "dfa")
    signals = net.signals(draw.normal(size=(2, 64)), np.array([0, 2]))
    assert net.sizes.shapes[1] == shape
    np.testing.assert_allclose(signals["delta1"], signals[f"delta{net.sizes.L}"] @ net.feedback["B1"].T, rtol=1e-12)
