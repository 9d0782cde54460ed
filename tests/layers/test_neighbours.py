"""Sums over a graph's edges as a layer: weights by loops, up and down, its words, and what goes with a graph."""

import numpy as np
import pytest
from graphlab import GCN, edges, gcn, graph, nodes, slow_weights
from rulelab import close, host, network, put
from scipy import sparse

import gpufa
from gpufa.data.graphs.graph import WAYS
from gpufa.layers import Dense, Neighbours, block
from gpufa.layers.graph import DenseBeforeEdges
from gpufa.rules import RULES

WORDS = {"neighbours": ("symmetric", True), "neighbours by mean": ("mean", True),
         "neighbours by sum noself": ("sum", False), "neighbours noself": ("symmetric", False)}  # fmt: skip


@pytest.mark.parametrize("loops", [True, False])
@pytest.mark.parametrize("by", WAYS)
def test_weights_are_those_of_loops_over_nodes(by, loops):
    np.testing.assert_allclose(graph().weights(by, loops).toarray(), slow_weights(graph(), by, loops), atol=1e-15)


@pytest.mark.parametrize("loops", [True, False])
def test_every_row_of_weights_has_an_entry(loops):
    made = graph().weights("mean", loops)
    assert (np.diff(made.indptr) > 0).all()
    assert made.has_sorted_indices


def test_edges_count_once_whichever_way_they_are_given():
    one = edges()
    for given in (one, one[::-1, ::-1], np.concatenate([one, one[:, ::-1]]), one.tolist()):
        assert gpufa.Graph(given, 30) == graph()
    matrix = sparse.coo_matrix((np.ones(2 * len(one)), np.concatenate([one, one[:, ::-1]]).T), shape=(30, 30))
    assert gpufa.Graph(matrix) == gpufa.Graph(matrix.tocsr()) == graph()
    assert repr(graph()) == f"Graph(30 nodes, {len(one)} edges)"


def test_edges_to_oneself_and_one_way_edges_are_told():
    with pytest.warns(gpufa.GpufaWarning, match="1 edges lead from a node to itself, the first at node 2"):
        assert gpufa.Graph([[0, 1], [2, 2]]).edges.tolist() == [[0, 1]]
    with pytest.warns(gpufa.GpufaWarning, match="1 edges of the matrix lead one way alone, and are taken both ways"):
        assert gpufa.Graph(sparse.csr_matrix(([1], ([2], [0])), shape=(4, 4))).edges.tolist() == [[0, 2]]


@pytest.mark.parametrize(
    ("given", "nodes", "why"),
    [
        ([[0, 5]], 5, "leads to node 5, but the graph has 5 nodes"),
        ([[0, -1]], None, "leads to node -1"),
        (np.zeros((2, 7), int), None, "give edges.T"),
        (np.zeros((3, 2)), None, r"float64 of the shape \(3, 2\)"),
        ("edges", None, "the edges of a graph can't be"),
        (sparse.csr_matrix(np.full((2, 2), 0.5)), None, "an edge has the weight 0.5"),
        (sparse.csr_matrix((2, 3)), None, r"the shape \(2, 3\); give \(nodes, nodes\)"),
        ([[0, 1]], 0, "the nodes of a graph can't be 0"),
    ],
)
def test_what_is_no_graph_is_refused(given, nodes, why):
    with pytest.raises(gpufa.InvalidValue, match=why):
        gpufa.Graph(given, nodes)


@pytest.mark.parametrize("word", WORDS)
def test_a_net_of_it_is_products_with_the_weights(word, backend):
    net = gcn("bp", ["input 6", f"{word}, dense 8 tanh", f"dense 4 tanh, {word}", f"{word}, dense 3"], backend)
    x, _ = nodes(net)
    A, p = slow_weights(net.graph, *WORDS[word]), {name: host(net, v) for name, v in net.parameters.items()}
    h = np.tanh(A @ x @ p["W1"].T + p["b1"])
    h = A @ np.tanh(h @ p["W2"].T + p["b2"])
    a = A @ h @ p["W3"].T + p["b3"]
    a -= a.max(axis=1, keepdims=True)
    np.testing.assert_allclose(net.predict(x), np.exp(a) / np.exp(a).sum(axis=1, keepdims=True), rtol=1e-12)


@pytest.mark.parametrize("word", WORDS)
def test_backprop_through_it_is_the_gradient_of_the_loss(word, backend):
    inside = f"residual({word}, dense 5 gelu, dropout 0.5)"
    net = gcn(
        "bp", ["input 6", f"{word}, dense 5 tanh", inside, f"dense 9, {word}, softplus", f"{word}, dense 3"], backend
    )
    x, y = nodes(net)
    found = net.gradients(x, y)
    for name, p in net.parameters.items():
        along, kept, step = np.random.default_rng(0).normal(size=p.shape), host(net, p), 1e-6
        put(net, p, kept + step * along)
        above = net.loss(x, y)
        put(net, p, kept - step * along)
        slope = (above - net.loss(x, y)) / (2 * step)
        put(net, p, kept)
        np.testing.assert_allclose((found[name] * along).sum(), slope, rtol=1e-6, atol=1e-9, err_msg=name)


