"""Nets that go along the edges of a graph: what rules come to where their feedback is what backprop's would be."""

import numpy as np
import pytest
from graphlab import LINEAR, gcn, nodes, slow_weights, softmax_error
from rulelab import close, host, put

import gpufa
from gpufa.rules import RULES

ALONG = RULES["dfa"](graph=True)
TEMPORAL = "rflo", "eprop"
HAND_DOWN = "fa", "kp", "topology", "weight_mirror"


def deep(net):
    """h_1, ..., by nodes, with A and the weights, as loops of products."""
    A = slow_weights(net.graph)
    return A, {name: host(net, p) for name, p in net.parameters.items()}


def test_gcn_1_the_signal_below_the_outputs_is_backprops(backend):
    """delta_2 = (A^T e W_3) f', GCN-1."""
    net = gcn("bp", backend=backend)
    x, y = nodes(net)
    A, p = deep(net)
    h1 = np.tanh(A @ x @ p["W1"].T + p["b1"])
    h2 = np.tanh(A @ h1 @ p["W2"].T + p["b2"])
    s2 = A.T @ softmax_error(net, x, y) @ p["W3"]
    s1 = A.T @ (s2 * (1 - h2**2)) @ p["W2"]
    found = net.signals(x, y)
    close({"delta1": s1, "delta2": s2}, found, names=["delta1", "delta2"])
    labelled = (y >= 0).sum()
    W1 = (s1 * (1 - h1**2)).T @ (A @ x) / labelled
    np.testing.assert_allclose(net.gradients(x, y)["W1"], W1, rtol=1e-10, atol=1e-12)


def test_gcn_2_feedback_of_the_products_with_the_graph_is_backprop(backend):
    """Linear: B_k = (W_{k+1} .. W_L)^T, and the error goes along the edges as often as there are blocks above."""
    bp, dfa = (gcn(rule, LINEAR, backend) for rule in ("bp", ALONG))
    x, y = nodes(bp)
    W = {name: host(bp, p) for name, p in bp.parameters.items()}
    put(dfa, dfa.feedback["B2"], W["W3"].T)
    put(dfa, dfa.feedback["B1"], (W["W3"] @ W["W2"]).T)
    close(dfa.gradients(x, y), bp.gradients(x, y))


@pytest.mark.parametrize("last", ["feedback", "weights"])
def test_the_error_of_the_encoder_goes_along_the_edges_below_it(last, backend):
    """Linear: it has come along the outputs' edges by itself, and B_k = (W_{k+1} .. W_{L-1})^T."""
    bp, dfa = gcn("bp", LINEAR, backend), gcn(RULES["dfa"](graph=True, error="encoder", last=last), LINEAR, backend)
    x, y = nodes(bp)
    put(dfa, dfa.feedback["B1"], host(bp, bp.parameters["W2"]).T)
    if last == "feedback":
        put(dfa, dfa.feedback["B2"], np.eye(4))
    close(dfa.gradients(x, y), bp.gradients(x, y))


def test_along_the_edges_feedback_inside_blocks_of_the_weights_is_plain(backend):
    words = ["input 6", "residual(neighbours, dense 4 tanh, neighbours, dense 6)", "neighbours, dense 4", "dense 3"]
    plain, inside = (gcn(RULES["dfa"](graph=True, inside=how), words, backend) for how in ("weights", "feedback"))
    for name, B in inside.feedback.items():
        if name[0] == "F":
            put(inside, B, host(plain, plain.parameters[name[1:]]).T)
    x, y = nodes(plain)
    close(inside.gradients(x, y), plain.gradients(x, y))
    assert "FW1.2" in inside.feedback


