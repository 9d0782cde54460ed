"""How the step's time and the run's memory grow with width, depth, batch, replicas and classes: one axis at a time."""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from .runner import Say, Worker, repeated
from .works import Work

BASE = Work("784-512-512-10, batch 64", (784, 512, 512, 10), contenders=("gpufa dfa", "gpufa bp"))
AXES = {
    "width": (128, 256, 512, 1024, 2048, 4096),
    "depth": (2, 5, 10, 20, 50, 100, 200),
    "batch": (1, 4, 16, 64, 256, 1024, 4096),
    "replicas": (1, 2, 4, 8, 16, 32),
    "classes": (10, 100, 1000, 10_000),
}
Measured = Callable[[Worker, dict[str, Any], Work], dict[str, Any]]
TOP = 3  # points at the end of an axis to which the slope is fitted


def at(axis: str, value: int) -> Work:
    """The base net with one thing changed; depth counts hidden layers, of 128 units."""
    if axis == "width":
        return replace(BASE, sizes=(784, value, value, 10))
    if axis == "depth":
        return replace(BASE, sizes=(784, *[128] * value, 10))
    if axis == "batch":
        return replace(BASE, batch=value)
    if axis == "replicas":
        return replace(BASE, sizes=(784, 128, 128, 10), replicas=value)
    return replace(BASE, sizes=(784, 512, 512, value))


def run(device: str, threads: int, measured: Measured, quick: bool, say: Say) -> list[dict[str, Any]]:
    """A row for each point of each axis and each contender, with what `measured` finds of it."""
    rows = []
    for axis, values in AXES.items():
        for value in values[: 2 if quick else None]:
            work = at(axis, value)
            for name in work.contenders:
                worker = Worker(name, device, threads, None)
                answer = worker.ask(contender=name, work=asdict(work), device=device)
                row: dict[str, Any] = {"axis": axis, "value": value, "contender": name}
                row |= {"absent": answer["failed"]} if "failed" in answer else measured(worker, answer, work)
                worker.close()
                rows.append(row)
                say(describe(row))
    return rows


def time_of(rounds: int) -> Measured:
    """Milliseconds of a step."""
    return lambda worker, answer, work: {"ms": float(np.median(repeated(worker, rounds))) * 1e3}


def memory_of(worker: Worker, answer: dict[str, Any], work: Work) -> dict[str, Any]:
    """Bytes at the peak, beyond the imports and the data as handed in; those of the data, and of the parameters."""
    return {name: answer[name] for name in ("grown_bytes", "data_bytes", "parameter_bytes")}


def slopes(rows: list[dict[str, Any]]) -> dict[tuple[str, str], float]:
    """The slope of log time against log value at the upper end, for each axis and contender."""
    found = {}
    for axis in AXES:
        for name in BASE.contenders:
            points = [(r["value"], r["ms"]) for r in rows if (r["axis"], r["contender"]) == (axis, name) and "ms" in r]
            if len(points) >= TOP:
                x, y = np.log(np.array(points[-TOP:], float)).T
                found[axis, name] = float(np.polyfit(x, y, 1)[0])
    return found


def describe(row: dict[str, Any]) -> str:
    """A row as a line."""
    text = f"  {row['axis']:9s} {row['value']:6d}  {row['contender']:10s}"
    if "absent" in row:
        return f"{text} absent: {row['absent']}"
    if "ms" in row:
        return f"{text} {row['ms']:10.3f} ms"
    return f"{text} {row['grown_bytes'] / 2**20:8.1f} MiB  {against(row):5.2f} x data + parameters"


def against(row: dict[str, Any]) -> float:
    """The memory of a row against that of its data and parameters."""
    return row["grown_bytes"] / (row["data_bytes"] + row["parameter_bytes"])
