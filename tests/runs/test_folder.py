"""A run's folder: one process at a time, and saves that fail."""

import errno
import json
import math
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from traininglab import DATA, Poison, config, parameters, same

import gpufa
from gpufa.checkpoints import hdf5
from gpufa.commands.main import main
from gpufa.runs import folder
from gpufa.runs.places import locked

LONG = ["--hidden", "16", "--epochs", "5000", "--backend", "numpy", "--quiet"]


def test_a_folder_in_use_is_refused_and_its_run_left_alone(tmp_path, capsys):
    out = tmp_path / "run"
    first = subprocess.Popen([sys.executable, "-m", "gpufa", "train", *LONG, "--out", str(out)])
    try:
        deadline = time.monotonic() + 60
        while not (out / "checkpoint.h5").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        for command in (["resume", str(out)], ["train", *LONG, "--out", str(out), "--force"]):
            assert main(command) == 2
            said = capsys.readouterr().err
            assert "is in use by another process; wait for its end, or give another --out" in said
            assert said.count("\n") == 1
        assert first.poll() is None
    finally:
        first.kill()
        first.wait()
    assert main(["resume", str(out), "--epochs", "1", "--quiet"]) == 0  # a killed process holds nothing


def failing(monkeypatch, times):
    """hdf5.write fails at these calls, counted from 1, as on a full disk; no save is put off."""
    monkeypatch.setattr(folder, "SHARE", math.inf)
    write, calls = hdf5.write, []

    def fails(path, arrays, metadata):
        calls.append(path)
        if len(calls) in times:
            raise gpufa.FileProblem("no space left on device")
        write(path, arrays, metadata)

    monkeypatch.setattr(hdf5, "write", fails)
    return calls


def test_a_save_that_fails_is_told_and_tried_again(tmp_path, monkeypatch):
    calls = failing(monkeypatch, {3, 4})
    with pytest.warns(UserWarning, match="no space left") as told:
        run = gpufa.train(config(epochs=5, out=str(tmp_path)), DATA)
    assert [str(w.message).split(":")[0] for w in told] == ["after epoch 2", "after epoch 3"]
    assert "the last checkpoint is whole, and training goes on to the next" in str(told[0].message)
    assert len(calls) == 7  # before the first step, after each epoch, at the end
    same(parameters(run), {name: np.array(p) for name, p in gpufa.load(tmp_path).parameters.items()})


def test_a_save_that_fails_at_the_end_ends_in_an_error(tmp_path, monkeypatch):
    failing(monkeypatch, {4})
    with pytest.raises(gpufa.FileProblem, match="no space left") as told:
        gpufa.train(config(epochs=2, out=str(tmp_path)), DATA)
    assert not (tmp_path / "summary.json").exists()
    run = gpufa.resume(tmp_path, data=DATA)  # from what the last epoch's save holds
    assert run.already_finished
    assert (tmp_path / "summary.json").exists()
    refuge = re.search("the run as it ended is in '(.*)', for gpufa resume", str(told.value))[1]
    same(parameters(run), parameters(gpufa.resume(refuge, data=DATA)))
    shutil.rmtree(refuge)


def test_where_there_is_no_refuge_either_the_first_error_stands(tmp_path, monkeypatch):
    failing(monkeypatch, {4, 5})
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "elsewhere"))
    with pytest.raises(gpufa.FileProblem) as told, pytest.warns(UserWarning, match="ended after epoch 2"):
        gpufa.train(config(epochs=2, out=str(tmp_path)), DATA)
    assert str(told.value) == "no space left on device"
    assert not list((tmp_path / "elsewhere").iterdir())


def test_memory_that_a_save_lacks_does_not_end_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "SHARE", math.inf)
    image, calls = hdf5.image, []

    def short(arrays, metadata):
        calls.append(1)
        if len(calls) == 2:
            raise MemoryError
        return image(arrays, metadata)

    monkeypatch.setattr(hdf5, "image", short)
    with pytest.warns(gpufa.GpufaWarning, match="after epoch 1: .* training goes on to the next"):
        run = gpufa.train(config(epochs=2, out=str(tmp_path)), DATA)
    same(parameters(run), {name: np.array(p) for name, p in gpufa.load(tmp_path).parameters.items()})


def test_a_folder_is_taken_before_it_is_read(tmp_path):
    """Else a run that goes on while another one reads would be overwritten by what that has read."""
    gpufa.train(config(epochs=1, out=str(tmp_path)), DATA)
    with locked(tmp_path):
        (tmp_path / "checkpoint.h5").write_bytes(b"being written")
        for start in (lambda: gpufa.resume(tmp_path), lambda: gpufa.train(config(out=str(tmp_path)), DATA, force=True)):
            with pytest.raises(gpufa.FileProblem, match="is in use by another process"):
                start()


def test_where_a_file_system_knows_no_locks_that_is_told(tmp_path, monkeypatch):
    def acquire(self):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(FileLock, "acquire", acquire)
    with pytest.warns(gpufa.GpufaWarning, match=r"can't be locked \(No locks available\); see to it that no other"):
        gpufa.train(config(epochs=1, out=str(tmp_path)), DATA)

    def refused(self):
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / ".lock"))

    monkeypatch.setattr(FileLock, "acquire", refused)
    with pytest.raises(gpufa.FileProblem, match=r"'s .lock can't be written \(Permission denied\); give another --out"):
        gpufa.resume(tmp_path, data=DATA)