def test_without_the_graph_the_labelled_nodes_alone_send(backend):
    """dfa's plain feedback: as many rows of signal as there are labels, and far from backprop's."""
    plain, along = gcn("dfa", backend=backend), gcn(ALONG, backend=backend)
    x, y = nodes(plain)
    B = host(plain, plain.feedback["B2"])
    e = softmax_error(plain, x, y)
    found = plain.signals(x, y)["delta2"]
    np.testing.assert_allclose(found, e @ B.T, rtol=1e-10, atol=1e-12)
    assert (np.abs(found).sum(axis=1) > 0).sum() == (y >= 0).sum()
    A = slow_weights(plain.graph)
    np.testing.assert_allclose(along.signals(x, y)["delta2"], A.T @ e @ B.T, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(
        along.signals(x, y)["delta1"], A.T @ A.T @ e @ host(along, along.feedback["B1"]).T, rtol=1e-10, atol=1e-12
    )


@pytest.mark.parametrize("by", ["mean", "sum noself"])
def test_each_block_hands_the_error_along_its_own_edges(backend, by):
    words = ["input 6", "neighbours, dense 5", f"neighbours by {by}, dense 4", "dense 4", "neighbours, dense 3"]
    net = gcn(ALONG, words, backend)
    x, y = nodes(net)
    name, *rest = by.split()
    A, M = slow_weights(net.graph), slow_weights(net.graph, name, not rest)
    e, B = softmax_error(net, x, y), {k: host(net, net.feedback[f"B{k}"]) for k in (1, 2, 3)}
    wanted = {"delta3": A.T @ e @ B[3].T, "delta2": A.T @ e @ B[2].T, "delta1": M.T @ A.T @ e @ B[1].T}
    close(wanted, net.signals(x, y), names=[*wanted])


@pytest.mark.parametrize("rule", HAND_DOWN)
def test_feedback_of_the_weights_is_backprop(rule, backend):
    """Whatever is handed down goes along the edges by itself."""
    options = {"sources": (2, 3)} if rule == "topology" else {}
    bp, other = gcn("bp", backend=backend), gcn(RULES[rule](**options), backend=backend)
    x, y = nodes(bp)
    ours = {**other.feedback, **{n: p for n, p in other.parameters.items() if n[0] == "B"}}
    for name, B in ours.items():
        put(other, B, host(bp, bp.parameters[f"W{int(name[1]) + 1}"]).T)
    close(other.gradients(x, y), bp.gradients(x, y), names=["W1", "W2", "W3", "b1", "b2", "b3"])


@pytest.mark.parametrize("rule", TEMPORAL)
def test_without_time_eligibility_traces_are_direct_feedback(rule, backend):
    """And where the signal is symmetric, backprop."""
    dfa, random = gcn("dfa", backend=backend), gcn(rule, backend=backend)
    x, y = nodes(dfa)
    for name, B in random.feedback.items():
        put(random, B, host(dfa, dfa.feedback[name]))
    close(random.gradients(x, y), dfa.gradients(x, y))
    bp, symmetric = gcn("bp", backend=backend), gcn(RULES[rule](signal="symmetric"), backend=backend)
    close(symmetric.gradients(x, y), bp.gradients(x, y))


@pytest.mark.parametrize("rule", ["usf", "frsf", "brsf"])
def test_sign_symmetry_of_weights_of_one_size_is_backprop(rule):
    bp, other = gcn("bp"), gcn(rule)
    x, y = nodes(bp)
    for net in (bp, other):
        for k in (2, 3):
            W = net.parameters[f"W{k}"]
            put(net, W, np.sign(host(net, W)) * np.sqrt(2 / sum(W.shape)))
    if rule == "usf":
        close(other.gradients(x, y), bp.gradients(x, y))
    else:
        assert not np.allclose(other.gradients(x, y)["W1"], bp.gradients(x, y)["W1"])
        np.testing.assert_allclose(other.gradients(x, y)["W3"], bp.gradients(x, y)["W3"], rtol=1e-10)


def test_targets_of_nodes_without_a_label_send_nothing():
    net = gcn("drtp")
    x, y = nodes(net)
    B = host(net, net.feedback["B2"])
    wanted = (y[:, None] == np.arange(3)) - (y >= 0)[:, None] / 3
    np.testing.assert_allclose(net.signals(x, y)["delta2"], wanted @ B.T, rtol=1e-10, atol=1e-14)
    assert not gcn("sdfa").signals(x, y)["delta1"][y < 0].any()


def test_frozen_layers_stay_and_the_outputs_learn_along_the_edges(backend):
    net, bp = gcn("shallow", backend=backend), gcn("bp", backend=backend)
    x, y = nodes(net)
    found = net.gradients(x, y)
    assert not any(found[name].any() for name in ("W1", "b1", "W2", "b2"))
    close(found, bp.gradients(x, y), names=["W3", "b3"])


ABLE = {"bp", "shallow", "fa", "dfa", "topology", "sdfa", "drtp", "usf", "brsf", "frsf", "kp", "dkp", "layerwise"}


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_takes_a_graph_or_says_why_not(rule):
    if rule in ABLE | {"weight_mirror", "decolle", *TEMPORAL}:
        net = gcn(rule, seeds=(0, 1))
        assert all(np.isfinite(g).all() for g in net.gradients(*nodes(net)).values())
        assert set(net.alignment(*nodes(net))) >= {"per_sample", "gradient"}
        return
    with pytest.raises(gpufa.InvalidValue, match=f"rule '{rule}' .*use one of .*bp"):
        gcn(rule)


def test_the_option_is_refused_without_a_graph():
    with pytest.raises(gpufa.InvalidValue, match="graph = true has the error go along the edges"):
        gpufa.Network([4, 5, 3], rule=ALONG, backend="numpy")
    with pytest.raises(gpufa.InvalidValue, match="graph"):
        RULES["dfa"](graph="yes")


def test_an_option_that_is_not_used_leaves_no_trace():
    assert "graph" not in RULES["dfa"]().options
    assert RULES["dfa"](graph=True).options["graph"] is True


def test_labels_that_are_none_change_nothing(backend):
    """The gradient is the mean over labelled nodes: of all nodes labelled it is the sum of parts of them."""
    net = gcn("bp", backend=backend)
    x, y = nodes(net, labelled=30)
    parts = [np.where(np.arange(30) % 3 == i, y, -1) for i in range(3)]
    found = [net.gradients(x, part) for part in parts]
    whole = net.gradients(x, y)
    close(whole, {name: sum(g[name] for g in found) / 3 for name in whole})
    np.testing.assert_allclose(net.loss(x, y), np.mean([net.loss(x, part) for part in parts]), rtol=1e-12)
