"""Files are there whole, or as they were before."""

import errno
import os
import stat
import subprocess
import sys

import pytest

from gpufa.basics import files
from gpufa.basics.errors import FileProblem


def write(path, content=b"new"):
    files.write(path, content, "thing", "try again")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_bytes_and_text(tmp_path):
    write(tmp_path / "a", memoryview(b"bytes"))
    write(tmp_path / "b", "text, ü\n")
    assert (tmp_path / "a").read_bytes() == b"bytes"
    assert (tmp_path / "b").read_bytes() == "text, ü\n".encode()
    assert names(tmp_path) == ["a", "b"]


def test_what_a_link_points_to_is_replaced(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_a_device_is_written_to_and_stays_one(tmp_path):
    before = names(tmp_path)
    write("/dev/null")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    assert names(tmp_path) == before


@pytest.mark.parametrize("name", ["folder", "none/file", "file/below"])
def test_where_nothing_can_be_written(tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(FileProblem, match=r"^thing '.*' can't be written \((Is|No|Not) .*\); try again$"):
        write(tmp_path / name)
    assert names(tmp_path) == ["file", "folder"]


def test_a_working_folder_that_is_gone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "getcwd", lambda: os.stat(tmp_path / "gone"))
    with pytest.raises(FileProblem, match=r"thing 'x' can't be written \(No such file or directory\); try again"):
        write("x")


def failing_sync_of_folders(monkeypatch, number):
    sync = os.fsync

    def fails(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(number, os.strerror(number))
        sync(handle)

    monkeypatch.setattr(os, "fsync", fails)


def test_a_folder_that_can_not_be_seen_onto_the_disk_is_told(tmp_path, monkeypatch):
    failing_sync_of_folders(monkeypatch, errno.EIO)
    with pytest.raises(FileProblem, match=r"is written, but may not outlast a power cut \(Input/output error\); try"):
        write(tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"new"


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_a_system_that_has_no_such_thing_is_none_the_worse(tmp_path, monkeypatch, number):
    failing_sync_of_folders(monkeypatch, number)
    write(tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"new"


def test_the_longest_names(tmp_path):
    write(tmp_path / ("a" * 255))
    assert names(tmp_path) == ["a" * 255]


def test_a_file_that_is_not_to_be_written_stays(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"old")
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    with pytest.raises(FileProblem, match=r"can't be written \(Permission denied\)"):
        write(tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"old"


@pytest.mark.parametrize("redirect", ["| cat", "> out; cat out"])
def test_what_a_shell_calls_a_file(tmp_path, redirect):
    code = "from gpufa.basics import files; files.write('/dev/stdout', 'text', 'thing', 'try again')"
    done = subprocess.run(f'{sys.executable} -c "{code}" {redirect}', shell=True, cwd=tmp_path, capture_output=True)
    assert done.stdout == b"text"


def test_what_was_left_half_written_is_taken_away_and_nothing_else(tmp_path):
    half, own = tmp_path / ".0123456789abcdef.tmp", tmp_path / ".mine.tmp"
    for path in (half, own, tmp_path / "a"):
        path.write_bytes(b"")
    files.clear(tmp_path)
    assert names(tmp_path) == [".mine.tmp", "a"]
