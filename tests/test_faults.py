"""Faults from outside, really made: calls that fail, disks that are full, signals, clocks, other places to go on."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def trials_can_be_imported(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)


def nothing_lost(counts, tried):
    assert sum(count.tried for count in counts) == tried
    assert [count for count in counts if count.lost] == []


def test_a_fault_in_any_system_call_of_a_save_leaves_a_whole_checkpoint():
    from benchmarks.reliability import calls

    if reason := calls.why_no_strace():
        pytest.skip(reason)
    nothing_lost(calls.run(16, seed=0, say=print), 16)


def test_a_disk_that_fails_for_a_while_costs_nothing():
    from benchmarks.reliability import disk

    if reason := disk.why_no_disk():
        pytest.skip(reason)
    nothing_lost(disk.run(8, seed=0, say=print), 8)
