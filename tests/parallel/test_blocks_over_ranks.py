"""Nets whose blocks several processes hold: what they leave is what one process leaves, to rounding."""

import json

import numpy as np
import pytest
from blockslab import COPIED, DEEP, HELD, OVERLAPPED, REFUSED
from mpilab import HERE, TRAIN, ended, equal, mpi, needs_mpi, sentences, started
from parallellab import ODD, SETTINGS, TABLES, trained

import gpufa
from gpufa.basics.random import Purpose, permutation
from gpufa.checkpoints import hdf5
from gpufa.commands.main import main
from gpufa.data.samples.data import Data
from gpufa.net.shape.part import part_of
from gpufa.parallel.ranks import Ranks, Together
from gpufa.training.steps.together import in_words
from gpufa.training.trainer import Trainer

pytestmark = needs_mpi
BY = {2: ("held", "overlapped"), 3: ("not held",), 4: ("copied",)}


@pytest.fixture(scope="module")
def runs_of(tmp_path_factory):
    """The folder of all runs of the tables that so many processes train, which are started once."""
    folders = {}

    def folder_of(ranks):
        if ranks not in folders:
            folders[ranks] = folder = tmp_path_factory.mktemp(f"by-{ranks}")
            ended(started(HERE / "blockslab.py", folder, "layers", *BY[ranks], cwd=folder, ranks=ranks))
        return folders[ranks]

    return folder_of


@pytest.mark.parametrize("name", HELD)
def test_what_they_leave_is_what_one_leaves(runs_of, tmp_path, name):
    trained(*HELD[name], tmp_path)
    equal(runs_of(2) / name, tmp_path, 1e-12)


def test_none_of_them_is_refused(runs_of):
    assert json.loads((runs_of(2) / "refused.json").read_text()) == {}


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_they_can_not_hold_is_refused(runs_of, sentence):
    said = json.loads((runs_of(3) / "refused.json").read_text())
    assert said[sentence].startswith(sentence)


def test_three_processes_go_on_with_what_two_have_left_and_one_ends_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train = [*TRAIN[:-1], "--hidden", "6", "5", "7"]
    held = ["--parallel", "layers", "--wait", "20"]
    assert main([*train, "--out", "whole"]) == 0
    said = mpi(*train, *held, "--out", "run", "--epochs", "1", cwd=tmp_path)
    assert "2 processes hold a net of 4 blocks, this one 1, up to block 1" in said
    assert "overlap" not in said
    mpi("resume", "run", "--epochs", "2", "--quiet", *held, cwd=tmp_path, ranks=3)
    assert main(["resume", "run", "--epochs", "3", "--quiet"]) == 0
    equal(tmp_path / "run", tmp_path / "whole", 1e-12)


def test_copies_that_share_each_batch_leave_what_one_leaves(runs_of, tmp_path):
    """Four processes, of which two hold a net."""
    for name, settings in COPIED.items():
        trained(*settings, tmp_path / name)
        equal(runs_of(4) / name, tmp_path / name)


class Rank(Ranks):
    """The first of so many."""

    def __init__(self, size):
        self.size = size


def test_as_many_have_to_hold_each_copy():
    said = "^3 processes can't hold 2 copies of a net, each as many; start a multiple of --copies$"
    with pytest.raises(gpufa.InvalidValue, match=said):
        gpufa.Processes("layers", copies=2).among(Rank(3))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("tokens 6 of 9 pad 0", "embed 8", "mean, dense 5 tanh", "dense 9"), "what 'tokens 6 of 9 pad 0' says of the"),
        (
            ("tokens 6 of 9", "embed 8 tied, positions, mean", "dense 8 tanh", "dense 9"),
            "what 'embed 8 tied, positions, mean' asks",
        ),
        (("input 2x5", "conv1d 6 3 tanh", "conv1d 6 3 tanh", "conv1d 3 1"), "the outputs, 'conv1d 3 1', have an error"),
    ],
)
def test_what_all_blocks_have_to_know_and_errors_at_places_are_refused(words, said):
    with pytest.raises(gpufa.InvalidValue) as error:
        part_of(gpufa.Network(words, rule="dfa", backend="numpy").sizes, Rank(2))
    assert str(error.value).startswith(said)