def test_dense_layers_go_before_the_edges_where_they_are_narrower():
    layers = block("neighbours, dense 4, neighbours by mean, dense 9 tanh").edges_last((6,)).layers
    assert layers[0] == DenseBeforeEdges(Neighbours(), Dense(4))
    assert layers[1:3] == (Neighbours("mean"), Dense(9))


@pytest.mark.parametrize("rule", ["bp", "fa", "dfa", "kp", "usf"])
def test_either_order_is_the_same(rule, backend):
    class Said(RULES[rule]):
        as_said = True
        name = rule

    made = [gcn(one, backend=backend, seeds=(0, 1)) for one in (rule, Said)]
    x, y = nodes(made[0])
    assert not made[1].pass_for(30).blocks[1].takes_any_order
    close(*(net.gradients(x, y) for net in made))


def test_replicas_are_each_their_own(backend):
    many = gcn("fa", backend=backend, seeds=(4, 7))
    x, y = nodes(many)
    for r, seed in enumerate((4, 7)):
        one = gcn("fa", backend=backend, seed=seed)
        for name, p in one.parameters.items():
            put(one, p, host(many, many.parameters[name])[r])
        close(one.gradients(x, y), {name: g[r] for name, g in many.gradients(x, y).items()}, 1e-13)


def test_words_are_read_back():
    for word in WORDS:
        (layer,) = block(word).layers
        assert str(layer) == word
        assert (layer.by, layer.selves) == WORDS[word]
    for wrong in ("neighbours 3", "neighbours by most", "neighbours mean"):
        with pytest.raises(gpufa.InvalidValue, match="neighbours"):
            block(wrong)
    for given in ({"by": 3}, {"selves": 1}):
        with pytest.raises(gpufa.InvalidValue):
            Neighbours(**given)


def test_a_net_without_its_graph_is_refused_and_a_graph_without_its_layer():
    with pytest.raises(
        gpufa.InvalidValue, match="block 1, 'neighbours, dense 5 tanh', goes along the edges of a graph"
    ):
        network(GCN, "bp")
    with pytest.raises(gpufa.InvalidValue, match="no layer of the net goes along its edges"):
        network([4, 5, 3], "bp", graph=graph())
    net = gcn("bp")
    with pytest.raises(gpufa.InvalidValue, match="and there is none"):
        net.graph = None


def test_all_nodes_and_labels_are_asked_for():
    net = gcn("bp")
    x, y = nodes(net)
    with pytest.raises(gpufa.InvalidValue, match="the input has 29 samples, and the graph 30 nodes"):
        net.predict(x[:29])
    for wrong, why in ((np.where(y < 0, -2, y), "label -2 is out of range"), (y.astype(float) + 0.5, "give a label")):
        with pytest.raises(gpufa.InvalidValue, match=why):
            net.gradients(x, wrong)
    with pytest.raises(gpufa.InvalidValue, match="give nodes that don't count the label -1"):
        net.gradients(x, y, sample_weights=np.ones(30))


def test_another_graph_may_take_its_place():
    net, other = gcn("bp"), gcn("bp", of=graph(40, 1))
    x, _ = nodes(other)
    net.graph = edges(40, 1)
    with pytest.raises(gpufa.InvalidValue, match=r"the graph 39 nodes|the graph 40 nodes"):
        net.predict(x[:30])
    net.graph = graph(40, 1)
    np.testing.assert_array_equal(net.predict(x), other.predict(x))


def test_outputs_behind_anything_else_are_refused():
    for last in ("residual(neighbours, dense 3)", "neighbours, dense 3 tanh", "tanh, dense 3", "dense 4, neighbours"):
        with pytest.raises(gpufa.InvalidValue, match=r"the last block is|makes"):
            gcn("bp", ["input 6", "dense 5 tanh", last])


def test_a_planted_mistake_is_seen():
    """Errors that come back by A and not by its transpose, where these differ."""
    net = gcn("bp", [word.replace("neighbours", "neighbours by mean") for word in GCN])
    x, y = nodes(net)
    right = net.gradients(x, y)
    found = net.adjacency("mean", True)
    net._adjacencies["mean", True] = found._replace(down=found.up)
    net._passes.clear()
    with pytest.raises(AssertionError):
        close(net.gradients(x, y), right, names=["W1"])
