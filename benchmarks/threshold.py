"""From how many outputs on a cuBLAS product and one more pass beat the one fused launch of (B e) * f': what SMALL in
gpufa/backends/gpu/feedback.py is set by."""

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from gpufa.backends import Backend
from gpufa.backends.gpu import feedback
from gpufa.backends.operations.base import Gate
from gpufa.functions.activations import ACTIVATIONS

OUTPUTS = (2, 4, 10, 16, 32, 64, 96, 128)
BATCHES = (64, 1024)
ROWS = 1600  # hidden units


def run(backend: Backend, rounds: int, say: Callable[[str], Any], quick: bool = False) -> list[dict[str, Any]]:
    """A row for each number of outputs and batch size: ms of either way, in turns; for two of them if `quick`."""
    rows = []
    for m in BATCHES[: 1 if quick else None]:
        z, out = (backend.zeros((1, ROWS, m), "float32") for _ in range(2))
        gates = [Gate(ACTIVATIONS["tanh"], z, None, slice(0, ROWS))]
        for n in OUTPUTS[: 2 if quick else None]:
            B, e = (backend.to_device(np.ones(shape, np.float32)) for shape in ((1, ROWS, n), (1, n, m)))

            one = partial(backend.feedback_delta, B, e, gates, out=out)
            ways = {
                "fused": backend.capture(partial(with_threshold, n, one)),
                "product": backend.capture(partial(with_threshold, 0, one)),
            }
            times: dict[str, list[float]] = {name: [] for name in ways}
            for _ in range(rounds + 2):
                for name, way in ways.items():
                    times[name].append(timed(backend, way))
            ms = {name: statistics.median(seconds[2:]) * 1e3 for name, seconds in times.items()}
            rows.append({"outputs": n, "batch": m, **ms})
            say(f"  {n:4d} outputs, batch {m:5d}: fused {ms['fused']:.4f} ms, product {ms['product']:.4f} ms")
    return rows


def with_threshold(columns: int, call: Callable[[], None]) -> None:
    """Call with another SMALL."""
    before, feedback.SMALL = feedback.SMALL, columns
    try:
        call()
    finally:
        feedback.SMALL = before


def timed(backend: Backend, call: Callable[[], None], repeats: int = 50) -> float:
    """Seconds a call, of many in a row."""
    backend.synchronize()
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    backend.synchronize()
    return (time.perf_counter() - start) / repeats
