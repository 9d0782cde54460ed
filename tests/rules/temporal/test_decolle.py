"""DECOLLE is its equation, in float64: each block descends the loss of a readout of its own, at every step, with all
held that comes from below and that other units see."""

import re

import numpy as np
import pytest
from celllab import WORDS, hollowed, learned, parts, states
from rulelab import close, host, network, put
from spikelab import ALIF_WORDS, LIF_WORDS, SPIKING, TINY

import gpufa
from gpufa.rules import RULES, make_rule

X = np.random.default_rng(5).normal(size=(4, 3, 8))
Y = np.array([0, 2, 1, 1])
AT_STEPS = np.random.default_rng(6).integers(-1, 3, size=(4, 8))
UNITS = [*WORDS, *SPIKING, "lif 4 tau 5 threshold 0.3 rate 100 cost 5"]
each = pytest.mark.parametrize("word", UNITS)
every_way = pytest.mark.parametrize("by", ["traces", "history"])


def made(words, rule="decolle", backend="numpy", **options):
    return network(words, make_rule(rule, options), backend=backend)


def read_by_the_outputs(net, k=1):
    """Let the outputs be what block k's readout is."""
    W, b = (net.parameters[f"{name}{k + 1}"] for name in "Wb")
    G = host(net, net.feedback[f"G{k}"])
    put(net, W, G.reshape(W.shape))
    put(net, b, np.zeros(b.shape))


@every_way
@each
@pytest.mark.parametrize("words", [["{}", "dense 3"], ["{} all, lowpass 4 last", "dense 3"]])
def test_one_block_read_by_the_outputs_behind_the_last_step_is_eprop(words, word, by, backend):
    """Symmetric e-prop, which is autodiff with the spikes held that other units and the reset see."""
    words = ["input 3x8", *(text.format(word) for text in words)]
    net, eprop = made(words, backend=backend, burn_in=7, by=by), made(words, "eprop", backend, signal="symmetric")
    read_by_the_outputs(net)
    for name in ("W2", "b2"):
        put(eprop, eprop.parameters[name], host(net, net.parameters[name]))
    close(learned(net, X, Y), learned(eprop, X, Y), 1e-12)
    close(net.gradients(X, Y), eprop.gradients(X, Y), 1e-12)
    assert np.abs(net.gradients(X, Y)["U1"]).max() > 1e-4 or "lowpass" not in words[1]


@each
def test_targets_at_steps_are_those_of_every_readout(word, backend):
    """The same where the error is at each step, and some have no target."""
    words = ["input 3x8", f"{word} all", "conv1d 3 1"]
    net, eprop = made(words, backend=backend), made(words, "eprop", backend, signal="symmetric")
    read_by_the_outputs(net)
    for name in ("W2", "b2"):
        put(eprop, eprop.parameters[name], host(net, net.parameters[name]))
    close(net.gradients(X, AT_STEPS), eprop.gradients(X, AT_STEPS), 1e-12)


def local_loss(Y, label):
    """Cross entropy of one sample, of complex numbers too."""
    return np.log(np.exp(Y - Y.real.max()).sum()) + Y.real.max() - Y[label]


def descended(layer, theta, G, x, labels, burn_in, keep):
    """By parameter, the slope of the mean over steps behind `burn_in`, and over samples, of the loss of G's readouts of
    h, or of what a lowpass makes of it: by complex steps."""
    found = {name: np.zeros(p.shape) for name, p in theta.items()}
    for (name, p), (one, label) in ((p, s) for p in theta.items() for s in zip(x, labels, strict=True)):
        for at in np.ndindex(p.shape):
            moved = {**theta, name: p.astype(complex)}
            moved[name][at] += 1j * TINY
            y, losses = 0, []
            for h in states(layer, moved, one, detached=True):
                y = keep * y + (1 - keep) * h
                losses.append(local_loss(G @ y, label))
            found[name][at] += np.mean(losses[burn_in:]).imag / TINY / len(x)
    return hollowed(layer, found)


@every_way
@pytest.mark.parametrize("end", ["", " all", " all, lowpass 4", " all, lowpass 4 last"])
@pytest.mark.parametrize("word", ["recurrent 4 leaky 0.3", "lstm 4", LIF_WORDS[0], LIF_WORDS[2], ALIF_WORDS[0]])
def test_each_block_descends_its_own_readouts_loss_at_every_step(word, end, by, backend):
    """Of both of two blocks, by the formulas of plain Python: what comes from below is held, and so is what goes from
    unit to unit; the last step alone may go on to what is above."""
    words = ["input 3x8", "gru 3 all", f"{word}{end}", "dense 3"]
    net = made(words, backend=backend, burn_in=2, by=by)
    plain = made(words)
    found, below = learned(net, X, Y), plain.signals(X, Y)["h1"].reshape(4, 3, 8)
    keep = np.exp(-1 / 4) if "lowpass" in end else 0.0
    for k, x, own in ((1, X, 0.0), (2, below, keep)):
        layer, theta = parts(plain, k)
        expected = descended(layer, theta, host(net, net.feedback[f"G{k}"]), x, Y, 2, own)
        close({name: found[f"{name}{k}"] for name in theta}, expected, 1e-11)
    close(net.gradients(X, Y), found, 1e-12)


