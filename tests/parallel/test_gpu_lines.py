"""Whether GPUs are connected, and by what: each reason why they aren't."""

import time

import numpy as np
import pytest

import gpufa
from gpufa.backends import get_backend
from gpufa.basics.errors import DeviceError, RankLost
from gpufa.parallel import nccl
from gpufa.parallel.ranks import ALONE, Ranks, Together


class Two(Ranks):
    """Rank 0 of two; `other` is what the other one gathers, or nothing else than this one."""

    size, records = 2, False

    def __init__(self, other=None):
        self.other = other

    def gather(self, mine):
        return [mine, mine if self.other is None else self.other]


class Fake:
    """A line to nobody."""

    name, open, factor = "NCCL 0", True, 3.0

    def add(self, a):
        a *= self.factor

    def check(self):
        pass


class Place:
    """A backend on a GPU of its own."""

    gpu, no_line, idle = "a", "", True

    def new_line(self):
        return (1, 2)

    def line(self, number, size, rank):
        assert (number, size, rank) == ((1, 2), 2, 0)
        return Fake()

    def to_device(self, array):
        return array

    def to_host(self, array):
        return array


@pytest.fixture(autouse=True)
def no_lines(monkeypatch):
    monkeypatch.setattr(nccl, "_lines", {})


def together(other=("b", ""), exchange="auto"):
    return Together(everybody := Two(other), data=everybody, exchange=exchange)


def reason(backend, other=("b", "")):
    """Why arrays go through the host."""
    ranks, (told,) = nccl.connected(together(other), backend)
    assert not ranks.data.records
    start, _, why = told.partition(": ")
    assert start == "what processes exchange of arrays on GPUs goes through the host"
    return why


def test_one_alone_and_processes_that_exchange_no_arrays_ask_nothing():
    for ranks in (Together(), Together(everybody=Two(), seeds=Two())):
        assert nccl.connected(ranks, None) == (ranks, [])


def test_on_cpus_there_is_nothing_to_tell():
    cpu = get_backend("numpy")
    assert (cpu.gpu, cpu.no_line, cpu.idle) == ("", "arrays are in the host's memory", True)
    assert nccl.connected(together(("", "x")), cpu)[1] == []


def test_nccl_is_refused_where_it_can_not_be():
    refused = r"^exchange can't be 'nccl': for rank 0 arrays are in the host's memory; leave --exchange out to go thro"
    with pytest.raises(gpufa.InvalidValue, match=refused):
        nccl.connected(together(exchange="nccl"), get_backend("numpy"))


def test_what_a_run_has_against_it_is_a_reason():
    assert nccl.connected(together(), Place(), "it does")[1][0].endswith("through the host: it does")
    with pytest.raises(gpufa.InvalidValue, match=r"^exchange can't be 'nccl': it does; leave"):
        nccl.connected(together(exchange="nccl"), Place(), "it does")


def test_gpus_are_connected_where_nothing_is_against_it(monkeypatch):
    monkeypatch.setattr(nccl, "LinedRanks", lambda ranks, line: (ranks, line))
    everybody = Two(("b", ""))
    ends = iter([[("a", ""), ("b", "")]])
    monkeypatch.setattr(Two, "gather", lambda self, mine: next(ends, [mine, mine]))
    ranks, told = nccl.connected(Together(everybody, data=everybody, norms=everybody), Place())
    assert ranks.data[0] is everybody
    assert ranks.norms is ranks.data
    assert ranks.layers is ALONE
    assert told == ["what processes exchange of arrays goes from GPU to GPU, by NCCL 0"]


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (("a", ""), "ranks 0 and 1 share a GPU, which NCCL refuses"),
        (("", "arrays are in the host's memory"), "for rank 1 arrays are in the host's memory"),
    ],
)
def test_the_other_one_may_be_the_reason(other, why):
    assert reason(Place(), other) == why


def test_what_is_asked_for_is_a_reason():
    ranks, (told,) = nccl.connected(together(exchange="host"), Place())
    assert told.endswith("goes through the host: exchange is 'host'")
    assert not ranks.data.records


