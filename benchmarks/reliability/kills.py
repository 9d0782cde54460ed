"""kill -9 at random moments and inside saves, and on from the last checkpoint: is anything lost?"""

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gpufa.checkpoints import hdf5, networks

from .count import Count, Say
from .witness import INTERVAL, steps

ROOT = Path(__file__).parents[2]
EPOCHS_A_KILL = 9  # so that the run does not end before the last kill
LIFE = 0.06  # seconds that a process lives on after its first save, at most
PATIENCE = 60  # seconds to wait for a save
KINDS = "kills at a random moment", "kills inside a save"


def run(amount: int, seed: int, say: Say) -> list[Count]:
    """Kill a run so many times, every other time when a save has begun.

    A kill is survived where the checkpoint can be read and is no more than one interval behind the last step.
    """
    chance = random.Random(seed)
    tried, survived, finished = dict.fromkeys(KINDS, 0), dict.fromkeys(KINDS, 0), False
    with tempfile.TemporaryDirectory() as folder:
        whole, cut = Path(folder, "whole"), Path(folder, "cut")
        epochs = EPOCHS_A_KILL * amount + 10
        train(whole, epochs).wait()
        while sum(tried.values()) < amount and not finished:
            inside = sum(tried.values()) % 2
            process, before = train(cut, epochs), saved(cut)
            wait_until(lambda: saved(cut) != before, process)  # noqa: B023
            time.sleep(chance.uniform(0, LIFE))
            if inside:
                wait_until(lambda: bool(half_written(cut)), process)
            finished = process.poll() is not None
            process.kill()
            process.wait()
            if not finished:
                kind = KINDS[bool(half_written(cut))]
                tried[kind] += 1
                survived[kind] += whole_and_young(cut)
            if sum(tried.values()) % 25 == 0:
                say(f"  {tried}, survived {survived}")
        train(cut, epochs).wait()
        counts = [Count(kind, tried[kind], survived[kind]) for kind in KINDS]
        counts.append(Count("ends that equal that of a run never killed, bit for bit", 1, int(same(whole, cut))))
        counts.append(Count("folders without a half-written file in the end", 1, int(not half_written(cut))))
    return counts


def train(run: Path, epochs: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.reliability.witness", str(run), str(epochs), "none"],
        cwd=ROOT,
    )


def wait_until(happened: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    """Wait for something that a process does while it lives."""
    started = time.monotonic()
    while not happened() and process.poll() is None and time.monotonic() - started < PATIENCE:
        time.sleep(0.0002)


def saved(run: Path) -> int:
    """What changes with each save."""
    file = run / networks.CHECKPOINT
    return file.stat().st_ino if file.exists() else 0


def half_written(run: Path) -> list[Path]:
    return list(run.glob(".*.tmp"))


def whole_and_young(run: Path) -> bool:
    """Whether a run's checkpoint can be read, and is at most one interval old."""
    try:
        arrays, _ = hdf5.read(run / networks.CHECKPOINT)
    except OSError:
        return False
    return steps(run) - int(arrays["progress/step"]) <= INTERVAL


def same(a: Path, b: Path) -> bool:
    """Whether two runs have ended in the same bits, times apart."""
    ours, theirs = (hdf5.read(run / networks.CHECKPOINT)[0] for run in (a, b))
    names = ours.keys() - {"history/epochs/seconds"}
    return ours.keys() == theirs.keys() and all(np.array_equal(ours[n], theirs[n], equal_nan=True) for n in names)
