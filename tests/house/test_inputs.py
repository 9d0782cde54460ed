"""The trials of inputs, in short: what is valid, damaged or made up is answered by success or by one sentence."""

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gpufa

sys.path.insert(0, str(ROOT := Path(__file__).parents[2]))

from benchmarks.reliability import guided
from benchmarks.reliability.inputs import targets, trial
from benchmarks.reliability.inputs.material import Material
from benchmarks.reliability.inputs.worker import made

EXAMPLES = {"command": 12, "hdf5": 60, "set": 60, "train": 60, "load": 60, "contents": 60, "sealed": 60, "hostile": 60}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[None]:
    with targets.sandbox():
        yield


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize("name", targets.TARGETS)
def test_every_input_is_answered(name: str) -> None:
    @settings(
        max_examples=EXAMPLES.get(name, 150),
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.binary(max_size=300))
    def answered(raw: bytes) -> None:
        assert targets.complaint(name, raw) == ""

    answered()


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize("name", targets.TARGETS)
def test_no_bytes_make_a_valid_input(name: str) -> None:
    targets.TARGETS[name].call(Material(b""))


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(
    ("error", "text"),
    [
        (KeyError("x"), "KeyError: \"'x'\""),
        (gpufa.InvalidValue(""), "a text of 0 letters"),
        (UserWarning("odd"), "a warning: odd"),
    ],
)
def test_what_was_not_promised_is_told(error: Exception, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def bad(material: Material) -> None:
        if isinstance(error, UserWarning):
            import warnings

            warnings.warn_explicit(error, None, "elsewhere.py", 3)
        else:
            raise error

    monkeypatch.setitem(targets.TARGETS, "csv", targets.Target("bad", bad, 1))
    assert text in targets.complaint("csv", b"")


def test_the_trial_counts_every_input_and_makes_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {name: targets.TARGETS[name] for name in ("npz", "network")}
    monkeypatch.setattr(trial, "TARGETS", few)
    counts = trial.run("inputs", 100, seed=0, say=print)
    assert [(count.what, count.tried, count.lost) for count in counts] == [(few[name].what, 50, 0) for name in few]
    assert made("csv", 0, 3) == made("csv", 0, 3) != made("csv", 1, 3)


def test_a_process_that_ends_or_hangs_is_one_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "worker.py").write_text(
        "import os, sys, time\n"
        "print('ready', flush=True)\n"
        "for i in range(int(sys.argv[3]), int(sys.argv[4])):\n"
        "    if i == 1: os.abort()\n"
        "    if i == 3: time.sleep(60)\n"
        "    print(flush=True)\n"
    )
    monkeypatch.setattr(trial, "ROOT", tmp_path)
    monkeypatch.setattr(trial, "WORKER", "worker")
    monkeypatch.setattr(trial, "LONGEST", 1.0)
    assert list(trial.answers("csv", 0, 5)) == ["", "the process ended with -6", "", "no answer in time", ""]


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed")
def test_the_guided_fuzzer(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {"table": targets.TARGETS["table"]}
    monkeypatch.setattr(targets, "TARGETS", few)
    (count,) = guided.run(2, seed=0, say=print)
    assert count.tried > 200
    assert count.lost == 0


def test_what_the_guided_fuzzer_finds_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    said = ["INFO: seed", "fault KeyError bytes 00", "Base64: AA==", f"{guided.EXECUTED} 9", "fault the fuzzer ended"]
    monkeypatch.setattr(guided, "told", lambda *_: said)
    monkeypatch.setattr(guided, "needs_atheris", lambda: None)
    heard: list[str] = []
    counts = guided.run(16, seed=0, say=heard.append)
    assert {(count.tried, count.lost) for count in counts} == {(9, 2)}
    assert "    Base64: AA==" in heard


def test_a_fuzzer_that_can_not_begin_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "false")
    assert [line for line in guided.told("none", 2, 0) if line.startswith(guided.FAULT)] == [
        "fault the fuzzer's process ended with 1"
    ]


def test_without_atheris_the_fuzzer_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match=r"needs atheris; install it with pip install 'gpufa\[fuzz\]'"):
        guided.run(2, seed=0, say=print)


def test_an_input_again_by_hand() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.reliability.inputs", "config", "00"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "all is well\n"
    assert np.frombuffer(made("config", 0, 1), np.uint8).size in (0, 8, 32, 128, 512)
