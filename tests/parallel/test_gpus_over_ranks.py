"""Batches that two processes share on GPUs, here stand-ins: what they leave is what one leaves on the CPU."""

import json

import numpy as np
import pytest
from mpilab import ended, needs_mpi, started

from gpufa.backends import own_gpu
from gpufa.checkpoints import hdf5

pytestmark = [needs_mpi, pytest.mark.gpu]
PROGRAM = """
import json, sys
import standin
standin.install()
import gpufa
from parallellab import ODD, SETTINGS
run = gpufa.train(
    gpufa.Config(**SETTINGS | {"backend": "cupy", "out": "run", "epochs": 2, "dropout": 0.2, "optimizer": "adam"}),
    ODD, parallel=gpufa.Processes(sys.argv[1], wait=60),
)
with open(f"{sys.argv[1]}-{run.network.backend.device.index}.json", "w") as file:
    json.dump(run.network.backend.describe(), file)
"""


@pytest.mark.standin_only
@pytest.mark.parametrize("way", ["data", "seeds"])
def test_two_processes_leave_on_two_gpus_what_one_leaves_on_the_cpu(tmp_path, way):
    from parallellab import ODD, SETTINGS

    import gpufa

    (tmp_path / "program.py").write_text(PROGRAM)
    ended(started(tmp_path / "program.py", way, cwd=tmp_path, ranks=2, CUDA_VISIBLE_DEVICES="0,1"))
    assert json.loads((tmp_path / f"{way}-1.json").read_text())["device"].endswith("(GPU 1)")
    own = SETTINGS | {"out": str(tmp_path / "one"), "epochs": 2, "dropout": 0.2, "optimizer": "adam"}
    gpufa.train(gpufa.Config(**own), ODD)
    (ours, _), (theirs, _) = (hdf5.read(tmp_path / name / "checkpoint.h5") for name in ("run", "one"))
    for name in (name for name in theirs if name.startswith("parameters/")):
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-8, atol=1e-10, err_msg=name)


def test_processes_begin_with_the_first_gpu_again_where_there_are_no_more():
    import cupy

    count = cupy.cuda.runtime.getDeviceCount()
    assert [own_gpu(0, process) for process in range(2 * count)] == [*range(count)] * 2
    assert own_gpu(count - 1, 5) == count - 1
