"""What tests of reproductions are made of: a small experiment and its results."""

import json

import numpy as np

from gpufa.commands.main import main
from gpufa.measure.history import History
from gpufa.reproductions.experiment import Cell
from gpufa.reproductions.outcome import Outcome

SMALL = """
title = "a small one"
source = "no paper"
seeds = 2

[tolerance]
deviations = 3
points = 0.2
reason = "so it is"

[settings]
data = "digits"
hidden = [10]
lr = 0.003
epochs = 2

[columns.bp]
rule = "bp"
[columns.dfa]
rule = { name = "dfa", scale = 2.0 }

[rows.one]
published = { bp = [5.0, 0.1], dfa = { text = "learns", below = 80 } }
[rows.two]
after = "one"
lr = 0.002
rule = { law = "uniform" }
columns = ["dfa"]

[quick]
epochs = 1
samples = 300
[quick.band.one]
dfa = [0, 95]
"""

FIGURES = """
figures = [
    { kind = "sweep", rows = ["one", "two"], columns = ["dfa"], setting = "lr", x = "x", y="y", name="s", caption="s"},
    { kind = "compare", rows = ["one", "two"], name = "curves", caption = "curves" },
    { kind = "stages", rows = ["one", "two"], name = "stages", caption = "stages" },
    { kind = "examples", rows = ["one"], name = "examples", caption = "examples" },
    { kind = "align", rows = ["one"], name = "align", caption = "align" },
    { kind = "ranking", rows = ["one"], name = "ranking", caption = "ranking" },
    { kind = "features", rows = ["one"], name = "features", caption = "features" },
]
"""


def reproduce(out, *flags):
    return main(["reproduce", "small", "--out", str(out), "--quiet", *flags])


def results(out):
    return json.loads((out / "small" / "results.json").read_text())


def outcome(values, published=None, epochs=3, status="running", lost=0, **cell):
    made = Cell("row/column", {}, "test_error", published, **cell)
    n = len(values)
    history = History(tuple(range(n)))
    status = (*(status,) * (n - lost), *("diverged",) * lost)
    return Outcome(made, history, (), np.array(values, float), np.full(n, epochs), 3, status)


def history(seeds, errors):
    found = History(seeds)
    for i, error in enumerate(errors):
        found.epochs.append({"epoch": i + 1, "step": 10 * (i + 1), "test_error": np.full(len(seeds), float(error))})
    return found
