"""Rules through time are their formulas: RNN-1 to RNN-8 of the identities, in float64."""

import itertools

import numpy as np
import pytest
from celllab import WORDS, begin, gradients, jacobians, learned, parts, slopes, step
from rulelab import close, network, put
from timelab import Y, error, made

import gpufa
from gpufa.rules import make_rule

X = np.random.default_rng(3).normal(size=(4, 3, 5))
LAST = ["input 3x5", "{}", "dense 3"]
ALL = ["input 3x5", "{} all", "dense 3"]
each = pytest.mark.parametrize("word", WORDS)
leaky = pytest.mark.parametrize("word", [word for word in WORDS if word[0] == "r"])
every_way = pytest.mark.parametrize("by", ["traces", "history"])


def at_the_end(signal, steps=5):
    """A signal, (samples, n), at the last step alone."""
    found = np.zeros((*signal.shape, steps))
    found[..., -1] = signal
    return found


def own(net, theta, x=X, y=Y):
    """What a rule makes of block 1, by the formulas' own names."""
    found = net.gradients(x, y)
    return {name: found[f"{name}1"] for name in theta}


def test_unbiased_online_recurrent_optimization_is_it_in_the_mean():
    """UORO over all signs that it may draw, of two units and three steps."""
    net = network(["input 3x3", "recurrent 2 leaky 0.5", "dense 3"], "bp")
    (layer, theta), x = parts(net), X[..., :3]
    signal, found, draws = error(net, x) @ net.parameters["W2"], np.zeros((2, 2)), 0
    for signs in itertools.product((-1, 1), repeat=6):
        nu, draws = np.array(signs).reshape(3, 2), draws + 1
        for one, down in zip(x, signal, strict=True):
            state, s, w = begin(layer), np.zeros(2), np.zeros(4)
            for t in range(3):
                J, local = jacobians(layer, theta, state, one[:, t])
                state = step(layer, theta, state, state[0], one[:, t])
                s, w = J @ s * 0.7 + 1.3 * nu[t], w / 0.7 + nu[t] @ local["U"] / 1.3
            found += (down @ s * w).reshape(2, 2) / len(x)
    np.testing.assert_allclose(found / draws, net.gradients(x, Y)["U1"], rtol=1e-11, atol=1e-13)


@every_way
@each
@pytest.mark.parametrize("rule", ["rflo", "eprop"])
def test_errors_go_back_past_the_recurrent_weights_alone(word, rule, by, backend):
    """RNN-2 and RNN-5: with B = W_L^T autodiff with h held wherever U reads it, its own states kept."""
    if rule == "rflo" and word[0] in "gl":
        with pytest.raises(
            gpufa.InvalidValue, match="rule 'rflo' is of recurrent layers without gates, and block 1 is"
        ):
            made(LAST, word, rule)
        return
    for layers in (LAST, ALL):
        net, single = made(layers, word, rule, {"by": by}, backend), made(layers, word, "bp")
        layer, theta = parts(single)
        put(net, net.feedback["B1"], single.parameters["W2"].T)
        down = error(single, X) @ single.parameters["W2"]
        signal = at_the_end(down) if layers is LAST else down.reshape(4, 4, 5)
        found = learned(net, X, Y)
        close({n: found[f"{n}1"] for n in theta}, gradients(layer, theta, X, signal, detached=True), 1e-12)
        close(net.gradients(X, Y), found, 1e-12)
        symmetric = made(layers, word, rule, {"by": by, "signal": "symmetric"}, backend)
        close(learned(symmetric, X, Y), found, 1e-12)
    assert np.abs(found["U1"] - single.gradients(X, Y)["U1"]).max() > 1e-4


@leaky
def test_without_recurrent_weights_rflo_is_backprop_through_time(word):
    """RNN-3."""
    net, bp = made(LAST, word, "rflo", {"signal": "symmetric"}), made(LAST, word, "bp")
    for one in (net, bp):
        one.parameters["U1"][...] = 0
    close(net.gradients(X, Y), bp.gradients(X, Y), 1e-13)
    assert np.abs(net.gradients(X, Y)["U1"]).max() > 1e-3


