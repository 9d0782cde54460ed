"""Experiments as files, their cells, and the verdict on what came out."""

import math
import tomllib

import numpy as np
import pytest
from reproductionlab import outcome

import gpufa
from gpufa.data.graphs.graphsets import GRAPHS
from gpufa.data.text.texts import is_text
from gpufa.layers.words import inputs
from gpufa.reproductions import experiment, figures
from gpufa.reproductions.experiment import Cell, Published
from gpufa.reproductions.outcome import MEASURES, Outcome, judge
from gpufa.rules import RULES, make_rule
from gpufa.training.sets.prepared import blocks_of

PLACES = {"cifar10": (3, 32, 32), "mnist": (1, 28, 28), "fashion_mnist": (1, 28, 28)}


@pytest.mark.parametrize("name", experiment.names())
def test_every_experiment_can_be_run(name):
    """Its settings are known, its nets can be made, its figures and measures exist, its rows start from one another."""
    found = experiment.find(name)
    cells = {cell.name: cell for cell in found.cells}
    assert {"deviations", "points", "reason"} == set(found.tolerance)
    table = tomllib.loads((experiment.HERE / f"{name}.toml").read_text())
    for row, about in table["rows"].items():
        assert {f"{row}/{column}" for column in about.get("published", ())} <= set(cells)
    assert set(found.bands) <= set(cells)
    assert found.beside in ("", *MEASURES)
    for cell in found.cells:
        config = cell.config()
        rule = make_rule(config.rule, config.rule_options)
        config = config.resolved(rule)
        text, length = is_text(config.data), config.length or 1
        said = inputs(config.layers[0]) if config.layers else None
        places = (length,) if text else said or PLACES.get(config.data, (4,))
        blocks = blocks_of(config, math.prod(places), 3, places, length, text)
        net = gpufa.Network(blocks, activation=config.activation, loss=config.loss, rule=rule,
                            init=config.init, init_scale=config.init_scale, backend="numpy",
                            graph=gpufa.Graph([[0, 1]]) if config.data in GRAPHS else None)  # fmt: skip
        assert net.rule is rule
        assert cell.measure in MEASURES
        assert cell.after is None or cell.after in found.cells
        assert cell.published is None or cell.published.text or cell.published.mean is not None
    rows = {name.partition("/")[0] for name in cells}
    for figure in found.figures:
        assert set(figure["rows"]) <= rows
        assert set(figure.get("columns", ())) <= set(found.columns)
        assert figure["kind"] in figures.FIGURES
        assert figure["caption"]
    for cell in found.quick_cells():
        assert cell.band[0] < cell.band[1]
        assert cell.config().epochs < (cells[cell.name].config().epochs or 50)


def test_the_comparison_has_every_rule():
    """But for those of time: two are dfa and one bp where there is none, and decolle is of spiking nets."""
    of_time = {"rflo", "eprop", "dni_windows", "decolle"}
    assert set(experiment.find("bartunov-comparison").columns) == set(RULES) - of_time


def test_noklands_table_is_the_papers():
    """The ten rows as they stand in the paper: test error of BP, FA and DFA."""
    paper = """7x240-tanh 2.16 0.13 2.20 0.13 2.32 0.15
        1x800-tanh 1.59 0.04 1.68 0.05 1.68 0.05
        2x800-tanh 1.60 0.06 1.64 0.03 1.74 0.08
        3x800-tanh 1.75 0.05 1.66 0.09 1.70 0.04
        4x800-tanh 1.92 0.11 1.70 0.04 1.83 0.07
        2x800-logistic 1.67 0.03 1.82 0.10 1.75 0.04
        2x800-relu 1.48 0.06 1.74 0.10 1.70 0.06
        2x800-tanh-dropout 1.26 0.03 1.53 0.03 1.45 0.07
        2x800-tanh-adversarial 1.01 0.08 1.14 0.03 1.02 0.05"""
    cells = {cell.name: cell.published for cell in experiment.find("nokland2016-table1").cells}
    for line in paper.splitlines():
        row, *numbers = line.split()
        found = [
            value
            for rule in ("bp", "fa", "dfa")
            for value in (cells[f"{row}/{rule}"].mean, cells[f"{row}/{rule}"].deviation)
        ]
        assert found == [float(n) for n in numbers], row
    assert cells["100x240-tanh/dfa"] == Published(3.92, 0.09, 0.12)
    training = {name: p.training for name, p in cells.items() if p and p.training and "code" not in name}
    assert training == {
        "7x240-tanh/fa": 0.02, "7x240-tanh/dfa": 0.03, "100x240-tanh/dfa": 0.12, "4x800-tanh/dfa": 0.02,
        "2x800-tanh-dropout/bp": 0.18, "2x800-tanh-dropout/fa": 0.18, "2x800-tanh-dropout/dfa": 0.24,
        "2x800-tanh-adversarial/dfa": 0.12,
    }  # fmt: skip
    assert cells["100x240-tanh/bp"].text == "does not train"


