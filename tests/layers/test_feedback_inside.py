"""Direct feedback with feedback inside blocks too: errors that enter behind activations, and random matrices in place
of weights on the way down, together with every error that is sent."""

import re

import numpy as np
import pytest
from rulelab import close, host, put, trainer, values
from tokenlab import EACH, POOLED, made
from tokenlab import data as tokens

import gpufa
from gpufa.checkpoints.networks import save
from gpufa.layers.words import block
from gpufa.net.shape.within import arrivals
from gpufa.rules.direct.dfa import DFA

MAPS = ["input 2x4x4", "residual(conv 2 3x3 pad 1 relu, conv 2 3x3 pad 1), tanh, pool 2", "dense 5 tanh", "dense 3"]
LABELS = np.arange(5) % 3
EVERY = {"each": EACH, "pooled": POOLED, "maps": MAPS}
words = pytest.mark.parametrize("words", EVERY.values(), ids=list(EVERY))
error = pytest.mark.parametrize("error", ["outputs", "encoder"])
last = pytest.mark.parametrize("last", ["feedback", "weights"])


def data(net):
    return tokens(net) if len(net.sizes.shapes[0]) == 1 else (np.random.default_rng(2).normal(size=(5, 32)), LABELS)


def sent(net, x, y):
    """A pass in which the rule's signals are, by place within blocks."""
    p = net.judged(net.backend.to_device(np.asarray(x, "float64")), net.backend.to_device(y))
    net.rule.deltas(p, p.e)
    return p, {(k, i): list(p.blocks[k].at.leaves())[i] for k, i in net.sizes.arrivals}


def by_places(array, features):
    """(1, units, m) as (m, features, places)"""
    return array[0].T.reshape(array.shape[-1], features, -1)


@words
@error
@last
@pytest.mark.parametrize("inside", ["weights", "feedback"])
def test_what_enters_behind_an_activation_is_its_own_matrix_times_the_error(words, error, last, inside, backend):
    net = made(words, DFA(error=error, last=last, inside=inside, enters="activations"), backend=backend)
    plain = made(words, DFA(error=error, last=last, inside=inside), backend=backend)
    x, y = data(net)
    p, places = sent(net, x, y)
    q, _ = sent(plain, x, y)
    heard = host(net, q.e)
    if error == "encoder":
        W, e = host(net, net.parameters[f"W{net.sizes.L}"]), by_places(heard, net.sizes.at_place)
        heard = np.einsum("oi,mot->mit", W, e).reshape(len(x), -1).T[None]
    own = net.sizes.places
    assert places
    for (k, i), place in places.items():
        P = host(net, net.feedback[f"P{k}.{i + 1}"])
        assert P.shape == (place.out[0] if own > 1 else np.prod(place.out), heard.shape[1] // own)
        expected = np.einsum("ij,mjt->mit", P, by_places(heard, P.shape[1])).reshape(len(x), -1)
        np.testing.assert_allclose(host(net, place.delta)[0].T, expected, rtol=1e-11, atol=1e-13)
    for k in net.sizes.hidden:
        np.testing.assert_allclose(host(net, p.delta[k]), host(net, q.delta[k]), rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize(("error", "last"), [("outputs", "weights"), ("encoder", "feedback"), ("encoder", "weights")])
@pytest.mark.parametrize("inside", ["weights", "feedback"])
def test_with_the_true_matrices_the_last_block_learns_as_by_backprop(error, last, inside, backend):
    """P = W^T of what is above: the gradient of all layers of the block is the loss's own."""
    net = made(EACH, DFA(error=error, last=last, inside=inside, enters="activations"), backend=backend)
    bp = made(EACH, "bp", backend=backend)
    W = {name: host(net, p) for name, p in net.parameters.items()}
    put(net, net.feedback["P3.3"], W["W3.3"].T @ (W["W4"].T if error == "outputs" else np.eye(4)))
    if error == "encoder":
        put(net, net.feedback["B3"], np.eye(4))
    if inside == "feedback":
        put(net, net.feedback["FW3.2"], W["W3.2"].T)
    x, y = data(net)
    found, true = net.gradients(x, y), bp.gradients(x, y)
    close(found, true, 1e-11, [name for name in true if name[1] in "34"])
    assert not np.allclose(found["W2.2"], true["W2.2"])
    angles = net.alignment(x, y)["gradient"]
    np.testing.assert_allclose(angles[-1], 0, atol=1e-4)
    assert angles[1] > 1
    close(net.backprop_signals(x, y), bp.backprop_signals(x, y), 1e-11)


def test_angles_are_with_backprop_that_nothing_enters(backend):
    net, bp = made(EACH, DFA(enters="activations"), backend=backend), made(EACH, backend=backend)
    x, y = data(net)
    found, true = net.gradients(x, y), bp.gradients(x, y)
    for k in net.sizes.hidden:
        names = net.sizes.matrices(k)
        a, b = (np.concatenate([g[name].ravel() for name in names]) for g in (found, true))
        angle = np.degrees(np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b)))
        np.testing.assert_allclose(net.alignment(x, y)["gradient"][k - 1], angle, rtol=1e-9)


@words
@error
@last
def test_with_its_weights_in_place_of_feedback_inside_it_is_plain(words, error, last, backend):
    net = made(words, DFA(error=error, last=last, inside="feedback"), backend=backend)
    plain = made(words, DFA(error=error, last=last), backend=backend)
    for name in net.feedback:
        if name[0] == "F":
            W = host(net, net.parameters[name[1:]])
            put(net, net.feedback[name], W.T if W.ndim == 2 else W)
    x, y = data(net)
    close(net.gradients(x, y), plain.gradients(x, y), 1e-11)