def test_direct_feedback_by_the_true_matrices_is_backprop_through_time(backend):
    """RNN-4: a linear net, B_t = (W_L U^(T-1-t))^T."""
    word = "recurrent 4 identity"
    net, bp = made(LAST, word, "dfa", backend=backend), made(LAST, word, "bp")
    W, U = bp.parameters["W2"], bp.parameters["U1"]
    B = np.stack([(W @ np.linalg.matrix_power(U, 4 - t)).T for t in range(5)], axis=1)  # (n, time, n_L)
    put(net, net.feedback["B1"], B.reshape(20, 3))
    close(net.gradients(X, Y), bp.gradients(X, Y), 1e-12)


def test_sign_symmetry_goes_back_through_the_signs_of_recurrent_weights():
    net, bp = made(LAST, "gru 4", "usf"), made(LAST, "gru 4", "bp")
    for one in (net, bp):
        for name in ("U1", "W2"):
            size = np.sqrt(2 / sum(one.parameters[name].shape))
            one.parameters[name][...] = size * np.sign(one.parameters[name])
    close(net.gradients(X, Y), bp.gradients(X, Y), 1e-12)


@every_way
def test_a_linear_net_changes_within_the_columns_of_its_feedback(by):
    """RNN-7."""
    net = network(["input 3x5", "recurrent 9 leaky 0.3 identity", "dense 2"], make_rule("rflo", {"by": by}))
    B, change = np.array(net.feedback["B1"]), 0
    for _ in range(10):
        g = learned(net, X, Y % 2)
        for name, p in net.parameters.items():
            p -= 0.1 * g[name]
        change = change + g["U1"]
    Q = np.linalg.qr(B)[0]
    assert np.linalg.norm(change - Q @ Q.T @ change) < 1e-13 * np.linalg.norm(change)
    assert np.linalg.matrix_rank(change) <= 2


@pytest.mark.parametrize("rule", ["bp", "fa", "dfa", "rflo", "eprop", "kp", "usf", "shallow"])
def test_one_step_is_the_dense_rule(rule):
    """RNN-8."""
    net, dense = (
        network(["input 3x1", "recurrent 4", "dense 3"], rule),
        network([3, 4, 3], "dfa" if rule in ("rflo", "eprop") else rule, activation="tanh"),
    )
    for name, p in dense.parameters.items():
        net.parameters[name][...] = p
    for name, B in dense.feedback.items():
        net.feedback[name][...] = B
    found, expected = net.gradients(X[..., :1], Y), dense.gradients(X[..., 0], Y)
    close(found, expected, 1e-13, names=expected)
    assert not found["U1"].any()


@pytest.mark.parametrize(
    ("layers", "options", "sentence"),
    [
        (
            ["gru 4 all", "gru 4"],
            {"signal": "symmetric"},
            "nothing goes down through 'gru 4' of block 2 to what learns b",
        ),
        (
            ["gru 4 all, lstm 4"],
            {},
            "nothing goes down through 'lstm 4' of block 1 to what learns below; set rule.by=his",
        ),
        (
            ["gru 4"],
            {"signal": "signed"},
            "unknown learning signal 'signed'; set rule.signal to one of random, symmetr",
        ),
        (["gru 4"], {"by": "hand"}, "unknown way through time 'hand'; set rule.by to one of traces, history"),
        (
            ["gru 4"],
            {"signal": "adaptive", "rank": 2},
            "rank is of fixed random feedback, and signal is 'adaptive'; lea",
        ),
        (
            ["gru 4"],
            {"signal": "symmetric", "shared": True},
            "shared is of fixed random feedback, and signal is 'symmet",
        ),
    ],
)
def test_what_traces_cannot_do_is_refused(layers, options, sentence):
    with pytest.raises(gpufa.InvalidValue, match=sentence):
        network(["input 3x5", *layers, "dense 3"], make_rule("eprop", options))


def test_slopes_by_complex_steps_are_slopes():
    """Of the tests' own tool: by central differences."""
    layer, theta = parts(made(LAST, "gru 4", "bp"))
    found, moved = slopes(layer, theta, X[0])["U"][-1], dict(theta)
    sides = []
    for sign in (1, -1):
        moved["U"] = theta["U"].copy()
        moved["U"][1, 2] += sign * 1e-6
        state = begin(layer)
        for t in range(5):
            state = step(layer, moved, state, state[0], X[0][:, t])
        sides.append(state[0])
    np.testing.assert_allclose(found[:, 1, 2], (sides[0] - sides[1]) / 2e-6, rtol=1e-7, atol=1e-10)
