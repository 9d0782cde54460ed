"""The command line as a person uses it: in processes of its own, in a folder of its own."""

import csv
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from commandlab import FAST, run
from processes import start

import gpufa
from gpufa.checkpoints import networks
from gpufa.commands.main import main
from gpufa.rules import RULES
from gpufa.training.settings.toml import read_toml


def test_train_leaves_everything_behind(trained):
    cwd, done = trained
    out = cwd / "runs" / "digits-dfa"
    assert {p.name for p in out.iterdir()} == {
        "checkpoint.h5",
        "history.csv",
        "config.toml",
        "summary.json",
        "curves.png",
        ".lock",
    }
    summary = json.loads((out / "summary.json").read_text())
    assert len(summary["test_error"]) == len(summary["train_error"]) == 3
    assert {"epochs", "seconds", "samples_per_second", "backend", "rule", "alignment_deg"} <= summary.keys()
    assert summary["rule"] == "dfa"
    assert summary["backend"] == "numpy"
    assert len(summary["alignment_deg"]) == 1
    rows = list(csv.DictReader((out / "history.csv").open()))
    assert [(r["epoch"], r["seed"]) for r in rows] == [(e, s) for e in "12" for s in "012"]
    assert [float(r["test_error"]) for r in rows[3:]] == pytest.approx(summary["test_error"])
    assert float(rows[-1]["angle_1"]) < 90
    assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert "mean ± deviation" in done.stdout
    assert "epoch 2/2" in done.stderr


def test_the_printed_config_trains_the_same_again(trained):
    cwd, _ = trained
    out = cwd / "runs" / "digits-dfa"
    run("train", out / "config.toml", "--out", "again", "--quiet", cwd=cwd)
    ours, theirs = gpufa.load(out).parameters, gpufa.load(cwd / "again").parameters
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name])


def test_quiet_prints_nothing_and_a_taken_name_gets_a_number(trained):
    cwd, _ = trained
    done = run("train", *FAST, "--quiet", cwd=cwd)
    assert (done.stdout, done.stderr) == ("", "")
    assert (cwd / "runs" / "digits-dfa-2" / "checkpoint.h5").exists()


def test_evaluate_inspect_and_plot(trained):
    cwd, _ = trained
    summary = json.loads((cwd / "runs/digits-dfa/summary.json").read_text())
    for path in ("runs/digits-dfa", "runs/digits-dfa/checkpoint.h5"):
        assert f"{summary['test_error'][0]:.4f}" in run("evaluate", path, cwd=cwd).stdout
    assert run("evaluate", "runs/digits-dfa", "--data", "digits", cwd=cwd).stdout
    shown = run("inspect", "runs/digits-dfa", cwd=cwd).stdout
    for text in ("parameters/W1", "3x8x64", "checksum verified", "optimizer/mean/W1", "status"):
        assert text in shown
    (cwd / "runs/digits-dfa/curves.png").unlink()
    run("plot", "runs/digits-dfa", cwd=cwd)
    assert (cwd / "runs/digits-dfa/curves.png").exists()


def test_predict_writes_labels_and_probabilities(trained):
    cwd, _ = trained
    data = gpufa.load_data("digits")
    np.savez(cwd / "inputs.npz", x=data.x_test[:7])
    run("predict", "runs/digits-dfa", "inputs.npz", "--out", "labels.csv", cwd=cwd)
    rows = list(csv.reader((cwd / "labels.csv").open()))
    assert rows[0] == ["label", *(f"output_{i}" for i in range(10))]
    outputs = gpufa.load(cwd / "runs/digits-dfa").predict(data.x_test[:7]).mean(axis=0)
    np.testing.assert_allclose(np.array(rows[1:], float)[:, 1:], outputs, rtol=1e-4, atol=1e-6)
    assert [int(row[0]) for row in rows[1:]] == outputs.argmax(axis=1).tolist()
    assert run("predict", "runs/digits-dfa", "inputs.npz", cwd=cwd).stdout.splitlines()[0].startswith("label,output_0")


