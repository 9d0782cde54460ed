"""A step asks no more of a GPU than what was counted of it, and the docs say how much that is."""

import json
from pathlib import Path

import numpy as np
import pytest
import standin

import gpufa
from gpufa.rules import RULES

ROOT = Path(__file__).parents[2]
RECORD = ROOT / "benchmarks/results/counts.json"
RECORDED = json.loads(RECORD.read_text())["rows"] if RECORD.exists() else {}
NAMES = [*RULES, *(f"{rule}, {net}" for net in ("LeNet", "batch norms") for rule in ("bp", "fa", "dfa"))]
NAMES += [f"{rule}, GRU of 32 steps" for rule in ("bp", "fa", "dfa", "eprop", "decolle")]
REPLAY = {"launches": 0, "products": 0, "copies": 0, "bytes": 0, "fills": 0, "syncs": 0, "graph_launches": 1}


@pytest.fixture(autouse=True)
def counts(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks import counts

    return counts


@pytest.mark.gpu
@pytest.mark.standin_only
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", NAMES)
def test_no_count_has_grown(name, counts):
    (found,), recorded = counts.run(standin.counts, [name]).values(), RECORDED[name]
    for step, row in recorded.items():
        grown = {kind: (row[kind], found[step][kind]) for kind in row if found[step][kind] > row[kind]}
        assert not grown, f"{step}, before and now: {grown}; python -m benchmarks counts takes it over"


def test_every_step_is_recorded(counts):
    assert list(RECORDED) == NAMES == list(counts.STEPS)


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_step_is_one_launch_without_a_wait(name):
    replayed = dict(RECORDED[name]["replayed"])
    assert replayed.pop("graph_nodes") > 0
    assert replayed == REPLAY


def test_what_a_step_may_ask(counts):
    """Of a net of three layers: beside its products at most 8 launches by dfa, fa and bp, and half of what the rules
    that relax took at first, products and all."""
    plain = {rule: row["as it is"] for rule, row in RECORDED.items()}
    for rule in ("dfa", "fa", "bp"):
        assert sum(plain[rule][kind] for kind in ("launches", "copies", "fills")) <= 8
    for rule, first in {"eqprop": 521, "chl": 140, "predictive_coding": 211, "forward_forward": 113}.items():
        assert 2 * (plain[rule]["launches"] + plain[rule]["products"]) <= first


@pytest.mark.gpu
@pytest.mark.standin_only
@pytest.mark.parametrize("layers", [2, 8])
def test_what_the_angles_may_ask(layers):
    """Sums of products, of which the host makes the rest: it waits as often whatever the number of layers."""
    net = gpufa.Network([6, *[5] * layers, 3], rule="dfa", seeds=(0, 1), backend="cupy")
    x, y = np.ones((4, 6)), np.zeros(4, int)
    net.alignment(x, y)
    with standin.count() as found:
        net.alignment(x, y)
    assert found["launches"] + found["products"] <= 20 + 31 * layers
    assert found["syncs"] <= 9


def test_the_committed_page_has_the_records(counts, tmp_path):
    made = tmp_path / "gpu.md"
    made.write_text(counts.PAGE.read_text())
    assert counts.write(RECORDED, made).read_text() == counts.PAGE.read_text()
