"""python -m benchmarks ranks."""

import json
import os
import socket
import statistics
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

from gpufa.backends import get_backend

from ..records import described, named, written
from ..runner import PAUSE, ROUND
from .works import BATCH, HIDDEN, WAYS, Way


def ranks(quick: bool = False, rounds: int = 9, out: Path | None = None) -> None:
    """A step of 784-[1024]x8-10, batch 256, by two processes in all ways, in turn with one, on the CPU.

    Args:
        quick: a small net, once: whether all of it runs
        rounds: turns of each
        out: the file for the figures (results/ranks-PROCESSOR.json where not given)
    """
    wanted = {name: way for name, way in WAYS.items() if way.parallel != "ddp" or find_spec("torch")}
    workers = {name: _started(name, way, quick) for name, way in wanted.items()}
    times: dict[str, list[float]] = {name: [] for name in workers}
    try:
        once = {name: _timed(worker, 2) / 2 for name, worker in workers.items()}
        steps = {name: max(2, round(25 * ROUND / seconds)) for name, seconds in once.items()}
        for _ in range(1 if quick else rounds):
            for name, worker in workers.items():
                time.sleep(PAUSE["cpu"])
                times[name].append(_timed(worker, steps[name]) / steps[name])
    finally:
        for worker in workers.values():
            assert worker.stdin
            worker.stdin.close()
            worker.wait()
    alone = statistics.median(times["one process, 1 thread"])
    rows = []
    for name, seconds in times.items():
        ratios = [a / b for a, b in zip(times["one process, 1 thread"], seconds, strict=True)]
        rows.append({"way": name, "ms": statistics.median(seconds) * 1e3, "faster": statistics.median(ratios)})
        print(
            f"  {name:36s} {rows[-1]['ms']:9.2f} ms   {rows[-1]['faster']:5.2f} times as fast as one process, 1 thread"
        )
    facts = get_backend("numpy").describe()
    if not quick:
        about = {"hidden": list(HIDDEN), "batch": BATCH, "rows": rows, "alone_ms": alone * 1e3}
        written(described("ranks", facts, 1) | about, out or named("ranks", facts["processor"]))


def _started(name: str, way: Way, quick: bool) -> "subprocess.Popen[str]":
    limits = {f"{lib}_NUM_THREADS": str(way.threads) for lib in ("OPENBLAS", "OMP", "MKL")}
    environment = os.environ | limits | {"BENCHMARK_PORT": str(_free_port())}
    environment.pop("OPENBLAS_CORETYPE", None)
    mpiexec = Path(sys.executable).parent / "mpiexec"
    return subprocess.Popen(
        [mpiexec, "-n", str(way.ranks), sys.executable, "-m", "benchmarks.ranks.worker", name, *["quick"] * quick],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def _timed(worker: "subprocess.Popen[str]", steps: int) -> float:
    """Seconds for so many steps."""
    assert worker.stdin
    assert worker.stdout
    worker.stdin.write(f"{steps}\n")
    worker.stdin.flush()
    return float(json.loads(worker.stdout.readline())["seconds"])


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
