"""Faults from outside, really made: calls that fail, disks that are full, signals, clocks, other places to go on."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from processes import start
from traininglab import DATA, config, parameters, same

import gpufa
from gpufa.checkpoints import hdf5, networks
from gpufa.commands.main import main

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def trials_can_be_imported(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)


def nothing_lost(counts, tried):
    assert sum(count.tried for count in counts) == tried
    assert [count for count in counts if count.lost] == []


@pytest.mark.slow
def test_a_fault_in_any_system_call_of_a_save_leaves_a_whole_checkpoint():
    from benchmarks.reliability import calls

    if reason := calls.why_no_strace():
        pytest.skip(reason)
    nothing_lost(calls.run(16, seed=0, say=print), 16)


def test_a_disk_that_fails_for_a_while_costs_nothing():
    from benchmarks.reliability import disk

    if reason := disk.why_no_disk():
        pytest.skip(reason)
    nothing_lost(disk.run(8, seed=0, say=print), 8)


LONG = ["--hidden", "16", "--epochs", "4", "--samples", "640", "--backend", "numpy", "--seeds", "0", "--quiet"]
SLOW = """
import os, pathlib, time
from dataclasses import dataclass
import gpufa

@dataclass(frozen=True)
class Slow(gpufa.rules.DFA):
    name = "slow"

    def after_update(self, net):
        time.sleep(float(os.environ.get("PAUSE", "0")))
