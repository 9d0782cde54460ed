"""Batches that two processes share: what they leave is what one process leaves, to rounding."""

import json

import pytest
from mpilab import HERE, ended, equal, needs_mpi, started
from parallellab import REFUSED, SHARED, trained

pytestmark = needs_mpi


@pytest.fixture(scope="module")
def by_two(tmp_path_factory):
    """The folder of all runs of a table, by two processes; each table is trained once."""
    folders = {}

    def folder_of(table):
        if table not in folders:
            folders[table] = tmp_path_factory.mktemp(table)
            ended(started(HERE / "parallellab.py", folders[table], "data", table, cwd=folders[table]))
        return folders[table]

    return folder_of


@pytest.mark.parametrize("name", SHARED)
def test_two_processes_leave_what_one_leaves(by_two, tmp_path, name):
    trained(*SHARED[name], tmp_path)
    equal(by_two("shared") / name, tmp_path)


def test_none_of_them_is_refused(by_two):
    assert json.loads((by_two("shared") / "refused.json").read_text()) == {}


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_can_not_be_shared_is_refused(by_two, sentence):
    said = json.loads((by_two("refused") / "refused.json").read_text())
    assert said[sentence].startswith(sentence)
