"""kill -9 of one of the processes that train together, at random moments: do all end, and is anything lost?"""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .count import Count, Say
from .kills import EPOCHS_A_KILL, LIFE, ROOT, half_written, same, saved, wait_until, whole_and_young

RANKS = 2
MPIEXEC = shutil.which("mpiexec", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}") or "mpiexec"
WAYS = "data", "layers", "seeds"
SOON = 20  # seconds in which the others end
ENDS = "ends that equal that of a run never killed, bit for bit"


def run(amount: int, seed: int, say: Say) -> list[Count]:
    """Kill a rank so many times, in runs whose processes share the work in one way and another.

    A kill is survived where all ranks end, the run has failed, and the checkpoint can be read and is no more than one
    interval behind the last step.
    """
    chance, counts = random.Random(seed), list[Count]()
    with tempfile.TemporaryDirectory() as folder:
        for i, way in enumerate(WAYS):
            times = amount * (i + 1) // len(WAYS) - amount * i // len(WAYS)
            counts += _killed(Path(folder, way), way, times, chance, say)
    return counts


def _killed(folder: Path, way: str, amount: int, chance: random.Random, say: Say) -> list[Count]:
    whole, cut, epochs = folder / "whole", folder / "cut", EPOCHS_A_KILL * amount + 10
    folder.mkdir()
    survived = tried = 0
    train(whole, epochs, way).wait()
    while tried < amount:
        process, before = train(cut, epochs, way), saved(cut)
        wait_until(lambda: saved(cut) != before, process)  # noqa: B023
        time.sleep(chance.uniform(0, LIFE))
        if process.poll() is not None:
            break
        ranks = ranks_of(process)
        os.kill(chance.choice(ranks), signal.SIGKILL)
        tried += 1
        survived += all_end(process, ranks) and whole_and_young(cut)
        if tried % 10 == 0:
            say(f"  {way}: {tried} kills, {survived} survived")
    train(cut, epochs, way).wait()
    return [
        Count(f"kills of a rank, --parallel {way}", tried, survived),
        Count(f"{ENDS}, --parallel {way}", 1, int(same(whole, cut) and not half_written(cut))),
    ]


def train(run: Path, epochs: int, way: str) -> "subprocess.Popen[bytes]":
    witness = [sys.executable, "-m", "benchmarks.reliability.witness", str(run), str(epochs), way]
    command = [MPIEXEC, "-n", str(RANKS), *witness]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def ranks_of(process: "subprocess.Popen[bytes]") -> list[int]:
    """The numbers of the processes that it has started, and that train."""
    found = [process.pid]
    for pid in found:
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            found += map(int, task.read_text().split())
    return [pid for pid in found if b"benchmarks.reliability.witness" in Path(f"/proc/{pid}/cmdline").read_bytes()][1:]


def all_end(process: "subprocess.Popen[bytes]", ranks: list[int]) -> bool:
    """Whether none of them is there any more soon, and the run has failed."""
    deadline = time.monotonic() + SOON
    while time.monotonic() < deadline and (process.poll() is None or any(Path(f"/proc/{r}").exists() for r in ranks)):
        time.sleep(0.02)
    gone = not any(Path(f"/proc/{rank}").exists() for rank in ranks)
    if process.poll() is None:
        process.kill()
    return gone and process.wait() != 0
