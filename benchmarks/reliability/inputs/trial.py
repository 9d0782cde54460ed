"""Inputs by the ten thousand, each tried in a process that may crash, hang or run out of memory without harm."""

import os
import queue
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ..count import Count, Say
from .targets import TARGETS

ROOT = Path(__file__).parents[3]
WORKER = "benchmarks.reliability.inputs.worker"
LONGEST = 10.0  # seconds for an input
END = "the process ended with"
START = 120.0  # seconds for a process to begin


def run(trial: str, amount: int, seed: int, say: Say) -> list[Count]:
    """Try so many inputs, every target of the trial its share; what is lost is said with what makes it again."""
    targets = {name: target for name, target in TARGETS.items() if target.trial == trial}
    shares, counts = sum(target.share for target in targets.values()), []
    for name, target in targets.items():
        number = max(round(amount * target.share / shares), 1)
        faults: Counter[str] = Counter()
        lost = 0
        for i, fault in enumerate(answers(name, seed, number)):
            if fault:
                lost += 1
                faults[fault] += 1
                if faults[fault] == 1:
                    say(f"  {name} seed {seed} input {i}: {fault}")
        counts.append(Count(target.what, number, number - lost))
        say(f"  {name}: {number} tried, {lost} lost")
    return counts


class Ended(RuntimeError):
    """A process says no more."""


def answers(name: str, seed: int, number: int) -> Iterator[str]:
    """What is wrong with the answer to each input, "" for nothing; a process that ends or hangs is one such fault."""
    done = 0
    while done < number:
        process = subprocess.Popen(
            [sys.executable, "-m", WORKER, name, str(seed), str(done), str(number)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=pour, args=(process, lines), daemon=True).start()
        heard(lines, START)
        try:
            while done < number:
                fault = heard(lines, LONGEST)
                done += 1
                yield fault
        except Ended as end:
            done += 1
            yield str(end)
        finally:
            process.kill()
            process.wait()


def pour(process: "subprocess.Popen[str]", lines: "queue.Queue[str]") -> None:
    """All lines of a process, and how it ended."""
    assert process.stdout
    for line in process.stdout:
        lines.put(line.removesuffix("\n"))
    lines.put(f"{END} {process.wait()}")


def heard(lines: "queue.Queue[str]", seconds: float) -> str:
    """The next line; raises Ended where there is none in time or no more."""
    try:
        line = lines.get(timeout=seconds)
    except queue.Empty:
        raise Ended("no answer in time") from None
    if line.startswith(END):
        raise Ended(line)
    return line
