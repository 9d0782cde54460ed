"""Small graphs, their weights by loops, and nets and data of their nodes."""

import numpy as np
from rulelab import network

import gpufa

NODES, LABELLED = 30, 5
GCN = ["input 6", "neighbours, dense 5 tanh", "neighbours, dense 4 tanh", "neighbours, dense 3"]
LINEAR = ["input 6", "neighbours, dense 5", "neighbours, dense 4", "neighbours, dense 3"]


def edges(nodes=NODES, seed=0, share=0.1):
    """Random ones; node 0 has none."""
    draw = np.random.default_rng(seed)
    first, second = np.triu_indices(nodes - 1, 1)
    there = draw.random(len(first)) < share
    return np.stack([first[there], second[there]], axis=1) + 1


def graph(nodes=NODES, seed=0, share=0.1):
    return gpufa.Graph(edges(nodes, seed, share), nodes)


def slow_weights(of, by="symmetric", loops=True):
    """A, (nodes, nodes), by loops over nodes."""
    n = of.nodes
    near = [[] for _ in range(n)]
    for i, j in of.edges.tolist():
        near[i].append(j)
        near[j].append(i)
    if loops:
        near = [[i, *own] for i, own in enumerate(near)]
    A = np.zeros((n, n))
    for i in range(n):
        for j in near[i]:
            A[i, j] = {"sum": 1, "mean": 1 / len(near[i])}.get(by) or 1 / np.sqrt(len(near[i]) * len(near[j]))
    return A


def gcn(rule, words=GCN, backend="numpy", of=None, **kw):
    """A float64 net with random weights, the same for every rule, on the nodes of a graph."""
    return network(words, rule, backend=backend, graph=of or graph(), **kw)


def nodes(net, seed=3, labelled=LABELLED):
    """x of all nodes, and a label of some of them, -1 for all others."""
    draw = np.random.default_rng(seed)
    n = net.graph.nodes
    y = np.full(n, -1)
    y[draw.permutation(n)[:labelled]] = np.arange(labelled) % net.sizes.outputs
    return draw.normal(size=(n, net.sizes.inputs)), y


def softmax_error(net, x, y):
    """e by nodes, (nodes, n_L), 0 where there is no label."""
    yhat = net.predict(x)
    wanted = (y[:, None] == np.arange(yhat.shape[1])).astype(float)
    return (yhat - wanted) * (y >= 0)[:, None]


def communities(seed=0, each=40, classes=3, features=12, labelled=4):
    """Arrays of a graph whose nodes have few features of their own and more edges within a class than across, as a
    program hands them in: what a class is like is known from a node's neighbours rather than from itself."""
    draw, n = np.random.default_rng(seed), each * classes
    y = np.arange(n) % classes
    first, second = np.triu_indices(n, 1)
    there = draw.random(len(first)) < np.where(y[first] == y[second], 0.12, 0.01)
    x = (draw.random((n, features)) < np.where(np.arange(features) % classes == y[:, None], 0.3, 0.15)).astype(float)
    order = draw.permutation(n)
    own = [order[y[order] == c] for c in range(classes)]
    train = np.concatenate([one[:labelled] for one in own])
    val = np.concatenate([one[labelled : labelled + 8] for one in own])
    test = np.concatenate([one[labelled + 8 :] for one in own])
    return {
        "x": x,
        "y": y,
        "edges": np.stack([first[there], second[there]], 1),
        "train": train,
        "val": val,
        "test": test,
    }
