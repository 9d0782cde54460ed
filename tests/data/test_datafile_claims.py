"""Files that claim what they don't hold, or may not be read."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from datafilelab import LABELS, X, write

from gpufa.basics.errors import FileProblem, InvalidValue
from gpufa.data.datasets import load_data, load_inputs


def hdf5(path: Path, fill: Callable[[h5py.File], object]) -> Path:
    with h5py.File(path, "w") as file:
        file["y"] = LABELS
        fill(file)
    return path


@pytest.mark.parametrize(
    ("fill", "text"),
    [
        (lambda f: f.update(x=h5py.ExternalLink("other.h5", "x")), "x is in another file"),
        (lambda f: f.update(far=h5py.ExternalLink("other.h5", "/"), x=h5py.SoftLink("/far/x")), "x is in another file"),
        (lambda f: f.create_dataset("x", (20, 3), "f4", external=[("other.raw", 0, 240)]), "x is in another file"),
        (lambda f: f.create_virtual_dataset("x", h5py.VirtualLayout((20, 3), "f4")), "x is in another file"),
        (lambda f: f.create_dataset("x", (20,), h5py.string_dtype()), "x is of type object, not of numbers"),
        (lambda f: f.create_dataset("x", (20,), h5py.vlen_dtype("f4")), "x is of type object, not of numbers"),
        (lambda f: f.create_dataset("x", (20,), "i4,f4"), "not of numbers"),
        (lambda f: f.create_dataset("x", data=h5py.Empty("f4")), "x holds no values"),
        (lambda f: f.create_dataset("x", (10**12, 3), "f4", chunks=(100, 3)), "x claims 12000000000000 bytes, more"),
        (lambda f: f.update(x=h5py.SoftLink("/x")), "too many links"),
        (lambda f: f.update(x=np.dtype("f4")), "x is no array"),
    ],
)
def test_hdf5_beyond_plain_arrays(tmp_path: Path, fill: Callable[[h5py.File], object], text: str) -> None:
    write(tmp_path / "other.h5", x=X)
    with pytest.raises(FileProblem) as caught:
        load_data(hdf5(tmp_path / "data.h5", fill))
    assert text in str(caught.value)


def test_packed_hdf5_is_read(tmp_path: Path) -> None:
    zeros = np.zeros((10**5, 100), np.uint8)
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file.create_dataset("x", data=zeros, chunks=zeros.shape, compression="gzip", shuffle=True, fletcher32=True)
        file.create_dataset("y", data=np.arange(10**5) % 2, compression="lzf")
    assert (tmp_path / "data.h5").stat().st_size < zeros.nbytes / 10
    assert load_data(tmp_path / "data.h5").x_train.shape == (80000, 100)


def npz(path: Path, member: bytes, how: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", how) as archive:
        archive.writestr("x.npy", member)
        archive.writestr("y.npy", member)
    return path


def npy(header: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + (len(header) + 1).to_bytes(2, "little") + header.encode() + b"\n"


@pytest.mark.parametrize(
    ("member", "text"),
    [
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (10**12,)}"), "can't be read ("),
        (
            npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000000,)}"),
            "x claims 4000000000000000 bytes, more than",
        ),
        (
            npy(f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({10**30},)}}"),
            "bytes, more than the file can hold",
        ),
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': ("), "EOF in multi-line statement"),
        (npy("(" * 300), "can't be read ("),
    ],
)
def test_arrays_that_claim_too_much(tmp_path: Path, member: bytes, text: str) -> None:
    with pytest.raises(FileProblem) as caught:
        load_data(npz(tmp_path / "data.npz", member))
    assert text in str(caught.value)


def test_a_member_that_is_no_array_is_no_input(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "data.npz", "w") as archive:
        archive.writestr("x", b"no array")
    with pytest.raises(InvalidValue, match=r"data\.npz: x is of dtype \|S8; give real numbers$"):
        load_inputs(tmp_path / "data.npz", 3)


def test_arrays_that_python_2_has_written(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    member = (
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (10L,1L)}")
        + np.sin(np.arange(10, dtype="<f4")).tobytes()
    )
    assert load_data(npz(tmp_path / "data.npz", member)).x_train.shape == (8, 1)
    assert [str(w.message) for w in recwarn] == []


def test_archives_that_zipfile_can_not_unpack(tmp_path: Path) -> None:
    path = npz(tmp_path / "data.npz", bytes(1000), zipfile.ZIP_LZMA)
    raw = path.read_bytes()
    at = raw.index(b"x.npy") + 9
    for damaged in raw[:at] + b"\xff" * 9 + raw[at + 9 :], raw.replace(b"\x0e\x00", b"\x63\x00"):
        path.write_bytes(damaged)
        with pytest.raises(FileProblem, match=r"data.npz can't be read \("):
            load_data(path)


@pytest.mark.parametrize("suffix", [".npz", ".h5", ".csv"])
def test_a_file_without_the_right_to_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    (path := tmp_path / f"data{suffix}").write_text("")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("io.open", refuse)
    with pytest.raises(FileProblem, match=rf"data{suffix}' can't be read \(Permission denied\); see to it, or give"):
        load_data(path)
