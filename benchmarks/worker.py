"""One contender in a process of its own: answers lines of JSON on standard input, one for each order."""

import json
import sys
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from . import convolutions
from .contenders import Contender, make
from .start import start_of
from .works import Work

PROCESS = Path("/proc/self")
CHECKED = 20  # steps after which contenders of one rule must agree
AWAKE = 0.1  # seconds
FEW = 4  # samples in a batch of those that are there to be compared alone: PyTorch's float64 convolutions are slow


def ready(order: dict[str, Any]) -> tuple[Contender, dict[str, Any]]:
    """The contender, and of its state after CHECKED steps some weights, and the memory that it took at most."""
    work = Work(**order["work"])
    apart = compared(order, work) if work.checked != work.dtype else None  # first: JAX's types are the process's
    start = start_of(work)
    PROCESS.joinpath("clear_refs").write_text("5")  # the peak begins anew, here
    before = memory("VmRSS")
    contender = make(order["contender"], work, start, order["device"])
    own = after_steps(contender)
    weights = own if apart is None else apart
    probes = None if weights is None else [w.reshape(-1)[:: max(1, w.size // 100)].tolist() for w in weights]
    answer = {"weights": probes, "grown_bytes": memory("VmHWM") - before, **start.sizes(work)}
    return contender, answer | {"allocated_bytes": allocated(contender)}


def compared(order: dict[str, Any], work: Work) -> list[np.ndarray] | None:
    """The weights of a contender that is there for them alone, in another type of numbers, and on smaller batches, than
    what is timed."""
    other = replace(work, dtype=work.checked, precision="fp32", batch=min(work.batch, FEW))
    return after_steps(make(order["contender"], other, start_of(other), order["device"]))


def after_steps(contender: Contender) -> list[np.ndarray] | None:
    """Its weights after CHECKED steps."""
    for _ in range(CHECKED):
        contender.step()
    contender.synchronize()
    return contender.weights()


def allocated(contender: Contender) -> int:
    """The most bytes that Python and NumPy held at once during a step, beyond what they held before it."""
    tracemalloc.start()
    contender.step()
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


def memory(field: str) -> int:
    """Bytes that this process holds, "VmRSS", or held at most, "VmHWM"; Linux alone tells."""
    lines = PROCESS.joinpath("status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(field))


def timed(contender: Contender, steps: int) -> float:
    """Seconds for so many steps, behind some that fill caches, and wake threads: these may share one core at first."""
    awake = time.perf_counter() + AWAKE
    contender.step()
    contender.synchronize()
    while time.perf_counter() < awake:
        contender.step()
        contender.synchronize()
    start = time.perf_counter()
    for _ in range(steps):
        contender.step()
    contender.synchronize()
    return time.perf_counter() - start


def main() -> None:
    answers, sys.stdout = sys.stdout, sys.stderr  # what libraries print is no answer
    contender = None
    for line in sys.stdin:
        order = json.loads(line)
        try:
            if "contender" in order:
                contender, answer = ready(order)
            elif "convolutions" in order:
                assert contender
                timed(contender, 1)
                answer = convolutions.measured(contender, order["convolutions"], order["threads"])
            else:
                assert contender
                answer = {"seconds": timed(contender, order["steps"])}
        except Exception as error:
            answer = {"failed": f"{type(error).__name__}: {error}"[:300]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
