"""python -m benchmarks.reliability.guided TARGET --seconds N: inputs made by a fuzzer that sees which code they reach.

The fuzzer is atheris, of the extra `fuzz`. A fault is told with its bytes: `python -m benchmarks.reliability.inputs
TARGET HEX` tries them again. What the fuzzer learns is kept in memory only.
"""

import importlib.util
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .count import Count, Say

ROOT = Path(__file__).parents[2]
LONGEST_INPUT, LONGEST_TIME = 600, 10  # bytes, seconds
FAULT, EXECUTED = "fault ", "stat::number_of_executed_units:"
MISSING = "the guided fuzzer needs atheris; install it with pip install 'gpufa[fuzz]'"


def run(amount: int, seed: int, say: Say) -> list[Count]:
    """Fuzz for so many seconds in all, the same time for every target; faults of one kind are one that is lost."""
    from .inputs.targets import TARGETS

    needs_atheris()
    counts = []
    for name, target in TARGETS.items():
        tried, faults = 0, []
        for line in told(name, max(amount // len(TARGETS), 2), seed):
            if line.startswith(EXECUTED):
                tried = int(line.removeprefix(EXECUTED))
            elif line.startswith(FAULT):
                faults.append(line)
                say(f"  {name}: {line}")
            elif line.startswith("Base64:"):  # the input over which the process ended
                say(f"    {line}")
        counts.append(Count(f"{target.what}, guided by coverage", max(tried, len(faults)), tried - len(faults)))
        say(f"  {name}: {tried} tried, {len(faults)} lost")
    return counts


def told(name: str, seconds: int, seed: int) -> Iterator[str]:
    """What a fuzzer in a process of its own says, line by line."""
    words = ["-m", "benchmarks.reliability.guided", name, "--seconds", str(seconds), "--seed", str(seed)]
    with tempfile.TemporaryFile() as report, tempfile.TemporaryDirectory() as folder:
        surroundings = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": folder}  # a killed fuzzer leaves its files
        done = subprocess.run([sys.executable, *words], cwd=ROOT, stdout=report, stderr=report, env=surroundings)
        report.seek(0)
        yield from report.read().decode(errors="replace").splitlines()
        if done.returncode:
            yield f"{FAULT}the fuzzer's process ended with {done.returncode}"


def needs_atheris() -> None:
    if importlib.util.find_spec("atheris") is None:
        raise SystemExit(MISSING)


def fuzz(name: str, seconds: int, seed: int) -> None:
    """Does not return."""
    import atheris

    with atheris.instrument_imports(include=["gpufa"]):
        from .inputs.targets import TARGETS, complaint, sandbox
        from .inputs.worker import bounded, made
    if name not in TARGETS:
        raise SystemExit(f"target {name!r} is unknown; choose from {', '.join(TARGETS)}")
    seen: set[str] = set()
    say = os.fdopen(os.dup(2), "w", buffering=1)

    def one(raw: bytes) -> None:
        fault = " ".join(complaint(name, raw).split())
        kind = re.sub(r"'[^']*'|[0-9]+", "", fault)
        if fault and kind not in seen:
            seen.add(kind)
            print(f"{FAULT}{fault} bytes {raw.hex()}", file=say)

    with sandbox():
        corpus = Path("corpus")
        corpus.mkdir()
        for i in range(200):
            (corpus / str(i)).write_bytes(made(name, seed, i))
        options = {
            "max_total_time": seconds,
            "max_len": LONGEST_INPUT,
            "timeout": LONGEST_TIME,
            "rss_limit_mb": 0,  # `bounded` sees to it
            "seed": random.Random(seed).randrange(1, 2**31),
            "print_final_stats": 1,
            "verbosity": 0,
        }
        complaint("command", b"")  # so that all is imported
        bounded()
        atheris.Setup([sys.argv[0], *(f"-{k}={v}" for k, v in options.items()), "corpus"], one)
        atheris.Fuzz()


def main(name: str, /, seconds: int = 60, seed: int = 0) -> None:
    """Fuzz one target.

    Args:
        name: a target of benchmarks/reliability/inputs/targets.py
        seconds: how long
        seed: of the fuzzer's choices
    """
    needs_atheris()
    fuzz(name, seconds, seed)


if __name__ == "__main__":
    import cyclopts

    cyclopts.run(main)
