"""pytest -m gpu in parts, several at once, each a process of its own with a limit: what hangs or ends its process is
told, and the tests behind it are run in another part."""

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from . import witness
from .runner import LOOK, ROOT, plain, running, tail
from .task import OutOfTime, Skipped, Task, Wrong

TESTS = "gpu and not standin_only"
PYTEST = sys.executable, "-m", "pytest", "-m", TESTS, "-p", witness.__name__, "-p", "no:cacheprovider", "-q"
OWN = "tests/house/test_first_gpu.py"  # rehearses all this
FEW = "tests/net"  # which are found soon
LARGEST = 100  # tests in a part: a GPU that a test has left in a bad state fails those behind it
MOST = 12  # parts at once
SHORTEST = 10.0  # seconds with which a part is still begun
PATIENCE = 60.0  # seconds in which no test begins or ends: some start a process five times
TOLD = 40  # failures of which the text is kept


def suite(task: Task) -> None:
    if not (ROOT / "tests").is_dir() or importlib.util.find_spec("pytest") is None:
        raise Skipped("pytest or the tests are not at hand: pip install '.[test]' in a checkout")
    with TemporaryDirectory() as folder:
        where = FEW if task.quick else "tests"
        collected = "--collect-only", "--continue-on-collection-errors", f"--ignore={OWN}", where
        events, trouble = told(collected, Path(folder), task.left() / 2)
        lost = [
            {"file": event["uncollected"], "text": plain(event["text"])} for event in events if "uncollected" in event
        ]
        tests = [test for event in events for test in event.get("ids", ())]
        if trouble or not tests:
            raise Wrong(f"the tests can't be collected: {trouble or lost}")
        task.keep(not_collected=lost)
        parts = divided(tests)
        if task.quick:
            parts = [parts[0][:2]]
        done(task, parts, Path(folder), [one["file"] for one in lost])


def divided(tests: list[str]) -> list[list[str]]:
    """Parts of at most LARGEST tests; files with few tests first, so that most files have been seen where time is
    short."""
    files: dict[str, list[str]] = {}
    for test in tests:
        files.setdefault(test.partition("::")[0], []).append(test)
    row = [test for file in sorted(files.values(), key=len) for test in file]
    return [row[i : i + LARGEST] for i in range(0, len(row), LARGEST)]


def done(task: Task, parts: list[list[str]], folder: Path, lost: Sequence[str] = ()) -> None:
    """Run the parts, and those that are left of parts that ended early; files that are `lost` can't be run."""
    rows: list[dict[str, Any]] = []
    failures: list[dict[str, str]] = []
    running: dict[Future, list[str]] = {}
    begun = 0
    most = max(1, min(MOST, (os.cpu_count() or 1) - 2))
    with ThreadPoolExecutor(most) as pool:
        while parts or running:
            while parts and len(running) < most and task.left() > SHORTEST:
                own = folder / str(begun := begun + 1)
                own.mkdir()
                part = parts.pop(0)
                running[pool.submit(told, part, own, task.left())] = part
            if not running:
                break
            for ended in wait(running, return_when=FIRST_COMPLETED).done:
                row, failed, rest = outcome(part := running.pop(ended), *ended.result())
                rows.append(row)
                failures += failed
                if 0 < len(rest) < len(part):
                    parts.append(rest)
            task.keep(counts=totals(rows), parts=rows, failures=failures[:TOLD])
    print("\n".join([*lost, *(failure["test"] for failure in failures)]))
    if failures or lost or any("trouble" in row for row in rows):
        files = f", can't be collected: {', '.join(lost)}" if lost else ""
        raise Wrong(f"{totals(rows)}, not reached: {sum(map(len, parts))}{files}")
    if parts:
        raise OutOfTime(f"{sum(map(len, parts))} tests were not reached")


def outcome(part: list[str], events: list[dict], trouble: str) -> tuple[dict[str, Any], list[dict], list[str]]:
    """What there is to tell of a part that has ended, its failures, and the tests that have not ended."""
    ends = {event["ended"]: event for event in events if "ended" in event}
    seen = [event["began"] for event in events if "began" in event]
    if trouble and seen and seen[-1] not in ends:
        ends[seen[-1]] = {"ended": seen[-1], "outcome": "stopped", "text": trouble}
    failed = [{"test": e["ended"], "text": plain(e["text"])} for e in ends.values() if "text" in e]
    counts = Counter(event["outcome"] for event in ends.values())
    row = {"first": part[0], "tests": len(part), **counts, **({"trouble": trouble} if trouble else {})}
    return row, failed, [test for test in part if test not in ends]


def totals(rows: list[dict[str, Any]]) -> dict[str, int]:
    """How many tests came out how."""
    return {name: sum(row.get(name, 0) for row in rows) for name in ("passed", "skipped", "failed", "stopped")}


def hangs(file: Path) -> bool:
    """Whether tests that have begun don't go on."""
    about = file.stat()
    return about.st_size > 0 and time.time() - about.st_mtime > PATIENCE


def told(arguments: Sequence[str], folder: Path, limit: float) -> tuple[list[dict[str, Any]], str]:
    """What the witness saw of a run of pytest, and what went wrong with it: its end, or a test that takes too long."""
    file, log = folder / "witness", folder / "log"
    file.write_text("")
    with running([*PYTEST, *arguments], log, **{witness.FILE: str(file)}) as process:
        began = time.monotonic()
        while (spent := time.monotonic() - began) < limit and process.poll() is None and not hangs(file):
            with suppress(subprocess.TimeoutExpired):
                process.wait(min(LOOK, limit - spent))
        code = process.poll()
    events = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    if code is not None:
        return events, "" if code in (0, 1) else f"exit code {code}: {tail(log)[-500:]}"
    if hangs(file):
        return events, f"nothing happened for {PATIENCE:.0f} s"
    return events, "" if len(events) > 1 else f"no test began in {limit:.0f} s"