def test_compare_makes_one_table_in_every_form_and_one_figure(tmp_path):
    done = run("compare", "--rules", "bp", "dfa", *FAST, "--seeds", "0", "1", cwd=tmp_path)
    out = tmp_path / "runs" / "digits-compare"
    tables = {f"compare.{ending}" for ending in ("csv", "json", "md", "tex", "png")}
    assert {p.name for p in out.iterdir()} == {"bp", "dfa", "shallow"} | tables
    assert "gpufa: figures of 2 seeds say little" in done.stderr
    assert [row["rule"] for row in csv.DictReader((out / "compare.csv").open())] == ["bp", "dfa", "shallow"]
    assert json.loads((out / "bp" / "summary.json").read_text())["seeds"] == [0, 1]
    lines = done.stdout.splitlines()
    assert any(line.split()[1:2] == ["bp"] for line in lines)
    assert any(line.split()[1:2] == ["dfa"] for line in lines)


def test_compare_without_the_baseline_and_with_options_for_every_rule_but_that(tmp_path):
    rules = ["--rules", "fa", "dfa", "--set", "rule.scale=0.5", *FAST, "--seeds", "0", "1", "--quiet"]
    assert main(["compare", *rules, "--no-baseline", "--out", str(tmp_path / "bare")]) == 0
    assert not (tmp_path / "bare/shallow").exists()
    assert main(["compare", *rules, "--out", str(tmp_path / "all")]) == 0
    options = {name: read_toml(tmp_path / "all" / name / "config.toml").rule_options for name in ("dfa", "shallow")}
    assert options["dfa"]["scale"] == 0.5
    assert "scale" not in options["shallow"]


def test_resume_says_when_there_is_nothing_to_do_and_goes_on_with_more_epochs(trained, tmp_path):
    run("train", *FAST, "--out", "r", cwd=tmp_path)
    assert "has finished its 2 epochs already" in run("resume", "r", cwd=tmp_path).stdout
    run("resume", "r", "--epochs", "4", cwd=tmp_path)
    run("train", *FAST, "--epochs", "4", "--out", "whole", cwd=tmp_path)
    ours, theirs = gpufa.load(tmp_path / "r").parameters, gpufa.load(tmp_path / "whole").parameters
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name])


