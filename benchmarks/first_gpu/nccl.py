"""NCCL: whether it is found, adds up and can be recorded; and where there are two GPUs, two processes against one."""

import json
import shutil
import sys
import tempfile
import time
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gpufa.backends import get_backend

from .agreement import NEAR, apart, trained
from .runner import ended, running
from .task import OutOfTime, Skipped, Task, Wrong

NUMBERS = 8 << 20  # float32: 32 MiB, about the gradients of 8 blocks of 1,024 units
EXCHANGES = "nccl", "host"


def nccl(task: Task) -> None:
    backend = get_backend("cupy")
    if backend.no_line:
        raise Skipped(backend.no_line)
    alone(task, NUMBERS >> 8 if task.quick else NUMBERS)
    mpiexec = shutil.which("mpiexec", path=Path(sys.executable).parent) or shutil.which("mpiexec")
    if (count := backend.xp.cuda.runtime.getDeviceCount()) < 2 or mpiexec is None:
        raise Skipped(f"{count} GPU{'s' * (count > 1)}, and mpiexec is {mpiexec}: two processes were not tried")
    rows, one = [], trained("dfa", "numpy")[0]
    for exchange in EXCHANGES[: 1 if task.quick else None]:
        rows.append(by_two(task, mpiexec, exchange, one))
        task.keep(two_processes=rows)
    for row in rows:
        if row["relative_difference_to_one"] > NEAR:
            raise Wrong(f"{row}, where one process is to be met to {NEAR}")


def alone(task: Task, numbers: int) -> None:
    """A line with one end leaves an array as it is, whether its step is recorded or not."""
    backend = get_backend("cupy")
    line = backend.line(backend.new_line(), 1, 0)
    wanted = np.arange(numbers, dtype=np.float32)
    array = backend.to_device(wanted)
    with warnings.catch_warnings(record=True) as told, backend.working():
        warnings.simplefilter("always")
        step = backend.capture(partial(line.add, array))
        for _ in range(3):
            step()
        backend.synchronize()
    found = {"name": line.name, "right": bool(np.array_equal(backend.to_host(array), wanted))}
    task.keep(**(found := found | {"told": [str(warning.message) for warning in told]}))
    if not found["right"] or found["told"]:
        raise Wrong(f"{found}, where numbers are to stay as they are, and a step is to be recorded")


def by_two(task: Task, mpiexec: str, exchange: str, one: list[np.ndarray]) -> dict[str, Any]:
    """How far two processes are from one, and how long a step takes them."""
    with tempfile.TemporaryDirectory() as folder:
        out, log = Path(folder, "found.npz"), Path(folder, "log")
        pair = sys.executable, "-m", f"{__package__}.pair", str(out), exchange, *["quick"] * task.quick
        with running([mpiexec, "-n", "2", *pair], log) as process:
            while process.poll() is None and task.left() > 0:
                time.sleep(0.1)
            code = process.poll()
        if code is None:
            raise OutOfTime(f"two processes, {exchange}, had not ended")
        if code:
            raise Wrong(f"two processes, {exchange}: {ended(code, log)}")
        with np.load(out) as found:
            about = json.loads(str(found["about"]))
            arrays = [found[f"p{i}"] for i in range(len(one))]
    return {"exchange": exchange, "relative_difference_to_one": apart(arrays, one), **about}