def test_another_rule_does_not_go_on_with_a_run(tmp_path):
    gpufa.train(config(rule="dfa", epochs=1, out=str(tmp_path)), DATA)
    before = (tmp_path / "checkpoint.h5").read_bytes()
    with pytest.raises(gpufa.InvalidValue, match="was trained by rule 'dfa', not 'bp'; hand that one in"):
        gpufa.resume(tmp_path, epochs=2, data=DATA, rule=gpufa.rules.BP)
    assert (tmp_path / "checkpoint.h5").read_bytes() == before


def test_a_summary_of_fewer_epochs_is_written_anew(tmp_path):
    gpufa.train(config(epochs=1, out=str(tmp_path)), DATA)
    old = (tmp_path / "summary.json").read_text()
    gpufa.resume(tmp_path, epochs=2, data=DATA)
    (tmp_path / "summary.json").write_text(old)  # as if killed before it was written
    assert gpufa.resume(tmp_path, data=DATA).already_finished
    assert json.loads((tmp_path / "summary.json").read_text())["epochs"] == 2


@pytest.mark.usefixtures("drawn")
def test_what_only_shows_the_run_does_not_cost_its_end(tmp_path):
    class Blocked(gpufa.Callback):
        def on_start(self, trainer):
            for name in ("history.csv", "curves.png"):
                (tmp_path / name).unlink(missing_ok=True)
                (tmp_path / name).mkdir()

    with pytest.warns(gpufa.GpufaWarning) as told:
        run = gpufa.train(config(epochs=1, out=str(tmp_path)), DATA, callbacks=[Blocked()])
    assert {str(w.message).partition("' can't")[0].rpartition("/")[2] for w in told} == {"history.csv", "curves.png"}
    assert json.loads((tmp_path / "summary.json").read_text())["epochs"] == run.summary["epochs"] == 1


def test_a_history_that_can_not_be_written_is_told(tmp_path):
    (tmp_path / "history.csv").mkdir()
    with pytest.raises(gpufa.FileProblem, match=r"history.csv' can't be written \(Is a directory\); checkpoint.h5 has"):
        gpufa.train(config(epochs=1, out=str(tmp_path)), DATA)
    (tmp_path / "history.csv").rmdir()
    assert gpufa.resume(tmp_path, data=DATA).summary["epochs"] == 1


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_loses_nothing(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2])
    from benchmarks.reliability import kills

    counts = kills.run(6, seed=0, say=print)
    assert sum(count.tried for count in counts[:2]) == 6
    assert [count for count in counts if count.lost] == []


def test_what_a_killed_process_left_half_written_is_taken_away(tmp_path):
    gpufa.train(config(epochs=1, out=str(tmp_path)), DATA)
    half = tmp_path / ".0123456789abcdef.tmp"
    half.write_bytes(b"half")
    gpufa.resume(tmp_path, epochs=2, data=DATA)
    assert not half.exists()


def test_data_that_have_changed_since_are_told_in_one_sentence(tmp_path, capsys):
    file = tmp_path / "mine.npz"
    x, y = np.random.default_rng(0).normal(size=(50, 5)), np.arange(50) % 3
    np.savez(file, x=x, y=y)
    flags = ["--hidden", "4", "--epochs", "1", "--scaling", "standard", "--quiet", "--out", str(tmp_path / "run")]
    assert main(["train", "--data", str(file), *flags]) == 0
    np.savez(file, x=x[:, :4], y=y)
    for command, text in (
        (["evaluate", str(tmp_path / "run")], "have changed since; bring back those that it was trained on"),
        (
            ["evaluate", str(tmp_path / "run"), "--data", str(file)],
            "has 4 features; expected 5, as in the training data",
        ),
        (["resume", str(tmp_path / "run"), "--epochs", "2"], "have changed since; resume needs the very data"),
    ):
        assert main(command) == 2
        said = capsys.readouterr().err
        assert text in said
        assert said.count("\n") == 1
    file.unlink()
    assert main(["evaluate", str(tmp_path / "run")]) == 2
    assert "mine.npz" in capsys.readouterr().err


def test_a_replica_that_diverges_does_not_end_the_others_where_the_checkpoint_is_gone(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "SHARE", math.inf)

    class Gone(Poison):
        def on_diverged(self, trainer, replicas):
            assert np.isnan(trainer.net.arena.flat[1]).any()

        def on_step(self, trainer):
            (tmp_path / "checkpoint.h5").unlink(missing_ok=True)
            super().on_step(trainer)

    with pytest.warns(UserWarning, match="replicas that diverged keep what they have: checkpoint .* does not exist"):
        run = gpufa.train(config(out=str(tmp_path)), DATA, callbacks=[Gone(1, 2)])
    assert run.summary["status"] == ["finished", "diverged", "finished"]
    same(parameters(run), {name: np.array(p) for name, p in gpufa.load(tmp_path).parameters.items()})