def test_what_a_net_predicts_is_its_trained_outputs():
    """They learn from their own error, and what their block hands on is its last step, as of any rule."""
    words = ["input 3x8", "gru 4", "lif 5 tau 5 threshold 0.3 all, lowpass 4 last", "dense 3"]
    words[1] += " all"
    net, bp = made(words), made(words, "bp")
    np.testing.assert_array_equal(net.predict(X), bp.predict(X))
    close(net.gradients(X, Y), bp.gradients(X, Y), 1e-13, names=("W3", "b3"))


DENSE = ["input 8", "dense 6 tanh", "dense 5 relu", "dense 3"]
SKIPS = ["input 8", "dense 6 tanh", "residual(dense 6 tanh)", "dense 6 tanh, layer norm, dense 4", "dense 3"]
MAPS = ["input 1x4x4", "conv 2 3x3 relu, pool 2", "residual(conv 2 2x2, batch norm, relu)", "dense 5 tanh", "dense 3"]


@pytest.mark.parametrize("words", [DENSE, SKIPS, MAPS])
def test_a_block_learns_as_the_last_of_a_net_that_ends_in_its_readout(words, backend):
    """By backpropagation: of dense blocks, skip connections and maps, all units of which one readout has."""
    net = made(words, backend=backend)
    x = np.random.default_rng(1).normal(size=(4, net.sizes.inputs))
    found = net.gradients(x, Y)
    for k in net.sizes.hidden:
        short = made([*words[: k + 1], "dense 3"], "bp", backend)
        ours = {name: host(net, p) for name, p in net.parameters.items()}
        ours |= {f"W{k + 1}": host(net, net.feedback[f"G{k}"]), f"b{k + 1}": np.zeros(3)}
        for name, p in short.parameters.items():
            put(short, p, ours[name])
        close(short.gradients(x, Y), found, 1e-11, names=[*net.sizes.parameters[k]])


def test_readouts_without_training_are_those_of_layerwise(backend):
    net, layerwise = made(MAPS[:2] + MAPS[3:], backend=backend), made(MAPS[:2] + MAPS[3:], "layerwise", backend)
    for k in (1, 2):
        put(layerwise, layerwise.parameters[f"H{k}"], host(net, net.feedback[f"G{k}"]))
    x = np.random.default_rng(1).normal(size=(4, 16))
    close(net.gradients(x, Y), layerwise.gradients(x, Y), 1e-12, names=["W1", "b1", "W2", "b2", "W3", "b3"])


def test_readouts_are_of_a_step_drawn_once_and_never_trained():
    net = gpufa.Network(["input 3x8", "gru 4 all", "lif 5", "dense 7 tanh", "dense 3"], rule="decolle", backend="numpy")
    assert {name: G.shape for name, G in net.feedback.items()} == {"G1": (3, 4), "G2": (3, 5), "G3": (3, 7)}
    for name, n in (("G1", 4), ("G2", 5), ("G3", 7)):
        assert 0.5 / np.sqrt(n) < np.abs(net.feedback[name]).max() < 1 / np.sqrt(n)
    assert not {*net.feedback} & {*net.parameters}
    places = gpufa.Network(["input 3x8", "gru 4 all", "conv1d 5 1"], rule="decolle", backend="numpy")
    assert places.feedback["G1"].shape == (5, 4)


@pytest.mark.parametrize(
    ("words", "options", "said"),
    [
        (["input 3x8", "gru 4 all", "dense 3"], {"burn_in": 8},
         "burn_in = 8 leaves block 1, 'gru 4 all', no step to learn at: it has 8; set rule.burn_in to less"),
        (["input 6", "dense 4 tanh", "dense 3"], {"burn_in": 1}, "burn_in = 1 leaves block 1, 'dense 4 tanh', no step"),
        (["input 3x8", "gru 4 all", "conv1d 3 1"], {"burn_in": 1},
         "burn_in = 1 is of samples with one target; mark steps without a target in the data"),
        (["input 3x8", "conv1d 4 3 pad valid tanh", "conv1d 4 3 pad 2 tanh", "conv1d 3 1"], {},
         "rule 'decolle' reads each place of the outputs, (3, 8), out of every block, and block 1 is (4, 6); let it"),
        (["input 3x8", "gru 4 all, lif 4", "dense 3"], {},
         "rule 'decolle' carries traces forward, so that nothing goes down through 'lif 4' of block 1"),
        (["input 3x8", "gru 4 all", "dense 3"], {"burn_in": -1}, "steps before the readouts have a loss"),
        (["input 3x8", "gru 4 all", "dense 3"], {"by": "hand"}, "way through time"),
        (["input 6", "dense 4 sign", "dense 3"], {}, "has derivative zero"),
    ],
)  # fmt: skip
def test_what_has_no_step_or_place_to_read_is_refused(words, options, said):
    with pytest.raises(gpufa.InvalidValue, match=re.escape(said)):
        made(words, **options)


@pytest.mark.parametrize("looks", ["steps", "send_steps"])
def test_a_rule_that_looks_at_every_step_says_so(looks):
    class Peeks(RULES["bp"]):
        def deltas(self, net, e):
            net.steps(1) if looks == "steps" else net.send_steps(1, net.h[1])

    with pytest.raises(gpufa.InvalidValue, match="let the rule say every_step = True"):
        gpufa.Network(["input 3x8", "gru 4", "dense 3"], rule=Peeks(), backend="numpy").gradients(X, Y)
