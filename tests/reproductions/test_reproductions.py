"""gpufa reproduce: experiments as files, runs that go on, verdicts, records, figures."""

import dataclasses
import json
import shutil
import tomllib

import numpy as np
import pytest

import gpufa
from gpufa.commands import display
from gpufa.commands.main import main
from gpufa.measure.history import History
from gpufa.reproductions import experiment, figures, record, runner, toyflow
from gpufa.reproductions.experiment import Cell, Published
from gpufa.reproductions.outcome import MEASURES, Outcome, judge
from gpufa.rules import RULES, make_rule

SMALL = """
title = "a small one"
source = "no paper"
seeds = 2
figures = [
    { kind = "sweep", rows = ["one", "two"], columns = ["dfa"], setting = "lr", x = "x", y="y", name="s", caption="s"},
    { kind = "compare", rows = ["one", "two"], name = "curves", caption = "curves" },
    { kind = "stages", rows = ["one", "two"], name = "stages", caption = "stages" },
    { kind = "examples", rows = ["one"], name = "examples", caption = "examples" },
    { kind = "align", rows = ["one"], name = "align", caption = "align" },
    { kind = "ranking", rows = ["one"], name = "ranking", caption = "ranking" },
    { kind = "features", rows = ["one"], name = "features", caption = "features" },
]

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


@pytest.fixture
def small(tmp_path, monkeypatch):
    """An experiment of its own, "small", and the folder that it is run in."""
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "small.toml").write_text(SMALL)
    monkeypatch.setattr(experiment, "HERE", tmp_path / "experiments")
    return tmp_path / "out"


def reproduce(out, *flags):
    return main(["reproduce", "small", "--out", str(out), "--quiet", *flags])


def results(out):
    return json.loads((out / "small" / "results.json").read_text())


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
    for cell in found.cells:
        config = cell.config()
        rule = make_rule(config.rule, config.rule_options)
        config = config.resolved(rule)
        net = gpufa.Network([4, *config.hidden, 3], activation=config.activation, loss=config.loss, rule=rule,
                            init=config.init, init_scale=config.init_scale, backend="numpy")  # fmt: skip
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
    assert set(experiment.find("bartunov-comparison").columns) == set(RULES)


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


def outcome(values, published=None, epochs=3, status="running", lost=0, **cell):
    made = Cell("row/column", {}, "test_error", published, **cell)
    n = len(values)
    history = History(tuple(range(n)))
    status = (*(status,) * (n - lost), *("diverged",) * lost)
    return Outcome(made, history, (), np.array(values, float), np.full(n, epochs), 3, status)


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


def test_cells_are_run_once_in_pieces_and_more_seeds_added(small, monkeypatch):
    assert reproduce(small, "--cells", "one/*", "--seeds", "1") == 0
    first = {cell["name"]: cell for cell in results(small)["cells"]}
    assert first["two/dfa"]["verdict"] == "not run"
    assert first["one/bp"]["seeds"] == [0]
    assert first["one/bp"]["verdict"] in ("within", "outside")
    assert (first["one/dfa"]["verdict"], first["one/dfa"]["why"]) == ("within", "learns")
    assert reproduce(small) == 0
    whole = {cell["name"]: cell for cell in results(small)["cells"]}
    assert [cell["seeds"] for cell in whole.values()] == [[0, 1], [0, 1], [0, 1]]
    assert whole["one/bp"]["values"][0] == first["one/bp"]["values"][0]
    alone = experiment.find("small").cells[0].config(seeds=(0, 1))
    expected = gpufa.train(alone).summary["test_error"]
    np.testing.assert_allclose(
        whole["one/bp"]["values"], expected, atol=0.6
    )  # a replica is its single run, to rounding
    monkeypatch.setattr(runner.runs, "train", lambda *a, **k: pytest.fail("trained again"))
    monkeypatch.setattr(runner.runs, "resume", lambda *a, **k: pytest.fail("resumed"))
    assert reproduce(small) == 0
    assert results(small)["cells"] == list(whole.values())
    names = {f["name"] for f in results(small)["figures"]}
    assert names == {"curves", "stages", "examples", "align", "ranking", "features", "s"}
    for name in names:
        assert (small / "small" / f"{name}.png").read_bytes()[:4] == b"\x89PNG"
        assert b"<svg" in (small / "small" / f"{name}.svg").read_bytes()


def test_a_cell_that_starts_from_another_takes_its_weights(small):
    assert reproduce(small) == 0
    before = gpufa.load(small / "small" / "one" / "dfa" / "seeds-0-1")
    folder = small / "small" / "one" / "dfa" / "seeds-0-1" / "two"
    stored = tomllib.loads((folder / "config.toml").read_text())
    assert stored["start"].endswith("one/dfa/seeds-0-1")
    np.testing.assert_array_equal(gpufa.load(folder).feedback["B1"], before.feedback["B1"])
    two = experiment.find("small").cells[2].config(seeds=(0, 1), start=str(folder.parent))
    np.testing.assert_array_equal(results(small)["cells"][2]["values"], gpufa.train(two).summary["test_error"])


def test_what_starts_from_another_waits_for_its_good_end(small, capsys, monkeypatch):
    assert reproduce(small, "--cells", "two/*") == 2
    said = "two/dfa starts from the weights of one/dfa, of which seed 0, 1 has not been trained to a good end; run that"
    assert said in capsys.readouterr().err
    monkeypatch.setattr(display, "watching", lambda quiet: [StopAfterOne()])
    assert reproduce(small, "--cells", "one/dfa") == 0
    assert reproduce(small, "--cells", "two/*") == 2
    assert said in capsys.readouterr().err
    monkeypatch.setattr(display, "watching", lambda quiet: [])
    assert reproduce(small, "--cells", "one/dfa", "--seeds", "3") == 0
    assert reproduce(small, "--cells", "two/dfa", "--seeds", "1") == 0  # all seeds of the run it starts from
    assert results(small)["cells"][2]["seeds"] == [0, 1]


def test_who_removes_a_run_removes_what_started_from_it(small):
    assert reproduce(small, "--cells", "*/dfa") == 0
    shutil.rmtree(small / "small" / "one" / "dfa" / "seeds-0-1")
    assert reproduce(small, "--cells", "one/bp") == 0
    assert [cell["verdict"] for cell in results(small)["cells"]][1:] == ["not run", "not run"]


def test_a_seed_is_counted_once(small, capsys):
    assert reproduce(small, "--cells", "one/bp") == 0
    folder = small / "small" / "one" / "bp"
    shutil.copytree(folder / "seeds-0-1", folder / "seeds-1")
    assert reproduce(small) == 2
    said = capsys.readouterr().err
    assert "both have seed 0; remove one of them" in said
    assert said.count("\n") == 1


class StopAfterOne(gpufa.Callback):
    def on_epoch(self, trainer):
        trainer.stop_requested = True


def test_what_was_stopped_goes_on(small, monkeypatch, capsys):
    monkeypatch.setattr(display, "watching", lambda quiet: [StopAfterOne()])
    assert main(["reproduce", "small", "--out", str(small)]) == 0
    assert "stopped and saved; the same command goes on" in capsys.readouterr().out
    cells = results(small)["cells"]
    assert (cells[0]["verdict"], cells[0]["why"]) == ("not comparable", "1 of 2 epochs so far")
    assert cells[1]["verdict"] == "not run"
    monkeypatch.undo()
    monkeypatch.setattr(experiment, "HERE", small.parent / "experiments")
    assert reproduce(small, "--cells", "one/bp") == 0
    whole = gpufa.train(dataclasses.replace(experiment.find("small").cells[0].config(), seeds=(0, 1)))
    assert results(small)["cells"][0]["values"] == whole.summary["test_error"]


def test_runs_of_other_settings_are_refused(small, capsys):
    assert reproduce(small, "--cells", "one/*") == 0
    file = small.parent / "experiments" / "small.toml"
    file.write_text(file.read_text().replace("scale = 2.0", "scale = 1.0"))
    assert reproduce(small, "--cells", "one/*") == 2
    said = capsys.readouterr().err
    assert "was trained with rule.scale = 2.0, but one/dfa has 1.0; give another --out" in said
    assert said.count("\n") == 1
    file.write_text(file.read_text().replace("scale = 1.0", "scale = 2.0").replace("hidden = [10]", "hidden = [11]"))
    assert reproduce(small) == 2
    assert "hidden = [10], but one/bp has [11]; give another --out" in capsys.readouterr().err
    for old, new, text in (
        ("hidden = [10]", "hidden = [10]\nclip = 0.5", "clip = None, but one/bp has 0.5"),
        ("lr = 0.003\n", "", ""),  # which is the rule's own
        ("lr = 0.003\n", "lr = 0.001\n", "lr = 0.003, but one/bp has 0.001"),
        ('{ name = "dfa", scale = 2.0 }', '"dfa"', "rule.scale = 2.0, but one/dfa has 1.0"),
    ):
        file.write_text(SMALL.replace(old, new, 1))
        assert reproduce(small, "--cells", "one/*") == (2 if text else 0), new
        assert text in capsys.readouterr().err


def test_a_network_that_has_not_been_trained_is_no_run(small, capsys):
    run = small / "small" / "one" / "bp" / "seeds-0"
    run.mkdir(parents=True)
    gpufa.save(gpufa.Network([64, 10, 10], backend="numpy"), run / "checkpoint.h5")
    assert reproduce(small) == 2
    said = capsys.readouterr().err
    assert "one/bp/seeds-0' holds a network without its training; give another --out, or remove that run" in said
    assert said.count("\n") == 1


def test_other_epochs_and_short_runs_are_kept_apart(small):
    assert reproduce(small, "--epochs", "1", "--cells", "one/bp") == 0
    assert reproduce(small, "--epochs", "1", "--cells", "one/dfa", "--seeds", "1") == 0
    cell, other, _ = json.loads((small / "small" / "epochs-1" / "results.json").read_text())["cells"]
    assert other["seeds"] == [0]
    assert (cell["epochs"], cell["verdict"]) == ([1, 1], "not comparable")
    assert cell["why"] == "epochs = 1 was asked for"
    assert reproduce(small, "--quick") == 0
    (cell,) = json.loads((small / "small" / "quick" / "results.json").read_text())["cells"]
    assert (cell["name"], cell["seeds"], cell["epochs"], cell["verdict"]) == ("one/dfa", [0], [1], "within")
    assert cell["settings"]["samples"] == 300
    assert not (small / "small" / "one").exists()


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (["nokland"], "unknown experiment 'nokland'; choose one of small: see gpufa reproduce list"),
        (["small", "--cells", "three/*"], "small has no cell three/*; choose from one/bp, one/dfa, two/dfa"),
        (["small", "--seeds", "0"], "seeds = 0 can't be run; give a whole number of at least 1"),
        (["small", "--cells", "one/*", "tow/*"], "small has no cell tow/*; choose from one/bp, one/dfa, two/dfa"),
        (["small", "--epochs", "0"], "epochs = 0 can't be run; give a whole number of at least 1"),
        (["small", "--quick", "--epochs", "3"], "--quick has epochs of its own; leave --epochs out"),
        (["small", "--quick", "--cells", "one/*"], "--quick has cells of its own; leave --cells out"),
        (["--quick"], "an experiment is run by its name; give gpufa reproduce NAME before the flags"),
        (["small", "--out", "/dev/null/x"], "can't be written (Not a directory); give another --out"),
    ],
)
def test_bad_input_is_one_sentence(small, capsys, flags, text):
    assert main(["reproduce", *flags]) == 2
    said = capsys.readouterr().err
    assert text in said
    assert said.count("\n") == 1


def test_an_experiment_without_a_short_run_says_so(small, capsys):
    file = small.parent / "experiments" / "small.toml"
    file.write_text(file.read_text().partition("[quick]")[0])
    assert reproduce(small, "--quick") == 2
    assert "small has no short run; leave --quick out" in capsys.readouterr().err


def test_the_list(capsys):
    assert main(["reproduce"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in experiment.names())


def test_the_table_has_published_and_ours_side_by_side(small, capsys):
    assert main(["reproduce", "small", "--out", str(small), "--cells", "one/bp"]) == 0
    said = capsys.readouterr().out
    (value,) = [cell for cell in results(small)["cells"] if cell["name"] == "one/bp"]
    assert "5.00 ± 0.10 %" in said
    ours = f"{np.mean(value['values']):.2f} ± {np.std(value['values'], ddof=1):.2f} % ({value['running_error']:.2f})"
    assert ours in said


def test_records_are_found_again_where_a_seed_diverged(small):
    cell = Cell(
        "one/wild",
        {
            "data": "digits",
            "hidden": [4],
            "activation": "relu",
            "rule": {"name": "bp"},
            "optimizer": "sgd",
            "lr": 1e36,
            "epochs": 3,
        },
        "test_error",
    )
    runner.train(cell, small, range(2), list)
    found = Outcome.of(cell, runner.runs_of(cell, small))
    assert found.finished
    assert set(found.status) == {"diverged"}
    line = record._cell(experiment.find("small"), found)
    assert line["values"] == [None, None]
    assert record.line(line, 2)[2] == "- %"


@pytest.mark.parametrize("name", [n for n in experiment.names() if experiment.find(n).bands])
def test_short_runs_land_in_their_bands(name, tmp_path, monkeypatch):
    """Each band is the mean of eight seeds, four deviations to each side."""
    missing = "the MNIST files are not on this machine; set GPUFA_DATA or run gpufa data fetch mnist"
    monkeypatch.setattr("gpufa.data.datasets._download", lambda *args: pytest.skip(missing))
    assert main(["reproduce", name, "--quick", "--quiet", "--out", str(tmp_path)]) == 0
    cells = json.loads((tmp_path / name / "quick" / "results.json").read_text())["cells"]
    assert {(cell["name"], cell["verdict"]) for cell in cells} == {
        (cell, "within") for cell in experiment.find(name).bands
    }


def test_a_short_run_outside_its_band_is_told_by_the_exit_code(small):
    file = small.parent / "experiments" / "small.toml"
    file.write_text(SMALL.replace("dfa = [0, 95]", "dfa = [0, 1]"))
    assert reproduce(small, "--quick") == 1


def test_a_figure_that_fails_leaves_the_record(small, monkeypatch):
    def fail(*args):
        raise gpufa.InvalidValue("no picture")

    monkeypatch.setattr(figures, "draw", fail)
    assert reproduce(small, "--cells", "one/bp") == 2
    assert results(small)["cells"][0]["seeds"] == [0, 1]
    monkeypatch.undo()


def test_a_record_that_can_not_be_written_and_a_summary_that_can_not_be_read(small, capsys):
    assert reproduce(small, "--cells", "one/bp") == 0
    assert results(small)["cells"][0]["machines"]
    (small / "small" / "one" / "bp" / "seeds-0-1" / "summary.json").write_text('{"seconds"')
    assert reproduce(small, "--cells", "one/bp") == 0
    assert results(small)["cells"][0]["machines"] == []
    (small / "small" / "results.json").unlink()
    (small / "small" / "results.json").mkdir()
    assert reproduce(small, "--cells", "one/bp") == 2
    assert "results.json' can't be written (Is a directory); give another --out" in capsys.readouterr().err


def history(seeds, errors):
    found = History(seeds)
    for i, error in enumerate(errors):
        found.epochs.append({"epoch": i + 1, "step": 10 * (i + 1), "test_error": np.full(len(seeds), float(error))})
    return found


def cells_of(**histories):
    return {
        name.replace("_", "/"): dataclasses.replace(outcome([1.0]), history=found) for name, found in histories.items()
    }


def test_stages_stand_one_behind_the_other():
    """Of the seeds that all have, and as far as there is no gap."""
    cells = cells_of(a_x=history((0, 1), [9, 8, 7]), b_x=history((1, 2), [6]), c_x=history((1,), [5, 4]),
                     b_y=history((0,), [3]))  # fmt: skip
    axes = figures._stages(cells, {"rows": ["a", "b", "c"]}).axes[0]
    line, *ends = axes.lines
    assert line.get_xydata().tolist() == [[1, 9], [2, 8], [3, 7], [4, 6], [5, 5], [6, 4]]
    assert [end.get_xdata()[0] for end in ends] == [3.5, 4.5]


def test_a_sweep_has_a_line_for_each_column():
    cells = {f"{row}/{column}": dataclasses.replace(outcome([v, v + 2]), cell=Cell(f"{row}/{column}", {
                 "lr": lr, "rule": column}, "test_error"))
             for row, lr in (("a", 0.1), ("b", 0.01)) for column, v in (("bp", 5.0), ("fa", 7.0))}  # fmt: skip
    axes = figures._sweep(cells, {"setting": "lr", "x": "rate", "y": "error"}).axes[0]
    assert [bars.lines[0].get_xydata().tolist() for bars in axes.containers] == [
        [[0.01, 6.0], [0.1, 6.0]],
        [[0.01, 8.0], [0.1, 8.0]],
    ]
    assert axes.get_ylim()[1] < 20  # no angle's scale


def test_a_ranking_has_the_lowest_on_top_and_names_what_diverged():
    cells = {f"row/{name}": dataclasses.replace(outcome([v]), cell=Cell(f"row/{name}", {}, "test_error"))
             for name, v in (("bp", 3.0), ("fa", np.nan), ("dfa", 2.0))}  # fmt: skip
    axes = figures._ranking(cells, {}).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["fa", "bp", "dfa"]
    assert [text.get_text() for text in axes.texts] == ["diverged", "3.0", "2.0"]


def test_the_toy_flow_follows_its_equations_to_where_they_rest():
    """A step of FA on one example has dw_2 / dw_1 = w_1 / b, b = 1; all paths end at w_1 w_2 = 1."""
    (cell,) = experiment.find("lillicrap2016-linear").chosen(("toy-flow/*",))
    axes = toyflow.phase({cell.name: Outcome(cell)}, {}).axes[0]
    paths = [line.get_xydata() for line in axes.lines if len(line.get_xdata()) > 1000]
    assert len(paths) == toyflow.NETS
    for path in paths:
        (w1, _), step = path[0], path[1] - path[0]
        np.testing.assert_allclose(step[1], step[0] * w1, rtol=1e-3, atol=1e-6)
        np.testing.assert_allclose(path[-1].prod(), 1, atol=1e-3)
        np.testing.assert_allclose(
            path[:, 0] ** 2 / 2 - path[:, 1], w1**2 / 2 - path[0, 1], atol=0.15
        )  # kept by the flow