@pytest.mark.parametrize("how", [{"parallel": "data", "copies": 2}, {"parallel": "layers", "copies": 0}])
def test_copies_are_of_nets_that_are_held(how):
    with pytest.raises(gpufa.InvalidValue, match=f"copies can't be {how['copies']} with parallel '{how['parallel']}'"):
        gpufa.Processes(**how)


def test_overlapping_blocks_learn_one_batch_late(runs_of):
    """Of two processes the first holds block 1, by the work of 16-8-7-9-3, whose activity is of weights that have not
    learnt from the batch before."""
    x, y, lr, m = np.asarray(ODD[0]), np.asarray(ODD[1]), OVERLAPPED["lr"], SETTINGS["batch_size"]
    net = gpufa.Network([16, *DEEP["hidden"], 3], seed=0, dtype="float64", init="uniform", backend="numpy")
    W, b = ([net.parameters[f"{kind}{k}"].copy() for k in (1, 2, 3, 4)] for kind in "Wb")
    B, order = [net.feedback[f"B{k}"] for k in (1, 2, 3)], permutation(0, Purpose.SHUFFLE, 0, len(x))

    def learn(k, delta, h):
        W[k] -= lr / delta.shape[1] * delta @ h.T
        b[k] -= lr / delta.shape[1] * delta.sum(axis=1)

    late = None
    for start in range(0, len(x), m):
        if late and start + m > len(x):  # a batch of another size begins when all before it have ended
            learn(0, *late)
            late = None
        h = [x[order[start : start + m]].T]
        for k in range(3):
            h.append(np.tanh(W[k] @ h[k] + b[k][:, None]))
        odds = np.exp(W[3] @ h[3] + b[3][:, None])
        e = odds / odds.sum(axis=0) - np.eye(3)[y[order[start : start + m]]].T
        deltas = [B[k] @ e * (1 - h[k + 1] ** 2) for k in range(3)] + [e]
        for k in (1, 2, 3):
            learn(k, deltas[k], h[k])
        if late:
            learn(0, *late)
        late = deltas[0], h[0]
    learn(0, *late)
    found = hdf5.read(runs_of(2) / "all" / "checkpoint.h5")[0]
    for k in range(4):
        np.testing.assert_allclose(found[f"parameters/W{k + 1}"][0], W[k], rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(found[f"parameters/b{k + 1}"][0], b[k], rtol=1e-10, atol=1e-12)


def test_that_overlapping_changes_numbers_is_said():
    with pytest.warns(gpufa.GpufaWarning, match="there is nothing to overlap"):
        alone = Trainer(gpufa.Config(hidden=(8, 7, 9), overlap=True, backend="numpy"), Data(*ODD))
    _, late = in_words(alone.config, alone.net, alone.batches, Together(layers=Rank(2)))
    assert late.endswith("so that the numbers are not one process's")


def test_what_is_wrong_with_blocks_of_others_is_said_once(tmp_path):
    """Weights of zero that the second process holds."""
    train = ["--hidden", "6", "5", "4", "--init", "zeros", "--rule", "drtp", "--freeze", "1", "--epochs", "1"]
    said = mpi(*TRAIN, *train, "--parallel", "layers", "--wait", "20", cwd=tmp_path, ranks=3)
    assert len([line for line in sentences(said) if "W2 of seed 0 is zero still" in line]) == 1


def test_there_is_nothing_to_overlap_in_one_process(tmp_path):
    with pytest.warns(gpufa.GpufaWarning, match="there is nothing to overlap in one process"):
        trained(*TABLES["overlapped"]["all"])


def test_each_holds_its_own_blocks_alone(tmp_path):
    """What there is in memory of weights and feedback adds up to the net's."""
    program = tmp_path / "sizes.py"
    program.write_text(SIZES)
    ended(started(program, cwd=tmp_path, ranks=2))
    sizes = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1)]
    whole = gpufa.Network([16, *DEEP["hidden"], 3], backend="numpy")
    for what, names in (("arena", whole.parameters), ("fixed", whole.feedback)):
        assert sorted([*sizes[0][what], *sizes[1][what]]) == sorted(names)


SIZES = """
import json
import gpufa
from blockslab import DEEP, ODD
from parallellab import trained
run = trained(DEEP, ODD, parallel=gpufa.Processes("layers", wait=20))
net = run.network
with open(f"{net.ranks.rank}.json", "w") as file:
    json.dump({"arena": sorted(net.arena), "fixed": sorted(net.fixed.stored)}, file)
"""
