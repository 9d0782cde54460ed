"""The checkpoint file: round trips, every kind of damage, atomic writing, hostile HDF5."""

import json
import os
import subprocess
import sys

import h5py
import numpy as np
import pytest

from gpufa.basics.errors import FileProblem
from gpufa.checkpoints.hdf5 import read, read_metadata, write
from gpufa.checkpoints.seal import BLOCK, sealed

rng = np.random.default_rng(0)
METADATA = {"text": "ü", "numbers": [1, 2.5], "nested": {"none": None}}


def arrays():
    return {
        "parameters/W1": rng.normal(size=(5, 7)).astype(np.float32),
        "parameters/W10": rng.normal(size=(3, 2, 4)),
        "parameters/W2": np.asfortranarray(rng.normal(size=(6, 4))),
        "history/epochs/step": np.arange(9),
        "history/epochs/error": rng.normal(size=(9, 3))[:, ::2],
        "progress/step": np.asarray(7),
        "flags": np.array([True, False]),
        "bytes": np.arange(5, dtype=np.uint8),
        "empty": np.empty((0, 4), np.float32),
    }


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "checkpoint.h5"
    write(path, arrays(), METADATA)
    return path


def refuse(path, text):
    for reader in (read, read_metadata):
        with pytest.raises(FileProblem) as error:
            reader(path)
        assert text in str(error.value)
        assert str(path) in str(error.value)


def test_round_trip_keeps_values_types_shapes_and_order(tmp_path):
    given = arrays()
    write(tmp_path / "c.h5", given, METADATA)
    found, metadata = read(tmp_path / "c.h5")
    assert metadata == METADATA == read_metadata(tmp_path / "c.h5")
    assert [n for n in found if n.startswith("parameters")] == ["parameters/W1", "parameters/W10", "parameters/W2"]
    assert found.keys() == given.keys()
    for name, array in given.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(found[name], array)


def test_equal_content_gives_equal_bytes_in_any_process(tmp_path):
    code = (
        "import numpy as np, sys; from gpufa.checkpoints.hdf5 import write;"
        "write(sys.argv[1], {'a/b': np.arange(6.0), 'c': np.ones((2, 3), 'f4')}, {'x': 1})"
    )
    for name in ("one.h5", "two.h5"):
        subprocess.run([sys.executable, "-c", code, tmp_path / name], check=True)
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()


def test_h5py_alone_reads_it(file):
    with h5py.File(file) as plain:
        assert json.loads(bytes(plain.attrs["metadata"])) == METADATA
        assert plain["parameters/W1"].shape == (5, 7)
    assert file.read_bytes().startswith(b"gpufa checkpoint\nformat 1\nsha256 ")


def test_every_flipped_bit_is_noticed(file):
    whole = file.read_bytes()
    places = [*range(BLOCK + 88), *rng.integers(0, len(whole), 300)]
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(rng.integers(8))
        file.write_bytes(damaged)
        with pytest.raises(FileProblem):
            read(file)


def test_every_truncation_and_extension_is_noticed(file):
    whole = file.read_bytes()
    for length in [0, 1, 16, 17, 200, BLOCK - 1, BLOCK, *rng.integers(BLOCK + 1, len(whole), 40)]:
        file.write_bytes(whole[: int(length)])
        with pytest.raises(FileProblem):
            read(file)
    file.write_bytes(whole + b"x")
    refuse(file, "is damaged: ")
    file.write_bytes(whole[:-1])
    refuse(file, f"{len(whole) - BLOCK - 1} bytes of content, {len(whole) - BLOCK} were written")


def test_what_is_wrong_is_told(tmp_path, file):
    refuse(tmp_path / "none.h5", "does not exist; give a run's folder or its checkpoint.h5")
    refuse(tmp_path, "can't be read (Is a directory)")
    (tmp_path / "text").write_text("hello")
    refuse(tmp_path / "text", "is no gpufa checkpoint")
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b"format 1", b"format 2", 1))
    refuse(file, "has format 2, this gpufa reads up to 1: upgrade gpufa")
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    refuse(file, "its bytes differ from what was written")


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    refuse(tmp_path / "pipe", "is no file; give a run's folder or its checkpoint.h5")


