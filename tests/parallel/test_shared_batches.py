"""Batches that two processes share: what they leave is what one process leaves, to rounding."""

import json

import pytest
from mpilab import HERE, ended, equal, needs_mpi, started
from parallellab import REFUSED, SHARED, trained

pytestmark = needs_mpi


@pytest.fixture(scope="module")
def by_two(tmp_path_factory):
    """The folder of all runs, by two processes, which are started once."""
    folder = tmp_path_factory.mktemp("shared")
    ended(started(HERE / "parallellab.py", folder, "data", "shared", "refused", cwd=folder))
    return folder


@pytest.mark.parametrize("name", SHARED)
def test_two_processes_leave_what_one_leaves(by_two, tmp_path, name):
    trained(*SHARED[name], tmp_path)
    equal(by_two / name, tmp_path)


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_can_not_be_shared_is_refused_and_nothing_else(by_two, sentence):
    said = json.loads((by_two / "refused.json").read_text())
    assert said[sentence].startswith(sentence)
    assert said.keys() == REFUSED.keys()
