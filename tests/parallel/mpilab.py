"""What tests of several processes are made of: commands and programs that mpiexec runs, and ends in time."""

import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from processes import heeding

from gpufa.checkpoints import hdf5

HERE, TESTS, ROOT = (Path(__file__).parents[n] for n in range(3))
MPIEXEC = shutil.which("mpiexec", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
LIMIT = 60  # seconds that a test waits for processes that it has started
needs_mpi = pytest.mark.skipif(
    MPIEXEC is None or find_spec("mpi4py") is None, reason="mpi4py or mpiexec is missing (pip install '.[mpi]' mpich)"
)
COMMAND = (
    "-c",
    (  # gpufa without the picture at the end, which would take most of the time
        "import os, sys; from gpufa import plots; from gpufa.commands.main import main; plots.curves = lambda *_: None;"
        "from gpufa.parallel import mpi; mpi.GRACE = float(os.environ.get('GRACE', mpi.GRACE)); sys.exit(main())"
    ),
)
FAST = ["--hidden", "6", "5", "--samples", "150", "--dtype", "float64", "--backend", "numpy", "--seeds", "0", "1", "2"]
STEADY = ["--init", "uniform", "--optimizer", "momentum", "--lr", "0.02"]  # of zeros, outputs tie but for rounding
TRAIN = ["train", *FAST, "--epochs", "3", "--batch-size", "16", *STEADY, "--quiet"]


def started(*program, cwd, ranks=2, **environment):
    """A program of Python as so many processes, which heed signals and have a process group of their own."""
    paths = os.pathsep.join(map(str, (ROOT, TESTS, HERE)))
    own = {"PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "-1"}
    with heeding():
        return subprocess.Popen(
            [MPIEXEC, "-n", str(ranks), sys.executable, *map(str, program)],
            cwd=cwd,
            env=os.environ | own | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )


def ended(process, code=0, within=LIMIT):
    """What it has said on stderr, once it has ended with that exit code."""
    try:
        out, said = process.communicate(timeout=within)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, said = process.communicate()
        pytest.fail(f"still there after {within} s: {out}{said}")
    assert process.returncode == code, out + said
    return said


def mpi(*command, cwd, ranks=2, code=0, **environment):
    """gpufa as so many processes: what these have said on stderr."""
    return ended(started(*COMMAND, *command, cwd=cwd, ranks=ranks, **environment), code)


def waited_for(file):
    """Wait until it is there."""
    deadline = time.monotonic() + LIMIT
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert file.exists()


def sentences(said):
    """What gpufa has said, without mpiexec's own words."""
    return [line for line in said.splitlines() if line.startswith("gpufa: ")]


def equal(a, b, tolerance=1e-10):
    """Two runs' checkpoints: the same metadata and names, and numbers that differ by rounding, places and times
    apart."""
    (ours, about), (theirs, other) = (hdf5.read(run / "checkpoint.h5") for run in (a, b))
    about["config"]["out"] = other["config"]["out"]
    for one in (about, other):  # a process lists libraries in the order in which they lie in its memory
        one["place"]["BLAS"] = sorted(one["place"]["BLAS"].split("; "))
    assert about == other, {k: (v, other.get(k)) for k, v in about.items() if v != other.get(k)}
    same_numbers(ours, theirs, tolerance)


def same_numbers(ours, theirs, tolerance):
    """The arrays of two runs' checkpoints."""
    assert ours.keys() == theirs.keys()
    for name in ours.keys() - {"history/epochs/seconds"}:
        a, b = ours[name], theirs[name]
        if name.startswith("history/probes/"):  # an angle of 0 is one of 1e-6 degrees for its rounding
            a, b = np.cos(np.deg2rad(a)), np.cos(np.deg2rad(b))
        size = np.max(np.abs(a[np.isfinite(a)]), initial=1e-3)  # what should be 0 is rounding
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * size, err_msg=name)
