"""Graphs with their nodes in files and arrays: every name that there is for a part, and what is refused."""

import h5py
import numpy as np
import pytest
from scipy import sparse

import gpufa
from gpufa.data.datasets import load_data
from gpufa.data.graphs.nodes import sentence

X = np.array([[1, 0, 2], [0, 1, 0], [0, 0, 0], [3, 1, 0], [0, 0, 1], [1, 1, 1]], np.float32)
Y = np.array([0, 1, -1, 1, 0, 1])
EDGES = np.array([[0, 1], [1, 3], [3, 4], [0, 4]])
GRAPH = {"x": X, "y": Y, "edges": EDGES, "train": np.array([0, 1]), "val": np.array([3]), "test": np.array([4, 5])}
MASKS = {part: np.isin(np.arange(6), GRAPH[part]) for part in ("train", "val", "test")}


def without(*names, **more):
    return {name: a for name, a in GRAPH.items() if name not in names} | more


def csr(name, matrix, data=True):
    parts = {"indptr": matrix.indptr, "indices": matrix.indices, "shape": np.array(matrix.shape)}
    return {f"{name}_{part}": a for part, a in (parts | ({"data": matrix.data} if data else {})).items()}


def adjacency():
    first, second = np.concatenate([EDGES, EDGES[:, ::-1]]).T
    return sparse.csr_matrix((np.ones(8), (first, second)), shape=(6, 6))


SAME = {
    "plain": GRAPH,
    "edge_index both ways": without("edges", edge_index=np.concatenate([EDGES, EDGES[:, ::-1]]).T),
    "adjacency by rows": without("edges", **csr("adj", adjacency())),
    "features by rows": without("x", **csr("x", sparse.csr_matrix(X))),
    "attr by rows": without("x", **csr("attr", sparse.csr_matrix(X))),
    "masks": without("train", "val", "test", **{f"{part}_mask": mask for part, mask in MASKS.items()}),
    "masks of numbers": without("train", "val", "test", **{f"{p}_mask": m.astype(np.int64) for p, m in MASKS.items()}),
    "idx": without("train", "val", "test", **{f"idx_{part}": GRAPH[part] for part in MASKS}),
    "one-hot labels": without("y", labels=np.eye(2)[np.maximum(Y, 0)] * (Y >= 0)[:, None]),
    "labels as floats": without("y", label=Y.astype(float)[:, None]),
    "validation": without("val", validation=GRAPH["val"]),
    "more than is used": GRAPH | {"edge_weight": np.ones(4), "names": np.array(["a", "b"])},
}


def is_the_graph(data):
    np.testing.assert_array_equal(data.x_train, X)
    assert data.x_train.dtype == np.float32
    assert data.y_train.tolist() == [0, 1, -1, -1, -1, -1]
    assert data.y_validation.tolist() == [-1, -1, -1, 1, -1, -1]
    assert data.y_test.tolist() == [-1, -1, -1, -1, 0, 1]
    assert data.graph == gpufa.Graph(EDGES, 6)
    assert data.about.task == "classification"
    assert "6 nodes and 4 undirected edges: 2 nodes train, 1 validate, 2 test" in sentence(data)


@pytest.mark.parametrize("form", SAME)
def test_every_form_is_the_same_graph(form, tmp_path):
    is_the_graph(load_data(SAME[form]))
    np.savez(tmp_path / "graph.npz", **SAME[form])
    is_the_graph(load_data(tmp_path / "graph.npz"))


def test_hdf5_and_data_that_were_read_are_taken(tmp_path):
    with h5py.File(tmp_path / "graph.h5", "w") as file:
        for name, array in GRAPH.items():
            file[name] = array
    data = load_data(tmp_path / "graph.h5")
    is_the_graph(data)
    is_the_graph(load_data(data))


def test_features_without_data_are_ones():
    data = load_data(without("x", **csr("x", sparse.csr_matrix(X), data=False)))
    np.testing.assert_array_equal(data.x_train, X != 0)


def test_classes_go_by_their_names():
    data = load_data(without("y", y=np.array(["ml", "ai", "", "ai", "ml", "ai"])))
    assert data.about.classes == ("ai", "ml")
    assert data.y_test.tolist() == [-1, -1, -1, -1, 1, 0]
    assert load_data(without("y", y=np.where(Y < 0, -1, Y + 4))).about.classes == ("4", "5")