class Failing(Place):
    def __init__(self, **methods):
        vars(self).update(methods)


def fails(*_):
    raise DeviceError("NCCL: a bad day")


def half(*_):
    line = Fake()
    line.factor = 1.5
    return line


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"new_line": fails}, "NCCL: a bad day"),
        ({"line": fails}, "NCCL: a bad day"),
        ({"line": half}, "NCCL 0 adds up wrong"),
        ({"idle": False}, "NCCL has not connected GPUs in 0.2 s"),
    ],
)
def test_a_line_that_can_not_be_opened_is_a_reason(monkeypatch, how, why):
    monkeypatch.setattr(nccl, "SOON", 0.2)
    with pytest.raises(nccl.NoLine, match=f"^{why}$"):
        nccl._line(Two(), Two(), Failing(**how))


def connected_ranks(line):
    MPI = pytest.importorskip("mpi4py.MPI", exc_type=ImportError)
    from gpufa.parallel.mpi import MPIRanks

    return nccl.LinedRanks(MPIRanks(MPI.COMM_WORLD, 0.01), line)


def test_a_gpu_that_does_not_come_to_rest_is_not_waited_for_for_ever():
    ranks = connected_ranks(Fake())
    ranks.settle(Place())
    with pytest.raises(RankLost, match=r"^waited 0.01 s for the other processes"):
        ranks.settle(Failing(idle=False))


def test_a_line_that_breaks_is_told():
    line = Fake()
    line.check = fails
    with pytest.raises(DeviceError, match=r"^NCCL: a bad day$"):
        connected_ranks(line).settle(Place())


def test_lines_are_kept_for_the_next_run_until_they_are_cut():
    ranks, own = Two(), Two()
    line = nccl._line(ranks, own, Place())
    assert nccl._line(ranks, own, Place()) is line
    line.open = False
    assert nccl._line(ranks, own, Place()) is not line


def test_a_run_on_another_gpu_has_a_line_of_its_own():
    line = nccl._line(Two(), Two(), Place())
    assert nccl._line(Two(), Two(), Failing(gpu="b")) is not line
    assert nccl._line(Two(), Two(), Place()) is line


@pytest.mark.parametrize("parallel", ["none", "seeds"])
def test_where_no_arrays_cross_no_way_is_taken(parallel):
    with pytest.raises(gpufa.InvalidValue, match=f"^exchange can't be 'nccl' with parallel '{parallel}', by which no"):
        gpufa.Processes(parallel, exchange="nccl")
    with pytest.raises(gpufa.InvalidValue, match=r"^exchange can't be 'gloo'; give one of auto, nccl, host"):
        gpufa.Processes("data", exchange="gloo")


@pytest.mark.gpu
def test_a_line_of_one_end_leaves_arrays_as_they_are_recorded_or_not():
    backend, ranks = get_backend("cupy"), ALONE
    assert backend.no_line == ""
    line = backend.line(backend.new_line(), 1, 0)
    whole = backend.to_device(np.arange(24.0).reshape(2, 3, 4))
    for a in (whole, whole[:, 1]):  # the second with gaps
        with backend.working():
            step = backend.capture(lambda a=a: (line.add(a), line.spread(a, 0)), ranks.any)
            for _ in range(3):
                step()
    line.check()
    end = time.monotonic() + 10
    while not backend.idle:
        assert time.monotonic() < end
    np.testing.assert_array_equal(backend.to_host(whole).ravel(), np.arange(24.0))


@pytest.mark.gpu
@pytest.mark.standin_only
def test_a_line_that_is_cut_is_of_no_use(faults_expected):
    backend = get_backend("cupy")
    line = backend.line(backend.new_line(), 1, 0)
    line.cut()
    line.cut()
    assert not line.open
    time.sleep(0.1)
    array = backend.zeros((3,), "float64")
    with pytest.raises(DeviceError, match=r"^NCCL: "):
        line.add(array)
