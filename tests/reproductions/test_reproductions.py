"""gpufa reproduce: runs that are made once, go on, and are kept apart."""

import dataclasses
import json
import shutil
import tomllib

import numpy as np
import pytest
from reproductionlab import FIGURES, SMALL, reproduce, results

import gpufa
from gpufa.commands.main import main
from gpufa.reproductions import experiment, runner
from gpufa.runs import progressbar


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
    monkeypatch.setattr(runner.resuming, "resume", lambda *a, **k: pytest.fail("resumed"))
    (experiment.HERE / "small.toml").write_text(FIGURES + SMALL)
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
    monkeypatch.setattr(progressbar, "watching", lambda quiet: [StopAfterOne()])
    assert reproduce(small, "--cells", "one/dfa") == 0
    assert reproduce(small, "--cells", "two/*") == 2
    assert said in capsys.readouterr().err
    monkeypatch.setattr(progressbar, "watching", lambda quiet: [])
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
    with monkeypatch.context() as patch:
        patch.setattr(progressbar, "watching", lambda quiet: [StopAfterOne()])
        assert main(["reproduce", "small", "--out", str(small)]) == 0
    assert "stopped and saved; the same command goes on" in capsys.readouterr().out
    cells = results(small)["cells"]
    assert (cells[0]["verdict"], cells[0]["why"]) == ("not comparable", "1 of 2 epochs so far")
    assert cells[1]["verdict"] == "not run"
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


@pytest.mark.slow
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
