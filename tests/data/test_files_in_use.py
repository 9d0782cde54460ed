"""Data files that another program has open, that have moved, and data that were never in a file."""

import subprocess
import sys

import h5py
import numpy as np
import pytest

import gpufa
from gpufa.commands.main import main
from gpufa.data.sets.namedsets import DATASETS, DESCRIPTIONS

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(40, 3)).astype(np.float32), np.arange(40) % 2
FAST = {"hidden": (4,), "epochs": 1, "seeds": (0,), "backend": "numpy"}


def test_a_file_that_another_program_writes_is_told_as_such(tmp_path):
    path = tmp_path / "data.h5"
    code = (
        "import h5py, sys\n"
        "with h5py.File(sys.argv[1], 'w') as file:\n"
        "    file['x'] = [[1.0]]\n"
        "    file.flush(); print('open', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        writer.stdout.readline()
        with pytest.raises(gpufa.FileProblem, match=r"data\.h5 is open for writing in another program; close it there"):
            gpufa.load_data(path)
        writer.stdin.close()


def test_a_file_whose_writer_was_killed_is_told_as_such(tmp_path):
    path = tmp_path / "data.h5"
    code = (
        "import h5py, os, signal, sys\n"
        "file = h5py.File(sys.argv[1], 'w', libver='latest')\n"
        "file['x'] = [[1.0]]\n"
        "file.swmr_mode = True; file.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code, path], check=False)
    with pytest.raises(gpufa.FileProblem, match=r"is marked as open by a program .* that was killed; .* h5clear -s"):
        gpufa.load_data(path)


def test_a_run_is_resumed_where_its_file_has_moved(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    np.savez("old.npz", x=X, y=Y)
    gpufa.train(gpufa.Config(data="old.npz", out="run", **FAST))
    whole = gpufa.train(gpufa.Config(data="old.npz", **FAST | {"epochs": 2})).network
    (tmp_path / "old.npz").rename("new.npz")
    assert main(["resume", "run", "--epochs", "2", "--quiet"]) == 2
    assert "trained on old.npz, which is not there; say with --data where it is now" in capsys.readouterr().err
    assert main(["resume", "run", "--epochs", "2", "--quiet", "--data", "new.npz"]) == 0
    for name, p in gpufa.load("run").parameters.items():
        np.testing.assert_array_equal(p, whole.parameters[name])
    np.savez("new.npz", x=X + 1, y=Y)
    assert main(["resume", "run", "--epochs", "3", "--quiet", "--data", "new.npz"]) == 2
    assert "have changed since" in capsys.readouterr().err


def test_settings_of_a_run_on_arrays_say_so_when_they_are_used_again(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    gpufa.train(gpufa.Config(out="run", **FAST), data=(X, Y, X, Y))
    assert main(["train", "run/config.toml", "--out", "again"]) == 2
    assert "data 'arrays' are arrays that a program handed in; train on them there" in capsys.readouterr().err


def test_the_list_of_sets_has_their_sizes_and_licences(capsys):
    assert main(["data", "list"]) == 0
    text = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for name in DESCRIPTIONS:
        assert name in text
    for row in DATASETS.values():
        assert (
            f"{row.train_samples} + {row.test_samples} samples of {row.features} features; licence: {row.licence}"
            in text
        )


def test_hdf5_that_holds_nothing(tmp_path):
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["x"], file["y"] = h5py.Empty("f4"), Y
    with pytest.raises(gpufa.FileProblem, match="x holds no values"):
        gpufa.load_data(tmp_path / "data.h5")