@pytest.mark.parametrize(
    ("arrays", "why"),
    [
        (without("train"), "no node is trained on: there is no array train among"),
        (without("y"), "there is no array y or labels or label of labels among"),
        (without("x"), "there is no array x or features or attr_matrix of features among"),
        (GRAPH | {"features": X}, "arrays 'x' and 'features' could both be the one of features"),
        (GRAPH | {"train_mask": MASKS["train"]}, "arrays 'train' and 'train_mask' could both say"),
        (GRAPH | {"train": np.array([0, 1, 2])}, "train has node 2, which has no label"),
        (GRAPH | {"val": np.array([3, 4])}, "node 4 is for validation and for test"),
        (GRAPH | {"val": np.array([3, 3])}, "val is int64 of the shape"),
        (GRAPH | {"test": np.array([4, 6])}, "test names node 6, and there are 6"),
        (GRAPH | {"test": np.array([4, -1])}, "test names node -1, and there are 6"),
        (GRAPH | {"edge_weight": np.array([1, 1, 0.5, 1])}, "edge_weight is not 1 at each edge, and layers weigh"),
        (without("edges"), "the array 'train' is for a graph's nodes, and there are no edges; give edges"),
        (without("edges", *MASKS, adj=np.eye(6)), "the array 'adj' is for a graph's nodes, and there are no edges"),
        (GRAPH | {"test": MASKS["test"][:5]}, "give a bool for each of 6 nodes"),
        (GRAPH | {"y": Y[:5]}, "y is int64 of the shape"),
        (GRAPH | {"y": Y - 1}, "has the label -2"),
        (GRAPH | {"y": np.ones((6, 2))}, "give a class for each node, or one-hot rows"),
        (GRAPH | {"y": np.where(np.arange(6) == 5, 7, Y)}, "has the class 7, but those of y_train are"),
        (GRAPH | {"x": X[:, :, None]}, r"x has the shape \(6, 3, 1\); give \(nodes, features\)"),
        (GRAPH | {"x": np.full_like(X, np.nan)}, "x has a NaN or infinite value"),
        (GRAPH | {"edges": EDGES + 3}, "an edge leads to node 7, but the graph has 6 nodes"),
        (without("edges", **csr("adj", adjacency()[:5, :5])), "adj_shape says 5 nodes, but x has 6"),
        (without("x", **csr("x", sparse.csr_matrix(X)) | {"x_indptr": np.arange(3)}), "are no sparse matrix"),
    ],
)  # fmt: skip
def test_arrays_that_are_no_graph_are_refused(arrays, why):
    with pytest.raises(gpufa.InvalidValue, match=why):
        load_data(arrays)


def test_files_are_held_to_the_same(tmp_path):
    for arrays, why in (GRAPH | {"edge_attr": np.arange(4)}, "edge_attr"), (without("edges"), "array 'train'"):
        np.savez(tmp_path / "a.npz", **arrays)
        with pytest.raises(gpufa.InvalidValue, match=why):
            load_data(str(tmp_path / "a.npz"))


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"target": "y"}, "leave --target out"),
        ({"features": ["0", "1"]}, "leave --features out"),
        ({"drop": "0"}, "leave --drop out"),
        ({"sample_weights": "w"}, "leave --sample-weights out"),
        ({"missing": "mean"}, "leave --missing out"),
        ({"task": "regression"}, "leave --task regression out"),
        ({"test_fraction": 0.5}, "leave out test_fraction=0.5"),
    ],
)
@pytest.mark.parametrize("read", [False, True])
def test_settings_of_other_data_are_refused(settings, why, read):
    with pytest.raises(gpufa.InvalidValue, match=why):
        load_data(load_data(GRAPH) if read else GRAPH, **settings)


def test_weights_of_nodes_are_refused():
    with pytest.raises(gpufa.InvalidValue, match="sample_weights are for samples"):
        gpufa.train(gpufa.Config(layers=("neighbours",)), GRAPH, sample_weights=np.ones(6))


@pytest.mark.parametrize("folder", ["", "graphs", "cora"])
def test_named_graphs_are_found_in_their_folders(folder, tmp_path, monkeypatch):
    (tmp_path / folder).mkdir(exist_ok=True)
    np.savez(tmp_path / folder / "cora.npz", **GRAPH)
    monkeypatch.setenv("GPUFA_DATA", str(tmp_path))
    is_the_graph(load_data("cora"))


def test_named_graphs_are_not_downloaded(tmp_path, monkeypatch):
    for root in (str(tmp_path), ""):
        monkeypatch.setenv("GPUFA_DATA", root)
        with pytest.raises(gpufa.FileProblem, match=r"there is no citeseer.npz in .*and graphs are not downloaded"):
            load_data("citeseer")
