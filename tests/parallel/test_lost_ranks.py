"""Processes that raise, hang, are killed or come apart: all end, and one of them says why."""

import os
import random
import signal
import time

import pytest
from mpilab import COMMAND, HERE, TRAIN, ended, equal, mpi, needs_mpi, sentences, started, waited_for

from gpufa.checkpoints import networks
from gpufa.commands.main import main

pytestmark = needs_mpi
RUN = [*TRAIN, "--rule", f"{HERE / 'mpirule.py'}:Faulty", "--out", "run"]
WAYS = pytest.mark.parametrize("way", ["data", "seeds"])
ENDED = "gpufa: the run ended after epoch 0; its checkpoint is of epoch 0: go on from there with gpufa resume run"


def faulty(cwd, what, code, who="1", way="data", wait="20"):
    """What a run says in which such a thing happens; its last checkpoint is whole."""
    said = mpi(*RUN, "--parallel", way, "--wait", wait, cwd=cwd, code=code, WHAT=what, WHO=who)
    networks.contents(cwd / "run")
    return sentences(said)


@pytest.mark.parametrize(("way", "who"), [("data", "0"), ("data", "1"), ("seeds", "1")])
def test_a_rank_that_finds_something_wrong_ends_all(tmp_path, who, way):
    said = faulty(tmp_path, "raise gpufa.InvalidValue('too hot; wait')", 2, who, way)
    assert said == [*([ENDED] if who == "0" else []), f"gpufa: rank {who} of 2: too hot; wait"]


def test_a_rank_that_breaks_ends_all(tmp_path):
    assert faulty(tmp_path, "1 / 0", 1) == ["gpufa: rank 1 of 2: ZeroDivisionError('division by zero')"]


def test_what_all_find_wrong_is_said_once(tmp_path):
    said = faulty(tmp_path, "raise gpufa.InvalidValue('too hot; wait')", 2, "all")
    assert said == [ENDED, "gpufa: too hot; wait"]


@WAYS
def test_a_rank_that_hangs_is_not_waited_for_longer_than_was_said(tmp_path, way):
    begun = time.monotonic()
    said = faulty(tmp_path, "time.sleep(600)", 2, way=way, wait="1.5")
    assert said == [
        ENDED,
        "gpufa: rank 0 of 2: waited 1.5 s for the other processes, one of which is dead or hangs; go on from the last"
        " checkpoint, with a longer --wait if one had so much to do",
    ]
    assert time.monotonic() - begun < 30


def test_weights_that_come_apart_are_told(tmp_path):
    said = faulty(tmp_path, "net.W[1][...] += 1e-9", 2)
    assert said == [
        ENDED,
        "gpufa: the weights of ranks 0 and 1 have come apart; go on from the last checkpoint, and see to it that all"
        " run the same program on processors of one kind",
    ]


@WAYS
def test_a_rank_that_is_killed_ends_all_and_nothing_is_lost(tmp_path, monkeypatch, way):
    parallel = ["--parallel", way, "--wait", "10"]
    chance = random.Random(way)
    process = started(*COMMAND, *RUN, *parallel, cwd=tmp_path, PAUSE="0.02")
    waited_for(tmp_path / "run" / "checkpoint.h5")
    time.sleep(chance.uniform(0, 0.5))
    os.kill(int((tmp_path / f"pid{chance.randrange(2)}").read_text()), signal.SIGKILL)
    begun = time.monotonic()
    process.communicate(timeout=20)
    assert time.monotonic() - begun < 15
    assert process.returncode != 0
    assert networks.contents(tmp_path / "run")
    rule = RUN[RUN.index("--rule") : -2]
    mpi("resume", "run", *rule, "--quiet", *parallel, cwd=tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main([*RUN[:-1], "whole"]) == 0
    equal(tmp_path / "run", tmp_path / "whole")


@pytest.mark.parametrize(
    ("way", "number"), [("data", signal.SIGINT), ("data", signal.SIGTERM), ("seeds", signal.SIGINT)]
)
def test_a_signal_to_all_saves_them(tmp_path, number, way):
    parallel = ["--parallel", way]
    process = started(*COMMAND, *RUN, *parallel, cwd=tmp_path, PAUSE="0.02")
    waited_for(tmp_path / "run" / "checkpoint.h5")
    time.sleep(0.3)
    process.send_signal(number)
    said = sentences(ended(process))
    assert said == []
    facts = networks.contents(tmp_path / "run")[0]
    assert 0 < facts["progress/step"] < 21
