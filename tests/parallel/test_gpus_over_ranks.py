"""Processes on GPUs, here stand-ins, whose arrays cross by NCCL or through the host: what they leave is what one leaves
on the CPU."""

import json
import os
import subprocess
import sys

import pytest
from gpuslab import OVERLAPPED, RUNS, TOLD
from mpilab import HERE, LIMIT, ROOT, TESTS, ended, needs_mpi, same_numbers, sentences, started
from parallellab import trained
from standin import build, environment

from gpufa.backends import own_gpu
from gpufa.checkpoints import hdf5, networks

pytestmark = [needs_mpi, pytest.mark.gpu]
GPUS = {"CUDA_VISIBLE_DEVICES": "0,1"}
PROGRAM = HERE / "gpuslab.py"
BY_HOST = "what processes exchange of arrays on GPUs goes through the host: "
BY_LINE = "what processes exchange of arrays goes from GPU to GPU, by NCCL 2.25.0"
GRAPHS = {  # recorded, and replayed, in three epochs of whole batches and, but for norms, a smaller one
    "data-nccl": (2, 16),
    "data-host": (4, 32),
    "norms-nccl": (1, 17),
    "norms-host": (0, 0),
    "layers-nccl": (2, 16),
    "layers-host": (6, 48),
}


@pytest.fixture(scope="module")
def by_two(tmp_path_factory):
    """The folder of all runs, and what each rank has to tell of them."""
    folder = tmp_path_factory.mktemp("gpus")
    ended(started(PROGRAM, cwd=folder, **GPUS), within=4 * LIMIT)  # kernels may have to be compiled
    return folder, [json.loads((folder / f"told-{rank}.json").read_text()) for rank in (0, 1)]


def numbers(run):
    return hdf5.read(run / "checkpoint.h5")[0]


@pytest.mark.standin_only
@pytest.mark.parametrize("name", RUNS)
def test_two_processes_leave_on_two_gpus_what_one_leaves_on_the_cpu(by_two, tmp_path, name):
    _, _, settings, samples = RUNS[name]
    trained(settings, samples, tmp_path)
    same_numbers(numbers(by_two[0] / name), numbers(tmp_path), 1e-10)


@pytest.mark.standin_only
def test_blocks_that_overlap_leave_on_gpus_what_they_leave_on_cpus_and_go_through_the_host(by_two):
    same_numbers(*(numbers(by_two[0] / run) for run in OVERLAPPED), 1e-10)
    assert by_two[1][0]["overlap-gpus"]["told"][-1].startswith(f"{BY_HOST}blocks overlap, and a GPU")


@pytest.mark.standin_only
def test_nothing_is_done_that_a_gpu_would_not_do(by_two):
    assert [told["faults"] for told in by_two[1]] == [[], []]


@pytest.mark.standin_only
@pytest.mark.parametrize("name", RUNS)
def test_how_arrays_cross_is_told(by_two, name):
    wanted = f"{BY_HOST}exchange is 'host'" if name.endswith("host") else BY_LINE
    assert [told[name]["told"][-1] for told in by_two[1]] == [wanted, wanted]


@pytest.mark.standin_only
@pytest.mark.parametrize("name", GRAPHS)
def test_by_nccl_a_step_is_one_graph_and_through_the_host_what_lies_between(by_two, name):
    for told in by_two[1]:
        counts = told[name]["counts"]
        assert (counts["captures"], counts["graph_launches"]) == GRAPHS[name]
        assert (counts["exchanges"] > 0) == name.endswith("nccl")
        assert told[name]["warned"] == []
    assert by_two[1][0]["data-nccl"]["counts"]["exchanges"] == 4  # of each kind of batch once as it is, once recorded


@pytest.mark.standin_only
def test_a_step_that_one_can_not_record_is_recorded_by_none(by_two):
    first, second = (told["unrecorded-nccl"] for told in by_two[1])
    why = "the training step can't be recorded (another process could not record its own); it runs operation by"
    assert [line[: len(why)] for line in first["warned"]] == [why]
    assert first["counts"]["graph_launches"] == second["counts"]["graph_launches"] == 0


@pytest.mark.standin_only
@pytest.mark.parametrize(("what", "code"), [("import time; time.sleep(600)", 2), ("os.kill(os.getpid(), 9)", 9)])
def test_a_gpu_that_waits_for_a_lost_one_ends_in_time(tmp_path, what, code):
    said = sentences(ended(started(PROGRAM, cwd=tmp_path, WHAT=what, WAIT="3", **GPUS), code))
    waited = "gpufa: rank 0 of 2: waited 3 s for the other processes, one of which is dead or hangs; go on from"
    assert [line[: len(waited)] for line in said] == ([waited] if code == 2 else [])
    networks.contents(tmp_path / "run")


@pytest.mark.standin_only
def test_what_sends_arrays_through_the_host_is_told(by_two):
    missing = f"for rank 1 NCCL is missing (pip install nvidia-nccl-cu{build.major()})"
    reasons = {"shared": "ranks 0 and 1 share a GPU, which NCCL refuses", "missing": missing}
    for told in by_two[1]:
        assert {name: told[name]["told"][-1] for name in TOLD} == {n: BY_HOST + why for n, why in reasons.items()}


@pytest.mark.standin_only
def test_nccl_that_is_missing_is_found_to_be_so_in_silence():
    program = "from gpufa.backends.gpu.nccl import load_nccl; assert load_nccl() is None"
    site = environment() | {"PYTHONPATH": os.pathsep.join(map(str, (TESTS / "standin/site", ROOT, TESTS)))}
    found = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | site | {"GPUFA_STANDIN_NCCL": "0"},
        capture_output=True,
        text=True,
    )
    assert (found.returncode, found.stderr) == (0, "")


def test_processes_begin_with_the_first_gpu_again_where_there_are_no_more():
    import cupy

    count = cupy.cuda.runtime.getDeviceCount()
    assert [own_gpu(0, process) for process in range(2 * count)] == [*range(count)] * 2
    assert own_gpu(count - 1, 5) == count - 1
