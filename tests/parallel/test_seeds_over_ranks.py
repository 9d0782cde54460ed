"""Seeds that are divided among processes: the run is as one process would leave it."""

import csv
import json

import numpy as np
import pytest
from mpilab import HERE, TRAIN, ended, equal, mpi, needs_mpi, started
from parallellab import NOT_SEEDS, SEEDS, trained

from gpufa.checkpoints import hdf5
from gpufa.commands.main import main

BY = "stopped", "mirrors"  # patience
pytestmark = needs_mpi


@pytest.fixture(scope="module")
def by_two(tmp_path_factory):
    folder = tmp_path_factory.mktemp("seeds")
    ended(started(HERE / "parallellab.py", folder, "seeds", "seeds", cwd=folder))
    return folder


def rows(run):
    """Those of history.csv, without times."""
    with open(run / "history.csv", newline="") as file:
        return [{name: cell for name, cell in row.items() if name != "seconds"} for row in csv.DictReader(file)]


@pytest.mark.parametrize("name", SEEDS)
def test_two_processes_leave_what_one_leaves(by_two, tmp_path, monkeypatch, name):
    monkeypatch.chdir(by_two)  # where a run is that another starts from
    trained(*SEEDS[name], tmp_path)
    equal(by_two / name, tmp_path, 1e-12)
    found, wanted = (json.loads((run / "summary.json").read_text()) for run in (by_two / name, tmp_path))
    for key in ("seeds", "status", "epochs", "epochs_per_seed", "rule", "train_loss", "alignment_deg"):
        if key in ("train_loss", "alignment_deg"):
            np.testing.assert_allclose(np.array(found[key], float), np.array(wanted[key], float), rtol=1e-6, atol=1e-5)
        else:
            assert found[key] == wanted[key]
    assert found.keys() == wanted.keys()
    assert [row["seed"] for row in rows(by_two / name)] == [row["seed"] for row in rows(tmp_path)]


def test_the_runs_stop_as_they_are_meant_to(by_two):
    """At other times in the two processes, and in one of them for all of its seeds."""
    status = {name: hdf5.read(by_two / name / "checkpoint.h5")[0]["progress/status"].tolist() for name in SEEDS}
    last = {name: hdf5.read(by_two / name / "checkpoint.h5")[0]["progress/epochs"].reshape(2, 2).max(1) for name in BY}
    assert last["stopped"][0] > last["stopped"][1]
    assert last["mirrors"][0] < last["mirrors"][1]
    assert status["diverged"] == [0, 0, 3, 3]
    assert set(status["stopped"]) == set(status["mirrors"]) == {1}
    assert set(status["low-enough"]) >= {2}


@pytest.mark.parametrize("sentence", NOT_SEEDS)
def test_more_processes_than_seeds_are_refused(by_two, tmp_path, sentence):
    ended(started(HERE / "parallellab.py", tmp_path, "seeds", "not", cwd=tmp_path))
    assert json.loads((tmp_path / "refused.json").read_text()) == {sentence: sentence}


def test_a_run_that_they_go_on_with_keeps_where_it_was(tmp_path):
    assert main([*TRAIN, "--out", str(tmp_path / "run")]) == 0
    arrays, metadata = hdf5.read(tmp_path / "run" / "checkpoint.h5")
    metadata["place"]["processor"] = "Z80"
    hdf5.write(tmp_path / "run" / "checkpoint.h5", arrays, metadata)
    assert "processor Z80" in mpi("resume", "run", "--epochs", "4", "--parallel", "seeds", cwd=tmp_path)
    before = [{"epochs": 3, "place": metadata["place"]}]
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["before"] == before
    assert hdf5.read(tmp_path / "run" / "checkpoint.h5")[1]["before"] == before
