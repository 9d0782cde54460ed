"""Commands of several processes: runs that are resumed by more and by fewer, and what is refused before they start."""

import sys

import numpy as np
import pytest
from mpilab import TRAIN, equal, mpi, needs_mpi, sentences

import gpufa
from gpufa.commands.main import SEVERAL, main
from gpufa.commands.parser import app_for
from gpufa.parallel import mpi as by_mpi
from gpufa.parallel.launch import refuse_many, speaks

RUN = [*TRAIN, "--dropout", "0.2"]


@pytest.mark.slow
@needs_mpi
@pytest.mark.parametrize("way", ["data", "seeds"])
def test_a_run_goes_on_with_as_many_processes_as_one_likes(tmp_path, monkeypatch, way):
    """Begun by two, then three, and one alone, an epoch each."""
    monkeypatch.chdir(tmp_path)
    assert sentences(mpi(*RUN, "--epochs", "1", "--parallel", way, cwd=tmp_path)) == []
    (run,) = (tmp_path / "runs").iterdir()
    assert run.name == "digits-dfa"
    mpi("resume", run, "--epochs", "2", "--quiet", "--parallel", way, cwd=tmp_path, ranks=3)
    assert main(["resume", str(run), "--epochs", "3", "--quiet"]) == 0
    assert main([*RUN, "--epochs", "3", "--out", "whole"]) == 0
    equal(run, tmp_path / "whole")


@needs_mpi
@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--hiden", "3"], "gpufa: Unknown option: --hiden. Did you mean --hidden? See gpufa train --help."),
        (
            ["--rule", "weight_mirror"],
            "gpufa: rule 'weight_mirror' learns from a batch what its parts don't add up to, or keeps",
        ),
    ],
)
def test_wrong_settings_are_told_once(tmp_path, more, told):
    said = mpi(*RUN, *more, "--parallel", "data", cwd=tmp_path, code=2)
    assert [line[: len(told)] for line in said.splitlines()] == [told]
    assert list(tmp_path.iterdir()) == []


REFUSED = (
    "gpufa: this is one of 2 processes that were started together, and each would do the same; start one alone, or"
    " gpufa train or resume with --parallel data, layers or seeds\n"
)


@needs_mpi
def test_processes_that_were_not_told_to_work_together_are_refused(tmp_path):
    assert mpi(*RUN, cwd=tmp_path, code=2) == REFUSED
    assert list(tmp_path.iterdir()) == []


ONCE = [name for name in app_for([]) if not name.startswith("-") and name not in SEVERAL]


@pytest.mark.parametrize("command", [RUN, [*RUN, "--memory"], ["resume", "run"], *([name] for name in ONCE)])
def test_commands_that_are_refused_then(tmp_path, monkeypatch, capsys, command):
    """All but those that do other work in each process; it is said once."""
    assert {"evaluate", "predict", "generate", "plot", "export", "report", "compare", "reproduce"} <= {*ONCE}
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PMI_SIZE", "2")
    assert main(command) == 2
    assert capsys.readouterr().err == REFUSED
    monkeypatch.setenv("PMI_RANK", "1")
    assert main(command) == 2
    assert capsys.readouterr().err == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["--help", "--version", "info"])
def test_commands_that_are_not(monkeypatch, capsys, command):
    monkeypatch.setenv("PMI_SIZE", "2")
    assert main([command]) == 0
    assert capsys.readouterr().err == ""


def test_memory_is_foretold_of_one_process(capsys):
    assert main([*RUN, "--memory", "--parallel", "data"]) == 2
    assert capsys.readouterr().err == (
        "gpufa: --memory is of a run by one process, and not of what several share; leave --parallel out\n"
    )


@needs_mpi
def test_one_process_alone_trains_and_says_so(tmp_path, capsys):
    with pytest.warns(gpufa.GpufaWarning, match="^there is one process alone to train with; start several, as in mpie"):
        assert main([*RUN, "--out", str(tmp_path / "run"), "--parallel", "data"]) == 0
    assert main([*RUN, "--out", str(tmp_path / "alone")]) == 0
    equal(tmp_path / "run", tmp_path / "alone", 0)


