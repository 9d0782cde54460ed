"""kill -9, SIGTERM and lost storages: no trial is lost or done twice, and each ends as if nothing had happened."""

import json
import random
import signal
import time

import pytest
from processes import start
from sweeplab import sweep, written

from gpufa import GpufaWarning
from gpufa.commands.main import main

optuna = pytest.importorskip("optuna")

LONG = {"settings__epochs": 60, "settings__samples": 600, "trials": 3, "pruner": "median"}


def values(out):
    return [
        (row["run"], row["settings"], row["value"]) for row in json.loads((out / "search.json").read_text())["trials"]
    ]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return values(sweep(tmp_path_factory.mktemp("undisturbed"), **LONG))


def under_way(out):
    """The folders of runs that are begun."""
    return [file.parent for file in out.glob("*/*/*/checkpoint.h5")]


@pytest.mark.slow
@pytest.mark.parametrize("where", ["sqlite", "journal"])
def test_killed_again_and_again(tmp_path, where, undisturbed):
    path, out = written(tmp_path, storage=where, **LONG), tmp_path / "study"
    moment, kills = random.Random(0), 0
    while kills < 5:
        before = len(under_way(out))
        worker = start("sweep", str(path), "--out", str(out), "--quiet")
        deadline = time.monotonic() + 60
        while len(under_way(out)) <= before and worker.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(moment.uniform(0, 0.2))
        worker.kill()
        worker.communicate()
        kills += 1
        if (out / "compare.md").exists():
            break
    assert main(["sweep", str(path), "--out", str(out), "--quiet"]) == 0
    assert values(out) == undisturbed
    assert sorted(file.parent.name for file in out.glob("best/*/checkpoint.h5")) == ["bp", "dfa"]


@pytest.mark.slow
def test_a_worker_that_is_told_to_stop_saves_its_trial(tmp_path, undisturbed):
    path, out = written(tmp_path, **LONG), tmp_path / "study"
    worker = start("sweep", str(path), "--out", str(out), "--quiet")
    while not under_way(out):
        time.sleep(0.005)
    worker.send_signal(signal.SIGTERM)
    _, said = worker.communicate(timeout=60)
    assert worker.returncode in (0, -signal.SIGTERM), said  # before a run or after one the system ends it
    assert not (out / "compare.md").exists()
    assert main(["sweep", str(path), "--out", str(out)]) == 0
    assert values(out) == undisturbed


def test_a_worker_with_nothing_left_leaves_what_others_do(tmp_path, capsys, monkeypatch):
    """A trial in other hands is theirs, as soon as the study is begun; when they are gone, it is taken."""
    from gpufa.sweep.begun import Begun
    from gpufa.sweep.storage import held
    from gpufa.sweep.study import WORKER

    out, write, theirs = tmp_path / "study", Begun.write, []

    def written_and_taken(begun, folder):
        write(begun, folder)
        theirs.append(held(out / "trials/bp/0" / WORKER))

    monkeypatch.setattr(Begun, "write", written_and_taken)
    sweep(tmp_path, trials=1)
    said = capsys.readouterr().out
    assert "trials/dfa/0" in said
    assert "trials/bp/0" not in said
    theirs.pop().release()
    sweep(tmp_path, trials=1)
    assert "trials/bp/0" in capsys.readouterr().out
    assert (out / "compare.md").exists()


def test_a_database_that_goes_away_ends_the_worker_in_a_sentence(tmp_path, capsys, monkeypatch):
    from sqlalchemy.exc import OperationalError

    def gone(*_, **__):
        raise OperationalError("SELECT 1", {}, Exception("server closed the connection"))

    with monkeypatch.context() as patch:
        patch.setattr(optuna.trial.Trial, "report", gone)
        with pytest.warns(GpufaWarning, match="the run ended after epoch 1; its checkpoint is of epoch 1"):
            sweep(tmp_path, "--quiet", code=2, pruner="median")
    said = capsys.readouterr().err
    assert "the storage 'sqlite' can't be reached (OperationalError: server closed the connection)" in said
    sweep(tmp_path, "--quiet", pruner="median")
    assert len(values(tmp_path / "study")) == 6
