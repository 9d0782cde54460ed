"""How long a block of a net takes on its way up, to learn, and for backprop down: by one process with one thread."""

import statistics
import time
from collections.abc import Callable

import numpy as np

from ..ranks.ours import Ours
from ..ranks.works import CLASSES, HIDDEN, INPUTS, Way
from .model import Net

ROUNDS, STEPS = 9, 3


def measured(batch: int, hidden: tuple[int, ...] = HIDDEN, rounds: int = ROUNDS) -> Net:
    """All blocks taken for equal, those at the ends among them."""
    whole, half = (_parts(one, hidden, rounds) for one in (batch, batch // 2))
    n = len(hidden)
    fixed = max(0.0, *(2 * half[name] - whole[name] for name in ("up", "learn"))) / n
    parts = {name: seconds / n for name, seconds in whole.items()}
    return Net(n, hidden[0], CLASSES, batch, **parts, fixed=min(fixed, *parts.values()))


def _parts(batch: int, hidden: tuple[int, ...], rounds: int) -> dict[str, float]:
    """Seconds of all blocks, in turn."""
    draw = np.random.default_rng(0)
    x = draw.random((batch * Ours.BATCHES, INPUTS), dtype=np.float32)
    y = draw.integers(0, CLASSES, len(x))
    dfa, bp = (Ours(Way(1, 1, "none", rule), hidden, batch, x, y) for rule in ("dfa", "bp"))
    dfa.step()
    p, own = dfa.trainer._steps[batch].p, x[:batch][None]
    ways: dict[str, Callable[[], object]] = {"up": lambda: p.forward(own), "dfa": dfa.step, "bp": bp.step}
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            way()
            start = time.perf_counter()
            for _ in range(STEPS):
                way()
            times[name].append((time.perf_counter() - start) / STEPS)
    found = {name: statistics.median(seconds) for name, seconds in times.items()}
    return {"up": found["up"], "learn": found["dfa"] - found["up"], "down": found["bp"] - found["dfa"]}
