"""How near the convolutions of a step come to what the processor can do at most, both measured in one run."""

import ctypes
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier
from typing import Any
from unittest.mock import patch

from gpufa.backends.cpu.machine.compiler import built
from gpufa.backends.operations.columns import Maps

from .contenders.ours import Ours

PEAK = Path(__file__).with_name("peak.cpp")
ROUNDS = 2_000_000  # some tens of milliseconds
AWAKE = 4 * ROUNDS
KINDS = "convolve", "convolve_back", "filter_gradient"


def peak(threads: int) -> float | None:
    """float32 operations per second of so many threads, a multiplication and an addition being two; None without a
    compiler."""
    code = built(PEAK.read_text(encoding="utf-8"), {"multiply_and_add": [ctypes.c_long]})
    if code is None:
        return None
    code.multiply_and_add.restype = ctypes.c_double
    with ThreadPoolExecutor(threads) as pool:
        together = Barrier(threads)  # else one thread may do the work of all
        list(pool.map(lambda _: together.wait(), range(threads)))
        list(pool.map(code.multiply_and_add, [AWAKE] * threads))  # which may share one core at first
        start = time.perf_counter()
        operations = sum(pool.map(code.multiply_and_add, [ROUNDS] * threads))
        return operations / (time.perf_counter() - start)


def measured(contender: Ours, seconds: float, threads: int) -> dict[str, float | None]:
    """Seconds and operations of the convolutions in a step, of as many as take about so long, and the `peak`. What
    meets zeros about the maps is no operation."""
    found = {"seconds": 0.0, "operations": 0.0}
    backend = contender.trainer.net.backend

    def watched(convolution: Callable[..., None]) -> Callable[..., None]:
        def timed(maps: Maps, *rest: Any, **named: Any) -> None:
            start = time.perf_counter()
            convolution(maps, *rest, **named)
            found["seconds"] += time.perf_counter() - start
            replicas, filters, *_, m = maps.y.shape
            channels = maps.x.shape[-4] // maps.groups
            found["operations"] += 2.0 * replicas * m * filters * channels * int(maps.windows.met.sum())

        return timed

    steps, begun = 0, time.perf_counter()
    with ExitStack() as stack:
        for kind in KINDS:
            stack.enter_context(patch.object(backend, kind, watched(getattr(backend, kind))))
        while not steps or time.perf_counter() - begun < seconds:
            contender.step()
            steps += 1
    return {name: value / steps for name, value in found.items()} | {"peak": peak(threads)}
