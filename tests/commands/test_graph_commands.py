"""Graphs from the command line: trained, gone on with, judged and predicted from."""

import csv

import numpy as np
import pytest
from commandlab import run
from graphlab import communities

from gpufa.data.sets.namedsets import listed

GCN = ["--layers", "neighbours, dense 8 relu", "neighbours", "--backend", "numpy"]


@pytest.fixture(scope="module")
def there(tmp_path_factory):
    """A folder with a graph, another of the same kind, samples without edges, and a run."""
    cwd = tmp_path_factory.mktemp("graphs")
    np.savez(cwd / "papers.npz", **communities())
    np.savez(cwd / "others.npz", **communities(seed=1, each=30))
    x, y, edges = (communities()[name] for name in ("x", "y", "edges"))
    np.savez(cwd / "rows.npz", x=x, y=y)
    np.savez(cwd / "features.npz", x=x)
    np.savez(cwd / "unlabelled.npz", x=x, edges=edges)
    np.savez(cwd / "labelled.npz", x=x, edges=edges, y=np.where(np.arange(120) < 30, y, -1))
    run("train", "--data", "papers.npz", *GCN, "--rule", "dfa", "--set", "rule.graph=true", "--epochs", "30",
        "--scaling", "rows", "--keep", "best", "--lr", "0.02", "--out", "run", "--quiet", cwd=cwd)  # fmt: skip
    return cwd


def test_a_graph_trains_and_says_what_it_is(there):
    told = run("train", "--data", "papers.npz", *GCN, "--epochs", "3", "--out", "other", cwd=there)
    text = " ".join((told.stdout + told.stderr).split())
    assert "a graph of 120 nodes" in text
    assert "12 nodes train, 24 validate, 84 test" in text


def test_it_goes_on_and_knows_its_data(there):
    run("train", "--data", "papers.npz", *GCN, "--epochs", "2", "--out", "more", "--quiet", cwd=there)
    run("resume", "more", "--epochs", "4", "--quiet", cwd=there)
    done = run("resume", "more", "--epochs", "6", "--data", "others.npz", "--quiet", cwd=there, ok=2)
    assert "have changed since" in " ".join(done.stderr.split())


def test_it_is_judged_by_the_nodes_of_the_test(there):
    own = run("evaluate", "run", cwd=there).stdout
    named = run("evaluate", "run", "--data", "papers.npz", cwd=there).stdout
    assert "error" in own
    assert own.split("\n", 1)[1].split("error")[1] == named.split("\n", 1)[1].split("error")[1]
    run("evaluate", "run", "--data", "others.npz", cwd=there)


def test_it_predicts_every_node_of_a_graph(there):
    for name, nodes in (("papers.npz", 120), ("others.npz", 90)):
        rows = list(csv.DictReader(run("predict", "run", name, cwd=there).stdout.splitlines()))
        assert len(rows) == nodes
        assert set(rows[0]) == {"label", "output_0", "output_1", "output_2"}
    y = communities()["y"]
    rows = list(csv.DictReader(run("predict", "run", "papers.npz", cwd=there).stdout.splitlines()))
    assert np.mean([int(row["label"]) == one for row, one in zip(rows, y, strict=True)]) > 0.6


def test_labels_and_parts_need_not_be_there(there):
    lines = run("predict", "run", "papers.npz", cwd=there).stdout
    for name in "unlabelled.npz", "labelled.npz":
        assert run("predict", "run", name, cwd=there).stdout == lines
    assert "all 30 nodes with a label of labelled.npz" in evaluated("run", "labelled.npz", there)
    assert "the test nodes of others.npz" in evaluated("run", "others.npz", there)


def evaluated(name, data, cwd):
    return " ".join(run("evaluate", name, "--data", data, cwd=cwd).stdout.split())


def test_what_can_not_be_is_refused_in_a_sentence(there):
    for args, why in (
        (["predict", "run", "rows.npz"], "rows.npz has no edges, and the net goes along those of a graph"),
        (["predict", "run", "features.npz"], "features.npz has no edges, and the net goes along those of a graph"),
        (["evaluate", "run", "--data", "digits"], "digits has no edges, and the net goes along those of a graph"),
        (["evaluate", "run", "--data", "gone.csv"], "there is no file gone.csv"),
        (["evaluate", "run", "--data", "gone.npz"], "there is no file gone.npz"),
        (["evaluate", "run", "--data", "unlabelled.npz"], "holds no labels or targets to evaluate against"),
        (["evaluate", "run", "--data", "others.npz", "--encoding", "utf-8"], "encoding = 'utf-8' is for text"),
        (["evaluate", "run", "--data", "others.npz", "--drop", "x"], "others.npz: the data are a graph's nodes"),
        (["train", "--data", "papers.npz", "--out", "no"], "no layer of the net goes along its edges"),
        (["train", "--data", "rows.npz", *GCN, "--out", "no"], "goes along the edges of a graph, and there is none"),
        (
            ["train", "--data", "papers.npz", *GCN, "--batch-size", "8", "--out", "no"],
            "batch_size = 8 is not the number",
        ),
        (["train", "--data", "papers.npz", *GCN, "--stream", "always", "--out", "no"], "it can't stream: the nodes"),
        (["export", "run", "net.onnx"], "can't be exported"),
        (["export", "run", "net.pt"], "can't be exported"),
    ):
        done = run(*args, cwd=there, ok=2)
        assert why in " ".join((done.stdout + done.stderr).split()), args


def test_named_graphs_are_listed(there):
    said = listed()
    assert "140 + 500 + 1000 of 2708 nodes of 1433 features" in said["cora"]
    assert "120 + 500 + 1000 of 3327 nodes of 3703 features" in said["citeseer"]
    shown = run("data", "list", cwd=there).stdout
    assert all(name in shown for name in said)
    assert "neighbours" in run("layers", cwd=there).stdout


def test_the_curves_of_a_run_are_drawn(there):
    assert "some of a graph's nodes" in " ".join(run("plot", "run", "--pictures", "all", cwd=there).stdout.split())
    assert (there / "run" / "curves.png").exists()
    run("report", "run", "--out", "report.html", cwd=there)
    text = (there / "report.html").read_text(encoding="utf-8")
    assert "a graph of 120 nodes" in text