def test_a_large_file_that_is_no_checkpoint_is_not_read(tmp_path):
    with open(tmp_path / "sparse", "wb") as sparse:
        sparse.truncate(1 << 42)
    refuse(tmp_path / "sparse", "is no gpufa checkpoint")
    with open(tmp_path / "sparse", "r+b") as sparse:
        sparse.write(b"gpufa checkpoint\nformat 1\nbytes 7\n")
    refuse(tmp_path / "sparse", "4398046510592 bytes of content, 7 were written")


def test_types_that_a_checkpoint_does_not_hold_are_refused(tmp_path):
    with pytest.raises(FileProblem, match="array 'a' has type object; a checkpoint holds numbers and booleans only"):
        write(tmp_path / "c.h5", {"a": np.array([None])}, {})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write(tmp_path / "c.h5", {}, {"x": float("nan")})
    assert list(tmp_path.iterdir()) == []


def fail(*args, **kwargs):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("place", ["fsync", "replace", "chmod"])
def test_a_failing_write_leaves_the_old_file_whole(file, monkeypatch, place):
    before = file.read_bytes()
    monkeypatch.setattr(os, place, fail)
    with pytest.raises(FileProblem, match=r"can't be written \(No space left on device\); free some space or give"):
        write(file, {"other": np.ones(3)}, {})
    monkeypatch.undo()
    assert file.read_bytes() == before
    assert [p.name for p in file.parent.iterdir()] == [file.name]


def test_an_interrupt_leaves_nothing_behind(file, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write(file, {"other": np.ones(3)}, {})
    assert [p.name for p in file.parent.iterdir()] == [file.name]


def test_a_missing_folder(tmp_path):
    with pytest.raises(FileProblem, match="No such file or directory"):
        write(tmp_path / "nowhere" / "c.h5", {}, {})


def test_permissions_are_those_of_a_new_file_and_stay_when_it_is_replaced(file):
    fresh = file.with_name("fresh")
    fresh.touch()
    assert file.stat().st_mode == fresh.stat().st_mode
    file.chmod(0o600)
    write(file, arrays(), METADATA)
    assert file.stat().st_mode & 0o777 == 0o600


def seal(path):
    """A valid header over whatever a file holds."""
    path.write_bytes(b"".join(sealed([memoryview(path.read_bytes())])))


def hostile(path, build):
    """An HDF5 file of somebody else's making under a valid header."""
    with h5py.File(path, "w", userblock_size=BLOCK) as f:
        f.attrs.create("metadata", np.bytes_(b"{}"))
        build(f)
    seal(path)


@pytest.mark.parametrize(
    "build",
    [
        lambda f: f.create_dataset("a", (1 << 40,), "f4"),
        lambda f: f.create_dataset("a", (1 << 30,), "f4", chunks=(1 << 20,), compression="gzip"),
        lambda f: f.create_dataset("a", (4,), "f4", external=[("/etc/hostname", 0, 16)]),
        lambda f: f.create_dataset("a", data="text"),
        lambda f: f.__setitem__("a", h5py.ExternalLink("/etc/hostname", "/")),
        lambda f: f.__setitem__("a", h5py.SoftLink("/b")),
        lambda f: f.create_group("/".join("abcdefghij")),
        lambda f: f.__setitem__("a", f["/"]),
        lambda f: [f.__setitem__(f"a{i}", f.require_dataset("x", (1000,), "f8")) for i in range(9)],
    ],
    ids=["huge", "bomb", "external file", "text", "external link", "soft link", "deep", "loop", "many names"],
)
def test_hostile_files_are_refused_without_being_followed(tmp_path, build):
    path = tmp_path / "hostile.h5"
    hostile(path, build)
    with pytest.raises(FileProblem, match="was not written by gpufa"):
        read(path)


def test_metadata_must_be_a_table(tmp_path):
    path = tmp_path / "c.h5"
    for text in (None, b"[1]", b"{"):
        with h5py.File(path, "w", userblock_size=BLOCK) as f:
            if text:
                f.attrs.create("metadata", np.bytes_(text))
        seal(path)
        refuse(path, "metadata")
    with h5py.File(path, "w", userblock_size=BLOCK) as f:
        f.attrs["metadata"] = np.arange(3)
    seal(path)
    refuse(path, "it lacks the metadata")
    path.write_bytes(b"gpufa checkpoint\n".ljust(BLOCK, b"\0") + b"no hdf5 at all")
    seal(path)
    refuse(path, "HDF5 can't read it")
