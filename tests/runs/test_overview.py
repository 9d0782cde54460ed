"""gpufa list: every run in a folder, however it stands."""

import json
import os

import pytest
from traininglab import DATA, config

import gpufa
from gpufa.commands.main import main
from gpufa.runs.overview import Entry, entries
from gpufa.runs.places import in_use, locked


@pytest.fixture
def folder(tmp_path):
    runs = tmp_path / "runs"
    gpufa.train(config(out=str(runs / "done")), DATA)
    gpufa.train(config(out=str(runs / "deep/er"), rule="bp", optimizer="sgd", lr=1e300, activation="relu"), DATA)

    class Enough(gpufa.Callback):
        def on_epoch(self, trainer):
            trainer.stop_requested = trainer.progress.epoch == 2

    gpufa.train(config(out=str(runs / "cut")), DATA, callbacks=[Enough()])
    return runs


def test_each_run_is_told_as_it_stands(folder):
    cut, lost, done = (one._replace(run=os.path.relpath(one.run, folder)) for one in entries(folder))
    summary = json.loads((folder / "done/summary.json").read_text())
    assert done[:4] == ("done", "dfa", "arrays", "4")
    assert done.score == repr(gpufa.resume(folder / "done", data=DATA))[len("Run(dfa on arrays, 4 epochs, ") : -1]
    assert done.status == "finished" == summary["status"][0]
    assert (lost.run, lost.rule, lost.status) == ("deep/er", "bp", "diverged")
    assert (cut.run, cut.epochs, cut.status) == ("cut", "2 of 4", "interrupted")


def test_a_run_that_goes_on_is_told_from_its_checkpoint(folder):
    done = folder / "done"
    assert not in_use(done)
    with locked(done):
        assert in_use(done)
        os.utime(done / "checkpoint.h5", ns=(2**62, 2**62))  # as after a resume that has written since
        found = {one.run: one for one in entries(folder)}
        assert found[str(done)].epochs == "4 of 4"
        assert found[str(folder / "cut")].status == "interrupted"
    with locked(folder / "cut"):
        assert {one.run: one.status for one in entries(folder)}[str(folder / "cut")] == "running"


def test_what_can_not_be_read_hides_nothing(folder):
    (folder / "cut/checkpoint.h5").write_bytes(b"no")
    gpufa.save(gpufa.Network([3, 2], backend="numpy"), folder / "net.h5")
    (folder / "bare").mkdir()
    (folder / "net.h5").rename(folder / "bare/checkpoint.h5")
    found = {os.path.relpath(one.run, folder): one for one in entries(folder)}
    assert found["cut"] == Entry(str(folder / "cut"), status=found["cut"].status)
    assert found["cut"].status.startswith("can't be read: ")
    assert found["bare"].status == "can't be read: it is a network without its training"
    assert found["done"].status == "finished"


def test_the_command(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "150")
    assert main(["list", str(folder)]) == 0
    out = capsys.readouterr().out
    assert f"3 runs in {folder}" in out.replace("\n", "")
    assert main(["list", str(tmp_path / "none")]) == 2
    assert "there is no folder" in capsys.readouterr().err
    monkeypatch.setenv("COLUMNS", "60")
    assert main(["list", str(folder)]) == 0
    assert "…" not in capsys.readouterr().out
    monkeypatch.setenv("COLUMNS", "150")
    monkeypatch.chdir(tmp_path)
    assert main(["list"]) == 0
    assert "runs/done" in capsys.readouterr().out


def test_a_folder_without_runs(tmp_path, capsys):
    assert main(["list", str(tmp_path)]) == 0
    assert capsys.readouterr().out.replace("\n", "") == f"no runs in {tmp_path}"
