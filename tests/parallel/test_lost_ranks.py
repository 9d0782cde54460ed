"""Processes that raise, hang, are killed or come apart: all end, and one of them says why."""

import json
import signal
import time

import pytest
from mpilab import COMMAND, HERE, ROOT, TRAIN, ended, mpi, needs_mpi, sentences, started, waited_for

from gpufa.checkpoints import networks
from gpufa.commands.main import main

pytestmark = needs_mpi
RUN = [*TRAIN, "--rule", f"{HERE / 'mpirule.py'}:Faulty", "--out", "run"]
ENDED = "gpufa: the run ended after epoch 0; its checkpoint is of epoch 0: go on from there with gpufa resume run"


def faulty(cwd, what, code, who="1", way="data", wait="20"):
    """What a run says in which such a thing happens; its last checkpoint is whole."""
    grace = {} if who == "all" else {"GRACE": "0.5"}  # in which no other fails
    said = mpi(*RUN, "--parallel", way, "--wait", wait, cwd=cwd, code=code, WHAT=what, WHO=who, **grace)
    networks.contents(cwd / "run")
    return sentences(said)


@pytest.mark.parametrize(("way", "who"), [("data", "0"), ("seeds", "1")])
def test_a_rank_that_finds_something_wrong_ends_all(tmp_path, who, way):
    said = faulty(tmp_path, "raise gpufa.InvalidValue('too hot; wait')", 2, who, way)
    assert said == [*([ENDED] if who == "0" else []), f"gpufa: rank {who} of 2: too hot; wait"]


def test_a_rank_that_breaks_ends_all(tmp_path):
    assert faulty(tmp_path, "1 / 0", 1) == ["gpufa: rank 1 of 2: ZeroDivisionError('division by zero')"]


def test_what_all_find_wrong_is_said_once(tmp_path):
    said = faulty(tmp_path, "raise gpufa.InvalidValue('too hot; wait')", 2, "all")
    assert said == [ENDED, "gpufa: too hot; wait"]


def test_a_rank_that_hangs_is_not_waited_for_longer_than_was_said(tmp_path):
    begun = time.monotonic()
    said = faulty(tmp_path, "time.sleep(600)", 2, wait="1.5")
    assert said == [
        ENDED,
        "gpufa: rank 0 of 2: waited 1.5 s for the other processes, one of which is dead or hangs; go on from the last"
        " checkpoint, with a longer --wait if one had so much to do",
    ]
    assert time.monotonic() - begun < 30


FULL = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))"


@pytest.mark.parametrize("way", ["data", "layers"])
def test_a_disk_that_is_full_for_one_of_them_ends_all_and_loses_no_checkpoint(tmp_path, monkeypatch, way):
    """No file of the rank that writes may grow any more; it trains on, and at the end there is nowhere to write."""
    said = faulty(tmp_path, FULL, 2, "0", way)
    assert said == [
        ENDED.replace("after epoch 0", "after epoch 3"),
        "gpufa: rank 0 of 2: checkpoint 'run/checkpoint.h5' can't be written (File too large); free some space or give"
        " another folder",
    ]
    monkeypatch.chdir(tmp_path)
    assert main(["resume", "run", "--rule", f"{HERE / 'mpirule.py'}:Faulty", "--quiet"]) == 0
    assert networks.contents(tmp_path / "run")[0]["progress/epoch"] == 3


def test_weights_that_come_apart_are_told(tmp_path):
    """Which all find."""
    said = faulty(tmp_path, "if RANK == '1': net.W[1][...] += 1e-9", 2, "all")
    assert said == [
        ENDED,
        "gpufa: the weights of ranks 0 and 1 have come apart; go on from the last checkpoint, and see to it that all"
        " run the same program on processors of one kind",
    ]


OTHER = """
import json
import gpufa
from mpi4py import MPI
rank, said = MPI.COMM_WORLD.Get_rank(), []
for what, way in (("data", "data"), ("settings", "data"), ("data", "seeds")):
    data = gpufa.load_data("digits")
    if rank and what == "data":
        data.x_train[3] += 1
    dropout = 0.5 if rank and what == "settings" else 0.0
    config = gpufa.Config(hidden=(4,), epochs=1, seeds=(0, 1), dropout=dropout, backend="numpy")
    try:
        gpufa.train(config, data, parallel=gpufa.Processes(way, wait=20))
    except gpufa.InvalidValue as error:
        said.append(str(error))
with open(f"{rank}.json", "w") as file:
    json.dump(said, file)
"""


def test_processes_with_other_data_or_settings_are_refused(tmp_path):
    """By both ways of dividing data; their weights would be the same all the same, where they share batches."""
    (tmp_path / "other.py").write_text(OTHER)
    ended(started("other.py", cwd=tmp_path))
    told = "rank 1 has other {} than rank 0, and they would train no net that one process trains; give all of them the"
    for rank in (0, 1):
        said = json.loads((tmp_path / f"{rank}.json").read_text())
        assert said == [f"{told.format(what)} same" for what in ("data", "settings", "data")]


@pytest.mark.slow
def test_ranks_that_are_killed_again_and_again_lose_nothing(monkeypatch):
    """Of processes that share batches, blocks and seeds."""
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks.reliability import ranks

    counts = ranks.run(3, seed=0, say=print)
    assert sum(count.tried for count in counts) == 6
    assert [count for count in counts if count.lost] == []


@pytest.mark.parametrize(("way", "number"), [("data", signal.SIGINT), ("seeds", signal.SIGTERM)])
def test_a_signal_to_all_saves_them(tmp_path, number, way):
    parallel = ["--parallel", way]
    process = started(*COMMAND, *RUN, *parallel, cwd=tmp_path, PAUSE="0.1")
    waited_for(tmp_path / "run" / "checkpoint.h5")
    time.sleep(0.3)
    process.send_signal(number)
    said = sentences(ended(process))
    assert said == []
    facts = networks.contents(tmp_path / "run")[0]
    assert 0 < facts["progress/step"] < 21