@pytest.mark.parametrize("name", ["FW2.2", "FU2.2"])
def test_what_goes_down_inside_goes_through_what_stands_in(name, backend):
    """In proportion to each of attention's two, and in none to the weights' own transposes."""
    net = made(EACH, DFA(inside="feedback"), backend=backend)
    x, y = data(net)
    before = net.gradients(x, y)
    put(net, net.feedback[name], 3 * host(net, net.feedback[name]))
    after = net.gradients(x, y)
    np.testing.assert_allclose(after["g2.1"], 3 * before["g2.1"], rtol=1e-11)
    close(after, before, 1e-13, [one for one in before if one[1] != "2"])


def test_shared_rows_and_ranks_go_to_activations_too(backend):
    net = made(EACH, DFA(enters="activations", shared=True), backend=backend)
    P, B = (host(net, net.feedback[name]) for name in ("P3.3", "B1"))
    np.testing.assert_array_equal(P[:4], B)
    net = made(EACH, DFA(enters="activations", rank=2), backend=backend)
    x, y = data(net)
    _, places = sent(net, x, y)
    assert np.linalg.matrix_rank(by_places(host(net, places[3, 2].delta), 6).transpose(0, 2, 1).reshape(-1, 6)) == 2


def test_replicas_are_nets_of_their_own(backend):
    rule = DFA(inside="feedback", enters="activations", error="encoder", last="weights")
    both, one = (gpufa.Network(EACH, rule=rule, dtype="float64", backend=backend, seeds=s) for s in ([3, 5], [5]))
    x, y = data(both)
    close({name: g[1] for name, g in both.gradients(x, y).items()}, one.gradients(x, y), 1e-12)


@pytest.mark.parametrize(("word", "found"), [
    ("dense 6 gelu, dense 4", [1]),
    ("dense 6 gelu, dropout 0.5, dense 4", [2]),
    ("tanh, dense 6 gelu, dense 4 tanh", [2]),
    ("residual(layer norm, dense 6 gelu, dense 4), tanh", [2, 4]),
    ("residual(layer norm, dense 6 gelu, dense 4), tanh, dense 4", [2, 4]),
    ("residual(dense 4 tanh | dense 3 tanh, dense 4)", [3]),
    ("dense 6, dropout 0.5, dense 4", []),
    ("dense 4 tanh", []),
])  # fmt: skip
def test_places_where_errors_enter_are_behind_activations(word, found):
    """And behind their dropout; where something learns below, and something stands above, in the same chain."""
    found = found[:1] if word.endswith("tanh") and "residual(layer" in word else found
    assert [i for i, shape in enumerate(arrivals(block(word), (4,))) if shape] == found


def test_units_that_are_dropped_do_not_learn():
    """The rows of W of one step with one sample are those of units that were kept, as a point is behind the dropout."""
    layers = ["residual(dense 20 tanh, dropout 0.5, dense 6)"]
    own = {"layers": layers, "rule": "dfa", "rule_options": {"enters": "activations"}, "init": "uniform"}
    run = trainer(**own, hidden=None, optimizer="sgd", batch_size=1)
    before = values(run.net)["W1.1"]
    run.step()
    moved = (values(run.net)["W1.1"] != before).any(axis=-1)
    assert 0 < moved.sum() < moved.size


def test_a_checkpoint_has_it_all(tmp_path):
    rule = DFA(inside="feedback", enters="activations", error="encoder")
    net = gpufa.Network(EACH, rule=rule, backend="numpy")
    save(net, tmp_path / "net.h5")
    again = gpufa.load(tmp_path / "net.h5", backend="numpy")
    assert again.rule == rule
    x, y = data(net)
    close(net.gradients(x, y), again.gradients(x, y), 0)
    assert not {"inside", "enters"} & DFA().options.keys()


ACROSS = ["input 2x4x4", "conv 2 3x3 pad 1 tanh, pool 2, conv 3 1x1", "dense 3"]


@pytest.mark.parametrize(("make", "sentence"), [
    (lambda: DFA(inside="own"), "unknown way down inside blocks 'own'; set rule.inside to one of weights, feedback"),
    (lambda: DFA(enters="all"), "unknown place where errors enter 'all'; set rule.enters to one of blocks"),
    (lambda: DFA(enters="activations", graph=True), "leave rule.graph and rule.projector out, or rule.enters"),
    (lambda: DFA(enters="activations", projector=print), "leave rule.graph and rule.projector out, or rule.enters"),
    (lambda: DFA(graph=True, projector=print), "a projector is asked for all at once"),
    (lambda: gpufa.Network([3, 4, 2], rule=DFA(inside="feedback"), backend="numpy"),
     "inside = 'feedback' is for hidden blocks of several layers that learn"),
    (lambda: gpufa.Network([3, 4, 2], rule=DFA(enters="activations"), backend="numpy"),
     "enters = 'activations' is for activations between the layers of a hidden block, and there is none"),
    (lambda: gpufa.Network(ACROSS, rule=DFA(enters="activations", places="repeated"), backend="numpy"),
     "within blocks there is none; set rule.places to each or shared, or rule.enters to blocks"),
    (lambda: gpufa.Network([*ACROSS[:2], "conv 2 1x1"], rule=DFA(enters="activations"), backend="numpy"),
     "within block 1 an activation has the shape (2, 4, 4), where outputs are (2, 2, 2)"),
])  # fmt: skip
def test_what_has_nothing_inside_is_refused(make, sentence):
    with pytest.raises(gpufa.InvalidValue, match=f"^[^\n]*{re.escape(sentence)}[^\n]*$"):
        make()


def test_what_it_promises():
    assert DFA().broadcasts
    assert not DFA(inside="feedback").broadcasts
    assert not DFA(enters="activations").broadcasts
    assert DFA(inside="feedback", enters="activations").linear