LONG = ["--hidden", "64", "64", "--epochs", "80", "--backend", "numpy", "--quiet"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of a run that no signal cuts."""
    cwd = tmp_path_factory.mktemp("whole")
    run("train", *LONG, "--out", "whole", cwd=cwd)
    return cwd / "whole"


@pytest.mark.parametrize(
    "number", [signal.SIGINT, *(pytest.param(one, marks=pytest.mark.slow) for one in (signal.SIGTERM, signal.SIGHUP))]
)
def test_signals_save_and_exit_cleanly_and_resume_is_bitwise(tmp_path, number, whole):
    process = start("train", *LONG, "--out", "cut", cwd=tmp_path)
    history = tmp_path / "cut" / "history.csv"
    deadline = time.monotonic() + 60
    while not (history.exists() and len(history.read_text().splitlines()) > 4) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(number)
    assert process.wait(60) == 0
    assert process.stderr.read() == ""
    assert json.loads((tmp_path / "cut" / "summary.json").read_text())["epochs"] < 80
    run("resume", "cut", "--quiet", cwd=tmp_path)
    ours, theirs = gpufa.load(tmp_path / "cut").parameters, gpufa.load(whole).parameters
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name])


def test_divergence_exits_with_3_and_keeps_the_last_good_checkpoint(tmp_path):
    done = run(
        "train", *FAST, "--optimizer", "sgd", "--lr", "1e38", "--activation", "relu", "--out", "d", cwd=tmp_path, ok=3
    )
    assert "diverged at step" in done.stderr
    assert "try a smaller --lr" in done.stderr
    assert all(np.isfinite(p).all() for p in gpufa.load(tmp_path / "d").parameters.values())


def test_options_of_a_rule_and_a_rule_of_ones_own(tmp_path):
    run("train", *FAST, "--set", "rule.scale=2.0", "--set", "rule.law=sign", "--out", "a", "--quiet", cwd=tmp_path)
    net = gpufa.load(tmp_path / "a")
    assert (net.rule.scale, net.rule.law) == (2.0, "sign")
    own = f"{Path(__file__).parents[2] / 'examples' / 'own_rule.py'}:SignSymmetry"
    run("train", *FAST, "--rule", own, "--quiet", cwd=tmp_path)
    assert "hand its class in" in run("evaluate", "runs/digits-signsymmetry", cwd=tmp_path, ok=2).stderr
    run("evaluate", "runs/digits-signsymmetry", "--rule", own, cwd=tmp_path)
    run("resume", "runs/digits-signsymmetry", "--rule", own, "--epochs", "3", "--quiet", cwd=tmp_path)


def test_flags_go_before_the_file(tmp_path):
    (tmp_path / "c.toml").write_text('\ufeffhidden = [5]\nepochs = 1\nseeds = [7]\n[rule]\nname = "fa"\nscale = 0.5\n')
    run("train", "c.toml", "--hidden", "6", "--out", "o", "--quiet", cwd=tmp_path)
    net = gpufa.load(tmp_path / "o")
    assert (net.sizes.units, net.seeds, net.rule.name, net.rule.scale) == ((64, 6, 10), (7,), "fa", 0.5)


def test_info_and_data_list(capsys):
    assert main(["info"]) == 0
    shown = capsys.readouterr().out
    assert "backend" in shown
    assert "BLAS" in shown
    assert main(["data", "list"]) == 0
    assert "fashion_mnist" in capsys.readouterr().out


def test_import_is_light():
    heavy = "('matplotlib', 'scipy', 'rich', 'cupy', 'cyclopts', 'pooch', 'jinja2')"
    code = f"import sys, gpufa; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_options_of_a_files_rule_are_for_that_rule(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('hidden = [4]\nepochs = 1\nseeds = [0]\n[rule]\nname = "dfa"\nscale = 0.5\n')
    for rule, options in (("dfa", {"scale": 0.5}), ("bp", {})):
        assert main(["train", str(file), "--rule", rule, "--out", str(tmp_path / rule), "--quiet"]) == 0
        stored = read_toml(tmp_path / rule / "config.toml").rule_options
        assert {name: stored[name] for name in options} == options
        assert ("scale" in stored) == bool(options)
    assert main(["compare", str(file), "--rules", "bp", "dfa", "--out", str(tmp_path / "both"), "--quiet"]) == 0
    assert read_toml(tmp_path / "both/dfa/config.toml").rule_options["scale"] == 0.5


@pytest.mark.parametrize("rule", ["dfa", "eqprop", "topology"])
def test_a_run_holds_every_option_of_its_rule(rule, tmp_path):
    """So that it keeps those that it was trained with when a default changes."""
    settings = ["--rule", rule, "--hidden", "4", "4", "--epochs", "1", "--seeds", "0"]
    assert main(["train", *settings, "--out", str(tmp_path), "--quiet", "--force"]) == 0
    options = {name: value for name, value in RULES[rule]().options.items() if value is not None}
    expected = json.loads(json.dumps({"name": rule, **options}))
    assert networks.facts(tmp_path)["config"]["rule"] == expected
    assert {"name": rule, **read_toml(tmp_path / "config.toml").rule_options} == expected


def test_the_options_of_a_runs_rule_do_not_go_to_another():
    """pepita's scale is 0.05 by default, fa's 1."""
    run = gpufa.train(gpufa.Config(rule="pepita", hidden=(4,), epochs=1, seeds=(0,), backend="numpy"))
    other = gpufa.train(dataclasses.replace(run.config, rule="fa"))
    assert other.network.rule == RULES["fa"]()


def test_a_terminal_that_lacks_letters_gets_others(trained, tmp_path):
    command = [sys.executable, "-m", "gpufa", "train", *FAST]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert "mean ? deviation" in done.stdout
