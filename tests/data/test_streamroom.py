"""What memory is free, and whether data are read into it or stream."""

import gzip
import resource
from pathlib import Path

import numpy as np
import pytest

from gpufa.basics.errors import InvalidValue, OutOfMemory
from gpufa.data.datasets import load_data
from gpufa.data.streams import room as streamroom
from gpufa.data.streams.room import Way, free

PATH = Path("big.h5")
GIB = 1 << 30


def machine(root, group="0::/a/b\n", **files):
    """A system's files, `files` by their paths with __ for slashes."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/meminfo").write_text("MemTotal: 9999 kB\nMemAvailable:   8000000 kB\n")
    (root / "proc/self/cgroup").write_text(group)
    for name, text in files.items():
        path = root / "sys/fs/cgroup" / name.replace("__", "/").replace("memory_", "memory.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_the_machine_and_its_control_groups_limit_memory(tmp_path):
    assert free(machine(tmp_path / "a")) == 8_000_000 * 1024
    files = {
        "a__memory_max": "3000000000\n",
        "a__memory_current": "1000000000",
        "a__memory_stat": "x 1\ninactive_file 5\n",
    }
    files |= {"a__b__memory_max": "max\n", "a__b__memory_current": "7", "a__b__memory_stat": ""}
    assert free(machine(tmp_path / "b", **files)) == 2_000_000_005
    files |= {"a__b__memory_max": "2000\n"}
    assert free(machine(tmp_path / "c", **files)) == 1993
    old = {"memory__a__memory_limit_in_bytes": "5000", "memory__a__memory_usage_in_bytes": "1000"}
    old |= {"memory__a__memory_stat": "total_inactive_file 300\ninactive_file 1\n"}
    assert free(machine(tmp_path / "d", "3:cpu:/\n4:memory,pids:/a\n", **old)) == 4300


def test_the_limit_of_the_shell_counts(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda which: (50 * GIB, -1))
    assert 0 < next(iter(streamroom._limits())) < 50 * GIB
    monkeypatch.setattr(resource, "getrlimit", lambda which: (1, -1))
    assert free() == 0


def test_a_system_that_tells_nothing(tmp_path, monkeypatch):
    assert free(tmp_path) > 1 << 20  # all that the machine has
    monkeypatch.setattr("os.sysconf", lambda name: -1 if False else (_ for _ in ()).throw(ValueError))
    assert free(tmp_path) is None


@pytest.mark.parametrize(
    ("mode", "room", "why"),
    [
        ("always", None, "as --stream always asks for"),
        ("auto", None, None),
        ("auto", 3 * GIB, None),
        ("auto", 3 * GIB - 1, "in memory they may take 3.22 GB while they are read, and 3.22 GB are free"),
        ("never", 0, None),
        (None, 0, None),
    ],
)
def test_what_is_decided(mode, room, why, monkeypatch):
    monkeypatch.setattr(streamroom, "free", lambda: room)
    assert Way(mode).why(PATH, GIB) == why


def test_what_can_not_stream(monkeypatch):
    monkeypatch.setattr(streamroom, "free", lambda: 100)
    way = Way("auto").unless("").unless("it is packed; unpack it").unless("no")
    with pytest.raises(
        OutOfMemory,
        match=r"big.h5 is too large to be read \(in memory they may take 3.22 GB while they "
        r"are read, and 100 bytes are free\), and can't stream: it is packed; unpack it$",
    ):
        way.why(PATH, GIB)
    assert way.why(PATH, 33) is None
    with pytest.raises(InvalidValue, match=r"it can't stream: it is packed; unpack it; or leave --stream always out"):
        way._replace(mode="always").why(PATH, 1)


@pytest.mark.parametrize(
    ("way", "remedy"),
    [
        (Way("auto"), "leave it on the disk with --stream always"),
        (Way("never"), "leave --stream never out"),
        (Way(), "hand its path to gpufa.train, which leaves on the disk what is too large"),
        (Way("auto", "save it otherwise"), "save it otherwise"),
        (Way("never", "save it otherwise"), "save it otherwise"),
    ],
)
def test_the_remedy_for_want_of_memory(way, remedy):
    said = f"^there is no memory for what big.h5 holds .unable.; {remedy}$"
    with pytest.raises(OutOfMemory, match=said), way.into_memory(PATH):
        raise MemoryError("unable")
    with pytest.raises(OutOfMemory, match=r"^own$"), way.into_memory(PATH):
        raise OutOfMemory("own")


def test_two_arrays_that_memory_can_not_compare(tmp_path, monkeypatch):
    np.savez(tmp_path / "a.npz", x=np.eye(9), data=np.eye(9), y=np.arange(9) % 3)
    assert load_data(tmp_path / "a.npz").x_train.shape == (7, 9)

    def none(*given, **more):
        raise MemoryError

    monkeypatch.setattr("gpufa.data.userfiles.alike", none)
    with pytest.raises(InvalidValue, match=r"arrays 'data' and 'x' could both be x; name one with --features"):
        load_data(tmp_path / "a.npz")


def test_files_that_no_memory_holds_are_told_what_helps(tmp_path, monkeypatch):
    """Whatever reads them."""

    def none(*given, **more):
        raise MemoryError

    np.savez(tmp_path / "a.npz", x=np.eye(9), y=np.arange(9) % 3)
    (tmp_path / "t.csv").write_text("a,b\n1,2\n3,4\n5,6\n")
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress((tmp_path / "t.csv").read_bytes()))
    monkeypatch.setattr("numpy.load", none)
    monkeypatch.setattr("gpufa.data.tables.csvfiles._read", none)
    with pytest.raises(OutOfMemory, match=r"no memory for what .*a.npz holds; hand its path to gpufa.train"):
        load_data(tmp_path / "a.npz")
    for name in "t.csv", "t.csv.gz":
        with pytest.raises(OutOfMemory, match=r"a file of lines is read as a whole; write it as HDF5, .npy files or"):
            load_data(tmp_path / name)
