"""gpufa on files that memory does not hold."""

import os
import re
import resource
import subprocess
import sys

import numpy as np
import pytest

from gpufa.commands.main import main

LIMIT = 3 << 29  # 1.5 GiB
SMALL = ["--backend", "numpy", "--seeds", "0", "1", "--hidden", "8", "--epochs", "2"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """x and y of 300 samples, of which y tells, and a run on them, which streamed."""
    cwd = tmp_path_factory.mktemp("streams")
    rng = np.random.default_rng(0)
    y = np.arange(300) % 3
    (cwd / "data").mkdir()
    np.save(cwd / "data" / "x.npy", (rng.normal(size=(300, 5)) + y[:, None]).astype(np.float32))
    np.save(cwd / "data" / "y.npy", y)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        assert not main(["train", "--data", "data", "--stream", "always", *SMALL, "--out", "run", "--quiet"])
    return cwd


@pytest.fixture
def gpufa(folder, monkeypatch, capsys):
    """What a command prints that is run there."""
    monkeypatch.chdir(folder)

    def run(*args, ok=0, **more):
        assert main([*map(str, args)]) == ok
        out, err = capsys.readouterr()
        return err if ok else out

    return run


def test_the_first_line_says_that_it_streams(gpufa, capsys):
    main(["train", "--data", "data", "--stream", "always", *SMALL, "--out", "said"])
    assert (
        "240 + 60 samples; streamed in blocks of 4096 samples (as --stream always asks for)" in capsys.readouterr().err
    )


@pytest.mark.parametrize("args", [(), ("--data", "data"), ("--data", "data/x.npy"), ("--data", "other")], ids=str)
def test_what_streams_is_judged_as_in_memory(gpufa, folder, args):
    """The run's own test part, also where its folder is named; others; and one without targets."""
    (folder / "other").mkdir(exist_ok=True)
    for name in "x", "y":
        np.save(folder / "other" / f"{name}.npy", np.load(folder / "data" / f"{name}.npy")[::2])
    ok = 2 if "data/x.npy" in args else 0
    held, here = (gpufa("evaluate", "run", *args, "--stream", way, ok=ok) for way in ("never", "always"))
    assert here == held
    assert ("holds no labels" if ok else "test data" if not args else args[1]) in here


@pytest.mark.parametrize("data", ["data", "data/x.npy"])
@pytest.mark.parametrize("at_once", [70, 2000])
def test_what_streams_is_predicted_as_in_memory(gpufa, folder, data, at_once, monkeypatch):
    held = gpufa("predict", "run", data, "--stream", "never")
    monkeypatch.setattr("gpufa.commands.trained.AT_ONCE", at_once)
    assert gpufa("predict", "run", data, "--stream", "always") == held
    gpufa("predict", "run", data, "--stream", "always", "--out", "p.csv")
    assert (folder / "p.csv").read_text().splitlines() == held.splitlines()
    assert len(held.splitlines()) == 301


def test_predictions_that_fail_in_the_middle_leave_what_was_there(gpufa, folder):
    broken = np.load(folder / "data" / "x.npy")
    broken[299, 1] = np.nan
    np.save(folder / "broken.npy", broken)
    (folder / "out.csv").write_text("before")
    said = gpufa("predict", "run", "broken.npy", "--stream", "always", "--out", "out.csv", ok=2)
    assert "x has a NaN or infinite value, first in row 299, column 1 (counted from 0)" in said
    assert (folder / "out.csv").read_text() == "before"


@pytest.mark.parametrize("data", ["data", "data/x.npy"])
def test_predictions_do_not_take_the_place_of_their_data(gpufa, folder, data):
    before = (folder / "data" / "x.npy").read_bytes()
    said = gpufa("predict", "run", data, "--out", "data/../data/x.npy", ok=2)
    assert "the predictions would take the place of the data in 'data/../data/x.npy'; give another --out" in said
    assert (folder / "data" / "x.npy").read_bytes() == before


def test_a_streamed_run_is_inspected_and_drawn(gpufa):
    assert "always" in gpufa("inspect", "run")
    assert "drew run/confusion.png" in gpufa("plot", "run", "--pictures", "confusion")


def limited(*args, cwd):
    """gpufa in a process that `ulimit -v` holds to LIMIT in all."""
    return subprocess.run(
        [sys.executable, "-m", "gpufa", *args],
        cwd=cwd,
        capture_output=True,
        text=True,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT)),
    )


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """1.5 GiB of float32, which take no room on the disk."""
    cwd = tmp_path_factory.mktemp("large")
    (cwd / "big").mkdir()
    np.lib.format.open_memmap(cwd / "big" / "x.npy", "w+", np.float32, (48 * 1024, 8192))
    np.save(cwd / "big" / "y.npy", np.arange(48 * 1024) % 7)
    return cwd


@pytest.mark.slow
def test_a_file_larger_than_memory_trains_is_judged_and_predicted(large):
    settings = ["--rule", "dfa", "--hidden", "4", "--epochs", "1", "--validation", "0.1", "--scaling", "standard"]
    done = limited("train", "--data", "big", *settings, "--seeds", "0", "--out", "run", cwd=large)
    assert done.returncode == 0, done.stderr
    assert "streamed in blocks of 32 samples (in memory they may take 4.83 GB while they are read, and" in done.stderr
    for args in ("evaluate", "run"), ("predict", "run", "big/x.npy", "--out", "p.csv"):
        done = limited(*args, cwd=large)
        assert done.returncode == 0, done.stderr
    assert len((large / "p.csv").read_text().splitlines()) == 48 * 1024 + 1


@pytest.mark.parametrize(
    ("flag", "value", "said"),
    [
        ("--stream", "never", "there is no memory for what big holds .*; leave --stream never out$"),
        (
            "--missing",
            "mean",
            r"big is too large to be read \(in memory they may take 4.83 GB .*, and can't stream: mis",
        ),
        ("--rule", "rbm", "rule 'rbm' looks at all training samples at once, and these stay in their file"),
    ],
)
def test_files_that_no_memory_holds_say_what_helps(large, flag, value, said):
    """Not to take fewer samples or units, on which it does not hang."""
    done = limited("train", "--data", "big", flag, value, "--out", "run2", cwd=large)
    assert done.returncode == 2
    assert re.search(said, done.stderr.strip())
    assert "fewer" not in done.stderr