def test_settings_of_column_and_row_meet_in_a_cell(small):
    (cell,) = experiment.find("small").chosen(("two/*",))
    config = cell.config()
    assert (config.rule, config.rule_options) == ("dfa", {"scale": 2.0, "law": "uniform"})
    assert (config.hidden, config.lr, config.epochs) == ((10,), 0.002, 2)
    assert cell.after.name == "one/dfa"


TOLERANCE = {"deviations": 3, "points": 0.2}


@pytest.mark.parametrize(
    ("found", "word", "why", "steps"),
    [
        (outcome([1.7, 1.8], Published(1.6, 0.06)), "within", "+0.15 of 0.20 allowed", 2.5),
        (outcome([1.7, 1.9], Published(1.6, 0.06)), "within", "+0.20 of 0.20 allowed", 3.333),
        (outcome([1.7, 1.96], Published(1.6, 0.06)), "outside", "+0.23 of 0.20 allowed", 3.833),
        (outcome([1.1], Published(1.6, 0.2)), "within", "-0.50 of 0.60 allowed", -2.5),
        (outcome([1.6], Published(1.6)), "within", "+0.00 of 0.20 allowed", np.nan),
        (outcome([88.0], Published(text="dead", above=80)), "within", "dead", np.nan),
        (outcome([8.0], Published(text="dead", above=80)), "outside", "dead", np.nan),
        (outcome([8.0], Published(text="learns", below=9)), "within", "learns", np.nan),
        (outcome([9.5], Published(text="learns", below=9)), "outside", "learns", np.nan),
        (outcome([1.6, np.nan], Published(1.6, 0.1), lost=1), "outside", "1 of 2 seeds diverged", np.nan),
        (outcome([1.6, np.nan], lost=1), "not comparable", "nothing was published", np.nan),
        (outcome([1.6, np.nan], Published(1.6), differs="other data", lost=1), "not comparable", "other data", np.nan),
        (outcome([np.nan], band=(40, 60), lost=1), "outside", "1 of 1 seeds diverged", np.nan),
        (outcome([1.6], Published(1.6), epochs=2), "not comparable", "2 of 3 epochs so far", np.nan),
        (outcome([1.6], Published(1.6), epochs=2, status="train_error"), "within", "+0.00 of 0.20 allowed", np.nan),
        (outcome([1.6], Published(1.6), differs="other data"), "not comparable", "other data", np.nan),
        (outcome([1.6]), "not comparable", "nothing was published", np.nan),
        (outcome([50.0], band=(40, 60)), "within", "the short run's own band is 40 to 60", np.nan),
        (outcome([70.0], band=(40, 60)), "outside", "the short run's own band is 40 to 60", np.nan),
        (Outcome(Cell("row/column", {}, "test_error")), "not run", "", np.nan),
    ],
)  # fmt: skip
def test_verdicts(found, word, why, steps):
    said = judge(found, TOLERANCE)
    assert (said.word, said.why) == (word, why)
    np.testing.assert_allclose(said.deviations, steps, rtol=1e-3)
