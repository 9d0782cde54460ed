"""gpufa doctor: each fault that it knows is found, with the command that mends it, and nothing else is."""

import os

import pytest

from gpufa.backends import checks, get_backend
from gpufa.backends.cpu.machine import checks as machine
from gpufa.backends.cpu.machine import preset
from gpufa.commands import doctor as command
from gpufa.commands.main import main
from gpufa.data.sets import checks as data

GOOD = {"internal_api": "openblas", "version": "0.3.30", "architecture": "SkylakeX", "num_threads": 8}


@pytest.fixture(autouse=True)
def healthy(monkeypatch, tmp_path):
    """A machine of eight cores with nothing wrong, whatever this one is."""
    get_backend("numpy")
    for name in (*preset.NAMES, *machine.THREADS, "GPUFA_DATA", "GPUFA_CXX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(machine, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(machine, "pools", lambda: [GOOD, GOOD])
    monkeypatch.setattr(machine, "_allowed", lambda: 8)
    monkeypatch.setattr(machine, "_idle", lambda: 8.0)
    monkeypatch.setattr(machine, "compiler", lambda: "/usr/bin/c++")
    monkeypatch.setattr(machine, "machine_code", lambda: (True, True))
    monkeypatch.setattr(checks, "cupy_builds", dict)
    monkeypatch.setattr(checks, "driver_version", lambda: None)
    monkeypatch.setattr(checks, "card", lambda: False)


def faults():
    """(what, mend, weighs) of whatever is not as it should be, and what is said of it."""
    found = [one for one in (*checks.checks(), *data.checks()) if one.why]
    return [(one.what, one.mend, one.weighs) for one in found], " ".join(one.state for one in found)


def test_nothing_is_wrong_with_a_healthy_machine(capsys):
    assert faults() == ([], "")
    assert main(["doctor"]) == 0
    assert "Nothing is wrong." in capsys.readouterr().out


def test_what_is_wrong_is_printed_with_its_remedy(monkeypatch, capsys):
    monkeypatch.setattr(machine, "compiler", lambda: None)
    monkeypatch.setenv("GPUFA_CXX", "no-such-c++")
    monkeypatch.setattr(machine, "pools", lambda: [GOOD, GOOD | {"internal_api": "mkl"}])
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "To be mended: C++ compiler: GPUFA_CXX=no-such-c++ is not found.\n  Why it matters: without it" in said
    assert "\n  What mends it:  unset GPUFA_CXX\n" in said
    assert "To be known: BLAS: NumPy's is not SciPy's" in said
    assert said.endswith("\n1 to be mended\n")


def test_remarks_alone_are_no_fault(monkeypatch):
    monkeypatch.setattr(machine, "pools", lambda: [GOOD, GOOD | {"architecture": "Haswell"}])
    monkeypatch.setenv("GPUFA_CXX", "")
    monkeypatch.setattr(machine, "compiler", lambda: None)
    assert command.doctor() == 0
    assert [(what, weighs) for what, _, weighs in faults()[0]] == [("C++ compiler", False), ("BLAS", False)]


@pytest.mark.parametrize(
    ("with_it", "own", "said", "weighs"),
    [
        (preset.Product("Haswell", 2.0, True), preset.Product("SkylakeX", 1.0, True), "2.00 times", True),
        (preset.Product("Haswell", 1.05, True), preset.Product("SkylakeX", 1.0, True), "", False),
        (preset.Product("Haswell", 1.0, False), preset.Product("SkylakeX", 1.0, True), "are wrong with", True),
        (None, preset.Product("SkylakeX", 1.0, True), "are wrong with", True),
        (preset.Product("Haswell", 2.0, True), preset.Product("SkylakeX", 1.0, False), "", False),
        (preset.Product("Haswell", 2.0, True), None, "", False),
    ],
    ids=["slow", "as fast", "wrong", "fails", "own is wrong", "own fails"],
)
def test_presets_of_kernels_are_timed(monkeypatch, with_it, own, said, weighs):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("OPENBLAS_L2_SIZE", "512")

    def paired(first, second):
        assert first["OPENBLAS_CORETYPE"] == "Haswell"
        assert not {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"} & set(second)
        return [with_it, own]

    monkeypatch.setattr(preset, "paired", paired)
    found, state = faults()
    assert found == ([("kernels of BLAS", "unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE", True)] if weighs else [])
    assert said in state


def test_a_product_is_measured_and_is_right(monkeypatch):
    monkeypatch.setattr(preset, "PROGRAM", preset.PROGRAM.replace("768", "64"))
    (found,) = preset.paired(dict(os.environ))
    assert found.right
    assert found.kernels
    assert found.seconds > 0
    assert preset.paired({**os.environ, "PYTHONHOME": "/nowhere"}) == [None]


@pytest.mark.parametrize(
    ("threads", "variable", "mend"),
    [
        (1, "OPENBLAS_NUM_THREADS", "unset OPENBLAS_NUM_THREADS"),
        (1, "OMP_NUM_THREADS", "unset OMP_NUM_THREADS"),
        (64, None, "export OPENBLAS_NUM_THREADS=8 OMP_NUM_THREADS=8"),
    ],
)
def test_too_few_threads_and_too_many(monkeypatch, threads, variable, mend):
    monkeypatch.setattr(machine, "pools", lambda: [GOOD | {"num_threads": threads}])
    if variable:
        monkeypatch.setenv(variable, str(threads))
    assert faults()[0] == [("threads", mend, True)]


@pytest.mark.parametrize(
    ("threads", "idle", "found"), [(8, 7.6, False), (8, 7.4, True), (2, 1.9, False), (1, 0.0, False)]
)
def test_cores_that_others_have_are_a_remark(monkeypatch, threads, idle, found):
    """One thread waits for nobody; a machine that is a little busy is idle."""
    monkeypatch.setattr(machine, "pools", lambda: [GOOD | {"num_threads": threads}])
    monkeypatch.setattr(machine, "_idle", lambda: idle)
    remark = ("threads", "export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1", False)
    what, said = faults()
    assert what == ([remark] if found else [])
    assert ("7.4 of the machine's idle" in said) is found


def test_idle_cores_are_those_beside_the_load(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(os, "getloadavg", lambda: (1.5, 0.0, 0.0), raising=False)
    assert machine._idle() == 2.5
    monkeypatch.setattr(os, "getloadavg", lambda: (_ for _ in ()).throw(OSError), raising=False)
    assert machine._idle() == 4.0
    monkeypatch.delattr(os, "getloadavg")
    assert machine._idle() == 4.0


def test_a_cache_that_cant_be_written_is_found_once(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(machine, "cache_folder", lambda: tmp_path / "file" / "gpufa")
    monkeypatch.setattr(machine, "machine_code", lambda: (False, False))
    assert faults()[0] == [("cache folder", 'export XDG_CACHE_HOME="$PWD/.cache"', True)]


def test_a_full_disk_is_a_remark(monkeypatch):
    monkeypatch.setattr(machine, "ROOM", 1 << 80)
    ((what, mend, weighs),) = faults()[0]
    assert (what, mend[:6], weighs) == ("cache folder", "du -sh", False)


@pytest.mark.parametrize(("there", "mend"), [("apt-get", "install -y g++"), ("dnf", "gcc-c++"), ("", "conda install")])
@pytest.mark.parametrize("found", ["none", "broken"])
def test_a_compiler_is_installed_by_what_installs_here(monkeypatch, found, there, mend):
    monkeypatch.setattr(machine.shutil, "which", lambda name: name if name == there else None)
    if found == "none":
        monkeypatch.setattr(machine, "compiler", lambda: None)
    monkeypatch.setattr(machine, "machine_code", lambda: (True, False))
    ((what, command, weighs),) = faults()[0]
    assert (what, weighs) == ("C++ compiler", True)
    assert mend in command


@pytest.mark.parametrize(
    ("builds", "driver", "card", "expected"),
    [
        ([], (12, 4), True, [("CuPy", "pip install 'gpufa[cuda12]'")]),
        ([], (13, 0), True, [("CuPy", "pip install 'gpufa[cuda13]'")]),
        ([], None, True, [("NVIDIA's driver", "")]),
        (["cupy-cuda12x"], None, True, [("NVIDIA's driver", "")]),
        (["cupy-cuda12x"], None, False, [("NVIDIA's driver", "pip uninstall -y cupy-cuda12x")]),
        (
            ["cupy-cuda12x", "cupy-cuda13x"],
            (12, 4),
            True,
            [("CuPy", "pip uninstall -y cupy-cuda12x cupy-cuda13x && pip install 'gpufa[cuda12]'")],
        ),
    ],
)
def test_what_keeps_a_gpu_from_being_used(monkeypatch, builds, driver, card, expected):
    monkeypatch.setattr(checks, "cupy_builds", lambda: dict.fromkeys(builds, "14.0"))
    monkeypatch.setattr(checks, "driver_version", lambda: driver)
    monkeypatch.setattr(checks, "card", lambda: card)
    assert faults()[0] == [(what, mend, True) for what, mend in expected]


@pytest.mark.parametrize(
    ("visible", "mend"),
    [
        ("", "unset CUDA_VISIBLE_DEVICES"),
        ("0", "pip uninstall -y cupy-cuda12x && pip install 'gpufa[cuda13]'"),
    ],
)
def test_libraries_that_fail_are_installed_anew(monkeypatch, visible, mend):
    monkeypatch.setattr(checks, "cupy_builds", lambda: {"cupy-cuda12x": "14.0"})
    monkeypatch.setattr(checks, "driver_version", lambda: (13, 0))
    monkeypatch.setattr(checks, "why_no_gpu", lambda: "cuBLAS is missing")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert faults() == ([("CUDA's libraries", mend, True)], "cuBLAS is missing")


@pytest.mark.gpu
def test_a_gpu_that_trains_is_no_fault(monkeypatch):
    monkeypatch.setattr(checks, "cupy_builds", lambda: {"cupy-cuda12x": "14.0"})
    monkeypatch.setattr(checks, "driver_version", lambda: (12, 4))
    found = [one for one in checks.checks() if one.what == "CUDA's libraries"]
    assert [(one.why, one.state.endswith("training was tried")) for one in found] == [("", True)]


def test_the_data_folder_is_looked_at(monkeypatch, tmp_path):
    monkeypatch.setenv("GPUFA_DATA", str(tmp_path / "nowhere"))
    assert faults()[0] == [("data folder", "unset GPUFA_DATA", True)]
    monkeypatch.setenv("GPUFA_DATA", str(tmp_path))
    assert faults()[0] == []
    (tmp_path / "mnist").mkdir()
    found, said = faults()
    assert found == [("data folder", f"mv {tmp_path}/mnist {tmp_path}/mnist.incomplete", True)]
    assert "lacks" in said
    (tmp_path / "mnist").rmdir()
    (tmp_path / "cifar10").mkdir()
    (tmp_path / "cifar10" / "mine.npz").write_bytes(b"no zip")
    found, said = faults()
    assert found == [("data folder", f"mv {tmp_path}/cifar10 {tmp_path}/cifar10.incomplete", True)]
    assert "mine.npz" in said


def test_facts_are_those_of_this_machine(monkeypatch, tmp_path):
    """Unlike the rest of this file, of what is found itself."""
    monkeypatch.undo()
    assert 1 <= machine._allowed() <= machine.cores()
    assert all(name.startswith("cupy") for name in checks.cupy_builds())
    monkeypatch.setattr(checks, "PCI", tmp_path)
    assert not checks.card()
    (tmp_path / "0000:00:04.0").mkdir()
    (tmp_path / "0000:00:04.0" / "vendor").write_text("0x10de\n")
    assert checks.card()
    monkeypatch.setattr(checks, "DRIVERS", ("no-such-library.so",))
    assert checks.driver_version() is None
