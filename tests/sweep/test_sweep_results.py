"""What a search leaves: tables, JSON, CSV, pictures, and the best of each rule on seeds that it never saw."""

import csv
import json

import numpy as np
import pytest
from sweeplab import sweep

import gpufa
from gpufa.commands.main import main
from gpufa.measure.seeds import spread
from gpufa.sweep import results
from gpufa.training.settings.toml import read_toml

pytest.importorskip("optuna")


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    changes = {"rules": ["bp", "shallow", "dfa"], "trials": 4, "fresh_seeds": 3, "settings__hidden": None}
    return sweep(
        tmp_path_factory.mktemp("searched"), space__hidden=[[8], [8, 8]], space__activation=["tanh"], **changes
    )


def rows(out):
    return json.loads((out / "search.json").read_text())["trials"]


def test_the_best_setting_of_each_rule_is_trained_on_fresh_seeds(searched):
    for rule in ("bp", "shallow", "dfa"):
        best = min((row for row in rows(searched) if row["rule"] == rule), key=lambda row: row["value"])
        config = read_toml(searched / "best" / rule / "config.toml")
        assert config.seeds == (1, 2, 3)
        assert (config.lr, list(config.hidden)) == (best["settings"]["lr"], best["settings"]["hidden"])
        assert config.validation == 0.2
        assert not config.blind


def test_the_table_has_the_test_errors_of_the_fresh_seeds_and_their_intervals(searched):
    found = json.loads((searched / "compare.json").read_text())
    for row in found["rows"]:
        summary = json.loads((searched / "best" / row["rule"] / "summary.json").read_text())
        assert row["test_error"] == summary["test_error"]
        assert (row["test_error_low"], row["test_error_high"]) == pytest.approx(spread(summary["test_error"])[3:])
    assert found["against"] == "bp"
    assert any("frozen hidden layers (shallow)" in note for note in found["notes"])
    assert (searched / "compare.md").read_text().count("\n| ") == 5


def test_the_search_as_a_table_and_as_csv(searched):
    lines = list(csv.DictReader((searched / "search.csv").open()))
    assert [(line["rule"], line["trial"]) for line in lines] == [(r["rule"], str(r["trial"])) for r in rows(searched)]
    assert [float(line["value"]) for line in lines] == [row["value"] for row in rows(searched)]
    assert {"lr", "hidden", "activation"} < lines[0].keys()
    assert {path.name for path in searched.iterdir() if path.suffix in (".md", ".csv", ".png", ".tex")} == {
        name for name in results.WRITTEN if not name.endswith(".json")
    }
    text = (searched / "search.md").read_text()
    assert text.startswith("4 trials of each rule, sampler random, pruner none, without the test samples.")
    assert "| rule | trained | pruned | no result | validation error % | trial | settings |" in text
    assert text.count("| 4 | 0 | 0 |") == 3


def test_the_pictures_are_there(searched):
    for name in ("history", "importance", "slices", "compare"):
        assert (searched / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    shares = json.loads((searched / "search.json").read_text())["importance"]
    for of_rule in shares.values():
        assert sum(of_rule.values()) == pytest.approx(1)


def test_the_same_command_says_the_same_again_and_trains_nothing(tmp_path, capsys):
    out = sweep(tmp_path, trials=2)
    said = capsys.readouterr().out
    texts = {path.name: path.read_text() for path in out.glob("*.[mjc]*") if path.is_file()}
    sweep(tmp_path, trials=2)
    again = capsys.readouterr().out
    assert again == "".join(line for line in said.splitlines(True) if not line.startswith(("trials/", "bp:", "dfa:")))
    assert {path.name: path.read_text() for path in out.glob("*.[mjc]*") if path.is_file()} == texts


def test_the_runs_are_listed_and_reported_as_any_others(searched, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["list", str(searched)]) == 0
    assert "15 runs in" in capsys.readouterr().out.replace("\n", "")
    runs = [str(searched / f"trials/dfa/{n}") for n in range(4)]
    assert main(["report", *runs, "--out", str(tmp_path / "r.html"), "--pictures", "curves"]) == 0
    net = gpufa.load(searched / "trials/dfa/0")
    assert np.isfinite(net.evaluate(*gpufa.load_data("digits")[2:])["error"]).all()


def test_a_seed_that_diverges_at_the_end_is_told_by_the_exit_code(tmp_path, monkeypatch):
    from gpufa.sweep import retrained

    def broken(arm, config, data, watching):
        return run_of(arm, config, data, [*watching, Poison()])

    class Poison(gpufa.Callback):
        def on_epoch(self, trainer):
            trainer.net.parameters["W1"][0, 0, 0] = np.nan

    run_of = retrained.run_of
    monkeypatch.setattr(retrained, "run_of", broken)
    out = sweep(tmp_path, "--quiet", code=3, trials=1, rules=["bp"])
    assert json.loads((out / "compare.json").read_text())["rows"][0]["diverged"] == [1]
