"""Contenders in turn, A B C A B C, each in a process of its own: medians, spread and ratios to gpufa."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .contenders import CONTENDERS, missing, other
from .works import Work

AGREE = 1e-4
ROUND = 0.04  # seconds that a contender is timed in a turn
SIZES = "allocated_bytes", "grown_bytes", "data_bytes", "parameter_bytes", "activation_bytes"
PAUSE = {"cpu": 0.25, "gpu": 0.02}  # seconds between turns: idle threads of a BLAS spin on, and would slow the next one
Say = Callable[[str], None]


def kept_to(threads: int) -> None:
    """Keep this process to as many cores: nothing else tells JAX of threads."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


class Worker:
    """A process that does what benchmarks/worker.py can be told."""

    def __init__(self, name: str, device: str, threads: int, coretype: str | None) -> None:
        self.name = name
        limits = {f"{lib}_NUM_THREADS": str(threads) for lib in ("OPENBLAS", "OMP", "MKL", "NUMEXPR")}
        environment = os.environ | limits | {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
        environment.pop("OPENBLAS_CORETYPE", None)
        if coretype:
            environment["OPENBLAS_CORETYPE"] = coretype
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
            preexec_fn=partial(kept_to, threads) if device == "cpu" else None,
        )

    def ask(self, **order: Any) -> dict[str, Any]:
        self.tell(**order)
        return self.answer()

    def tell(self, **order: Any) -> None:
        assert self.process.stdin
        with suppress(BrokenPipeError):  # then there is no answer
            self.process.stdin.write(json.dumps(order) + "\n")
            self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout
        return json.loads(self.process.stdout.readline() or '{"failed": "the process ended"}')

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


class Begun(NamedTuple):
    """A contender in a work: its row, and the process that gets ready, None where something keeps it away."""

    name: str
    row: dict[str, Any]
    worker: Worker | None


def run(work: Work, device: str, threads: int, rounds: int, quick: bool, say: Say) -> dict[str, Any]:
    """One work: a row for each contender, with what keeps the absent ones away."""
    return timed(work, begun(work, device, threads, quick), device, threads, 1 if quick else rounds, say)


def begun(work: Work, device: str, threads: int, quick: bool) -> list[Begun]:
    """The contenders of a work, each of which gets ready by itself."""
    coretype = os.environ.get("OPENBLAS_CORETYPE")
    wanted = [(name, None) for name in work.contenders]
    if coretype and device == "cpu":
        wanted += [(name, coretype) for name in work.contenders if CONTENDERS[name].package == "gpufa"]
    entered = []
    for name, kind in wanted:
        row: dict[str, Any] = {"contender": f"{name} ({kind})" if kind else name}
        worker = None
        if reason := missing(name):
            row["absent"] = reason
        else:
            worker = Worker(name, device, threads, kind)
            worker.tell(contender=name, work=asdict(work.quick if quick else work), device=device)
        entered.append(Begun(name, row, worker))
    return entered


def timed(work: Work, entered: list[Begun], device: str, threads: int, rounds: int, say: Say) -> dict[str, Any]:
    """The rows of a work whose contenders have begun."""
    rows, workers, probes = [row for _, row, _ in entered], {}, {}
    for name, row, worker in entered:
        if worker is None:
            continue
        answer = worker.answer()
        if "failed" in answer:
            row["absent"] = answer["failed"]
            worker.close()
            continue
        workers[row["contender"]], probes[row["contender"]] = worker, answer["weights"]
        if CONTENDERS[name].package == "gpufa":
            row |= {kind: answer[kind] for kind in SIZES}
        if reason := other(name, work):
            row["other"] = reason
    try:
        for row in rows:
            label = row["contender"]
            reference = probes.get(f"gpufa {label.split()[1]}") if label in workers else None
            if reference and probes[label] and "other" not in row:
                row["differs_by"] = _difference(probes[label], reference)
                row["agrees"] = row["differs_by"] <= AGREE
        times = _times(workers, work.steps, rounds, PAUSE[device])
        share = _convolutions(workers, threads, rounds) if work.kind == "layered" and device == "cpu" else {}
    finally:
        for worker in workers.values():
            worker.close()
    ours = statistics.median(times["gpufa dfa"]) if "gpufa dfa" in times else None
    for row in rows:
        if seconds := times.get(row["contender"]):
            low, middle, high = np.quantile(seconds, [0.25, 0.5, 0.75]) * 1e3
            row |= {"ms": float(middle), "quartiles_ms": [float(low), float(high)]}
            row["against_gpufa_dfa"] = float(middle / 1e3 / ours) if ours else None
        say(describe(row))
    if share:
        say(f"  convolutions: {share['gflops']:.0f} of {share['peak_gflops']:.0f} GFLOP/s")
    about = {"work": work.name, "optimizer": work.optimizer, "replicas": work.replicas, "layers": list(work.layers)}
    return about | {"rows": rows} | ({"convolutions": share} if share else {})


def _times(workers: dict[str, Worker], least: int, rounds: int, pause: float) -> dict[str, list[float]]:
    """Seconds a step, round by round."""
    once = {label: worker.ask(steps=least)["seconds"] / least for label, worker in workers.items()}
    steps = {label: max(least, round(ROUND / seconds)) for label, seconds in once.items()}
    times: dict[str, list[float]] = {label: [] for label in workers}
    for _ in range(rounds):
        for label, worker in workers.items():
            time.sleep(pause)
            times[label].append(worker.ask(steps=steps[label])["seconds"] / steps[label])
    return times


def _convolutions(workers: dict[str, Worker], threads: int, rounds: int) -> dict[str, float]:
    """Those of a step of gpufa's DFA, in milliseconds and GFLOP/s, and what the processor does at most; nothing where
    that can't be told."""
    found = []
    for _ in range(rounds if "gpufa dfa" in workers else 0):
        time.sleep(PAUSE["cpu"])
        found.append(workers["gpufa dfa"].ask(convolutions=ROUND, threads=threads))
    if not found or not all(one.get("peak") for one in found):
        return {}
    return {
        "ms": statistics.median(one["seconds"] for one in found) * 1e3,
        "gflops": statistics.median(one["operations"] / one["seconds"] for one in found) / 1e9,
        "peak_gflops": statistics.median(one["peak"] for one in found) / 1e9,
    }


def repeated(worker: Worker, rounds: int) -> list[float]:
    """Seconds a step of one contender alone."""
    steps = max(1, round(ROUND / worker.ask(steps=1)["seconds"]))
    return [worker.ask(steps=steps)["seconds"] / steps for _ in range(rounds)]


def _difference(found: list[list[float]], reference: list[list[float]]) -> float:
    """The largest difference of two nets' weights, against the largest weight of the layer."""
    pairs = ((np.array(a), np.array(b)) for a, b in zip(found, reference, strict=True))
    return max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in pairs)


def describe(row: dict[str, Any]) -> str:
    """A row as a line."""
    if "absent" in row:
        return f"  {row['contender']:32s} absent: {row['absent']}"
    agreed = {None: "", True: "same weights after 20 steps", False: "OTHER WEIGHTS AFTER 20 STEPS"}[row.get("agrees")]
    ratio = f"{row['against_gpufa_dfa']:6.2f} x gpufa dfa" if row["against_gpufa_dfa"] else ""
    return f"  {row['contender']:32s} {row['ms']:9.3f} ms  {ratio}   {agreed}{'other work' if 'other' in row else ''}"