@pytest.mark.parametrize("name", ["PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MPI_LOCALNRANKS"])
def test_what_launchers_say_of_how_many_there_are(name):
    with pytest.raises(gpufa.InvalidValue, match="this is one of 3 processes that were started together"):
        refuse_many("none", {name: "3"})
    refuse_many("data", {name: "3"})
    for said in ("1", "", "many"):
        refuse_many("none", {name: said})
    refuse_many("none", {})


@pytest.mark.parametrize("name", ["PMI_RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK"])
def test_the_first_speaks_for_all(name):
    assert speaks({})
    assert speaks({name: "0"})
    assert not speaks({name: "1"})


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"parallel": "both"}, "parallel can't be 'both'; give one of none, data, layers, seeds"),
        ({"batch_norm": "all"}, "batch_norm can't be 'all'; give one of share, ranks"),
        ({"parallel": "data", "wait": 0}, "wait can't be 0; give seconds, a number above 0"),
        ({"parallel": "data", "wait": "long"}, "wait can't be 'long'; give seconds, a number above 0"),
        (
            {"parallel": "seeds", "copies": 2},
            "copies can't be 2 with parallel 'seeds'; give a whole number of",
        ),
    ],
)
def test_other_ways_are_refused(how, said):
    with pytest.raises(gpufa.InvalidValue, match=f"^{said}"):
        gpufa.Processes(**how)


def test_another_way_by_name_is_refused():
    with pytest.raises(gpufa.InvalidValue, match=r"^parallel can't be 'both'"):
        gpufa.train(gpufa.Config(), parallel="both")


def test_without_mpi4py_the_extra_is_named(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    assert main([*RUN, "--parallel", "data"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("gpufa: several processes need mpi4py and an MPI (")
    assert said.endswith("); pip install 'gpufa[mpi]', or leave --parallel out\n")


class Without:
    """What an mpi4py that finds no MPI does."""

    @property
    def MPI(self):
        raise RuntimeError("cannot load MPI library\n/here/libmpi.so: no such file\n/there/libmpi.so: no such file")


def test_without_an_mpi_it_is_named(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mpi4py", Without())
    assert main([*RUN, "--parallel", "data"]) == 2
    assert capsys.readouterr().err == (
        "gpufa: mpi4py finds no MPI here (cannot load MPI library); pip install mpich, or leave --parallel out\n"
    )


def test_processes_that_another_mpi_has_started_are_refused(tmp_path, monkeypatch):
    """Each would train alone."""
    if pytest.importorskip("mpi4py.MPI", exc_type=ImportError).get_vendor()[0] != "MPICH":
        pytest.skip("another MPI may heed what this sets")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "2")
    with pytest.raises(gpufa.InvalidValue, match="2 processes were started together, and MPICH, which mpi4py uses, kn"):
        gpufa.train(gpufa.Config(), parallel="data")


def test_messages_of_one_shape_and_two_types_are_two():
    """As a batch in bfloat16, and as many samples that are judged in float32."""
    MPI = pytest.importorskip("mpi4py.MPI", exc_type=ImportError)
    ranks, backend = by_mpi.MPIRanks(MPI.COMM_WORLD, 5.0), gpufa.backends.get_backend("numpy")
    for sent in (np.array([[1, 2]], np.uint16), np.array([[0.5, -1.5]], np.float32), np.array([[3, 4]], np.uint16)):
        came = np.zeros_like(sent)
        ranks.send(backend, sent, 0)
        ranks.receive(backend, came, 0)
        np.testing.assert_array_equal(came, sent)


def test_messages_larger_than_mpi_counts_go_in_pieces(monkeypatch):
    """As one of 2 GiB would."""
    MPI = pytest.importorskip("mpi4py.MPI", exc_type=ImportError)
    monkeypatch.setattr(by_mpi, "PIECE", 24)
    ranks, a = by_mpi.MPIRanks(MPI.COMM_WORLD, 5.0), np.arange(20.0).reshape(2, 10)[:, ::2]
    ranks.add(gpufa.backends.get_backend("numpy"), a)
    np.testing.assert_array_equal(a, np.arange(20.0).reshape(2, 10)[:, ::2])
