"""A folder of its own for each of many runs that start at once, and none left where nothing came of a run."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from traininglab import DATA, config

import gpufa
from gpufa.commands.main import main
from gpufa.runs import places
from gpufa.runs.places import claimed, locked

FAST = ["--hidden", "4", "--epochs", "1", "--backend", "numpy", "--seeds", "0", "--quiet"]


@pytest.mark.parametrize(
    "command", [pytest.param(["train"], marks=pytest.mark.slow), ["compare", "--rules", "bp", "--no-baseline"]]
)
def test_runs_that_start_at_once_get_a_folder_each(tmp_path, command):
    started = [subprocess.Popen([sys.executable, "-m", "gpufa", *command, *FAST], cwd=tmp_path) for _ in range(4)]
    assert [process.wait(120) for process in started] == [0] * 4
    name = "digits-dfa" if command == ["train"] else "digits-compare"
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {name, *(f"{name}-{n}" for n in (2, 3, 4))}
    assert len(list(tmp_path.rglob("checkpoint.h5"))) == 4


def test_a_name_is_given_once_however_many_ask(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def ask(_):
        with claimed("x") as out:
            (out / "file").touch()
            return out

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(ask, range(64)))) == 64


def test_a_start_that_is_refused_leaves_no_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for command in (
        ["train", "--data", "none.csv"],
        ["train", "--patience", "3"],
        ["train", "--out", "a/b/c", "--start", "nowhere"],
        ["compare", "--rules", "bp", "--start", "nowhere"],
    ):
        assert main([*command, *FAST]) == 2
        assert capsys.readouterr().err.count("\n") == 1
        assert list(tmp_path.iterdir()) == []


def test_what_is_refused_behind_the_lock_leaves_no_folder_either(tmp_path):
    class Lost(gpufa.Rule):
        name = "lost"

        def deltas(self, net, e):
            """Fill none of them, for which it is refused when it is tried."""

    with pytest.raises(gpufa.InvalidValue):
        gpufa.train(config(out=str(tmp_path / "a" / "b")), DATA, rule=Lost)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "mine").mkdir()
    with pytest.raises(gpufa.InvalidValue):
        gpufa.train(config(out=str(tmp_path / "mine")), DATA, rule=Lost)
    assert (tmp_path / "mine").is_dir()  # who made a folder keeps it


def test_a_folder_with_anything_in_it_stays(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with locked(Path("a/b")):
        Path("a/note").touch()
    assert [str(path) for path in Path().rglob("*")] == ["a", "a/note"]
    with claimed("x") as out, locked(out):
        np.save(out / "x.npy", np.zeros(1))
    assert (out / "x.npy").exists()


def test_a_folder_that_can_not_be_made_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("runs").touch()
    with pytest.raises(gpufa.FileProblem, match="'runs' is no folder; give another --out"), claimed("x"):
        raise AssertionError
    Path("runs").unlink()
    with pytest.raises(gpufa.FileProblem, match=r"can't be made \(File name too long\); give"), claimed("x" * 300):
        raise AssertionError
    monkeypatch.setattr(places, "MOST", 3)
    Path("runs/x").mkdir(parents=True)
    Path("runs/x-2").mkdir()
    with pytest.raises(gpufa.FileProblem, match="there are 3 runs of the name 'x'; give another --out"), claimed("x"):
        raise AssertionError
    mkdir, gone = Path.mkdir, []

    def once_gone(path, *a, **kw):
        if path.name == "y" and not gone:
            gone.append(path)
            raise FileNotFoundError
        mkdir(path, *a, **kw)

    monkeypatch.setattr(Path, "mkdir", once_gone)
    with claimed("y") as out:
        assert gone
        assert out.is_dir()