"""


def wait_for(happened, seconds=60):
    deadline = time.monotonic() + seconds
    while not happened() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert happened()


def test_a_second_ctrl_c_ends_a_step_that_does_not_and_the_run_goes_on_from_its_checkpoint(tmp_path):
    (tmp_path / "slow.py").write_text(SLOW)
    rule = ["--rule", "slow.py:Slow"]
    slow = start("train", *LONG, *rule, "--out", "cut", cwd=tmp_path, env={**os.environ, "PAUSE": "60"})
    wait_for((tmp_path / "cut" / "history.csv").exists)
    time.sleep(0.5)
    slow.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert slow.poll() is None
    slow.send_signal(signal.SIGINT)
    assert slow.wait(20) == 130
    assert slow.stderr.read() == (
        "gpufa: the run ended after epoch 0; its checkpoint is of epoch 0: go on from there with gpufa resume cut\n"
    )
    assert start("resume", "cut", *rule, "--quiet", cwd=tmp_path).wait() == 0
    assert start("train", *LONG, "--out", "whole", *rule, cwd=tmp_path).wait() == 0
    arrays = [hdf5.read(tmp_path / name / "checkpoint.h5")[0] for name in ("cut", "whole")]
    np.testing.assert_array_equal(arrays[0]["parameters/W1"], arrays[1]["parameters/W1"])


def test_tests_that_ignore_signals_start_processes_that_heed_them(tmp_path):
    """As where they run in the background of a shell, or under nohup."""
    numbers = signal.SIGINT, signal.SIGHUP
    handlers = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    try:
        processes = [
            start("train", *LONG[:2], "--epochs", "5000", *LONG[4:], "--out", str(n), cwd=tmp_path) for n in numbers
        ]
        assert [signal.getsignal(number) for number in numbers] == [signal.SIG_IGN] * 2
    finally:
        for number, handler in zip(numbers, handlers, strict=True):
            signal.signal(number, handler)
    for number, process in zip(numbers, processes, strict=True):
        wait_for((tmp_path / str(int(number)) / "history.csv").exists)
        process.send_signal(number)
        assert process.wait(60) == 0


def test_a_signal_that_is_ignored_stays_ignored(tmp_path):
    """As with nohup, under which the end of a session must not end the run."""
    command = [sys.executable, "-m", "gpufa", "train", *LONG[:2], "--epochs", "60", *LONG[4:], "--out", "run"]
    process = subprocess.Popen(["nohup", *command], cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    wait_for((tmp_path / "run" / "history.csv").exists)
    process.send_signal(signal.SIGHUP)
    assert process.wait(60) == 0
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["epochs"] == 60


def test_a_run_outlasts_the_terminal_that_it_writes_to(tmp_path):
    command = [*LONG[:-1], "--out", "run"]
    with open("/dev/full", "w") as full:
        process = subprocess.run([sys.executable, "-m", "gpufa", "train", *command], cwd=tmp_path, stderr=full)
    assert process.returncode == 0
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.run([sys.executable, "-m", "gpufa", "train", *command, "--force"], cwd=tmp_path, stderr=writer)
    os.close(writer)
    assert process.returncode == 0
    assert gpufa.resume(tmp_path / "run").already_finished


def test_a_process_without_a_terminal_at_all(tmp_path):
    """As daemons start them, with stderr closed."""
    command = f"{sys.executable} -m gpufa train {' '.join(LONG[:-1])} --out run 2>&-"
    assert subprocess.run(command, shell=True, cwd=tmp_path, stdout=subprocess.DEVNULL).returncode == 0
    assert (tmp_path / "run" / "summary.json").exists()


@pytest.mark.parametrize("command", [["inspect", "run"], ["evaluate", "run"], ["predict", "run", "digits"], ["rules"]])
def test_a_reader_that_has_gone_is_no_fault(tmp_path, command):
    gpufa.train(config(epochs=1, dtype="float32", samples=20, out=str(tmp_path / "run")))
    reader, writer = os.pipe()
    os.close(reader)
    process = start(*command, cwd=tmp_path, stdout=writer)
    os.close(writer)
    assert (process.wait(60), process.stderr.read()) == (0, "")


def test_clocks_may_jump(tmp_path, monkeypatch):
    """The time of day decides nothing: neither when a run goes on, nor what comes out."""
    whole = gpufa.train(config(epochs=6), DATA)
    jumps = itertools.cycle([0.0, 4e9, -4e9, 1.0, 2e9])
    monkeypatch.setattr(time, "time", lambda: next(jumps))
    monkeypatch.setattr(time, "time_ns", lambda: int(next(jumps) * 1e9))
    gpufa.train(config(epochs=3, out=str(tmp_path)), DATA)
    for moment in (0, 4e9):
        for file in tmp_path.iterdir():
            os.utime(file, (moment, moment))
        run = gpufa.resume(tmp_path, epochs=6 if moment else 4, data=DATA)
    same(parameters(run), parameters(whole))
    assert (run.history.epochs["seconds"] >= 0).all()


def test_data_that_vanish_in_mid_run_are_missed_by_the_next_one_alone(tmp_path, capsys):
    file, away = tmp_path / "mine.npz", tmp_path / "away.npz"
    np.savez(file, x=np.random.default_rng(0).normal(size=(50, 5)), y=np.arange(50) % 3)

    class Vanish(gpufa.Callback):
        def on_step(self, trainer):
            if file.exists():
                file.rename(away)

    gpufa.train(config(data=str(file), epochs=2, out=str(tmp_path / "run")), callbacks=[Vanish()])
    assert main(["resume", str(tmp_path / "run"), "--epochs", "3"]) == 2
    assert f"was trained on {file}, which is not there; say with --data where it is now" in capsys.readouterr().err
    away.rename(file)
    assert gpufa.resume(tmp_path / "run", epochs=3).summary["epochs"] == 3


def test_data_that_have_changed_since_are_not_taken_for_the_runs_own(tmp_path, capsys):
    file, run = tmp_path / "mine.npz", tmp_path / "run"
    x, y = np.random.default_rng(0).normal(size=(50, 5)), np.arange(50) % 3
    np.savez(file, x=x, y=y)
    gpufa.train(config(data=str(file), epochs=1, out=str(run)))
    assert main(["evaluate", str(run)]) == 0
    np.savez(file, x=x[::-1], y=y)
    capsys.readouterr()
    for command in (["evaluate", str(run)], ["plot", str(run), "--pictures", "confusion"]):
        assert main(command) == 2
        said = capsys.readouterr().err
        assert "have changed since; bring back those that it was trained on, or name others with --data" in said
        assert said.count("\n") == 1
    report = tmp_path / "report.html"
    assert main(["report", str(run), "--out", str(report)]) == 0
    assert "have changed since" in report.read_text()
    assert main(["evaluate", str(run), "--data", str(file)]) == 0


@pytest.mark.parametrize(
    ("args", "what"),
    [
        (["train", "--data", "locked/mine.npz"], "data file"),
        (["train", "--data", "locked/mine.csv"], "data file"),
        (["train", "--rule", "locked/mine.py:Mine"], "rule file"),
        (["compare", "--out", "locked"], "run folder"),
        (["inspect", "locked/run"], "checkpoint"),
    ],
)
def test_what_may_not_be_looked_at_is_told(tmp_path, monkeypatch, capsys, args, what):
    """As another user than root meets it."""
    stat = Path.stat

    def refuse(path, **options):
        if "locked" in path.parts:
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, **options)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "stat", refuse)
    assert main(args) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"gpufa: {what} 'locked")
    assert "can't be read (Permission denied); see to it, or give another path" in said
    assert list(tmp_path.iterdir()) == []


def test_a_run_of_another_version_goes_on_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(gpufa.checkpoints.networks, "__version__", "0.0.7")
    gpufa.train(config(epochs=2, out=str(tmp_path)), DATA)
    monkeypatch.undo()
    with pytest.warns(UserWarning, match=r"was written by gpufa 0.0.7, this is .*: training goes on, but maybe not to"):
        run = gpufa.resume(tmp_path, epochs=4, data=DATA)
    same(parameters(run), parameters(gpufa.train(config(epochs=4), DATA)))
    assert networks.facts(tmp_path)["gpufa"] == gpufa.__version__


def test_settings_of_a_newer_version_are_named(tmp_path, capsys):
    gpufa.train(config(epochs=1, out=str(tmp_path)), DATA)
    arrays, metadata = hdf5.read(tmp_path / "checkpoint.h5")
    metadata["config"]["telepathy"] = True
    hdf5.write(tmp_path / "checkpoint.h5", arrays, metadata)
    assert main(["resume", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("gpufa: unknown setting 'telepathy'; the settings are data, ")


@pytest.mark.parametrize("command", [["info"], ["rules"], ["predict", "run", "mine.npz"], ["inspect", "run"]])
def test_an_output_that_can_not_be_written_is_told(tmp_path, command):
    x, y = np.random.default_rng(0).normal(size=(20, 5)), np.arange(20) % 3
    np.savez(tmp_path / "mine.npz", x=x, y=y)
    gpufa.train(config(epochs=1, data=str(tmp_path / "mine.npz"), out=str(tmp_path / "run")))
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "gpufa", *command], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 2
    assert done.stderr == (
        "gpufa: a file or the output failed ([Errno 28] No space left on device); see to it, and run this again\n"
    )


def test_predictions_that_can_not_be_written_are_told(tmp_path, capsys):
    gpufa.train(config(epochs=1, samples=20, out=str(tmp_path)))
    for out, reason in (
        ("/dev/full", "No space left on device"),
        (tmp_path / "none" / "x", "No such file or directory"),
    ):
        assert main(["predict", str(tmp_path), "digits", "--out", str(out)]) == 2
        assert f"can't be written ({reason}); give another --out\n" in capsys.readouterr().err
