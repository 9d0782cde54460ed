"""Stages one after the other, each in a process of its own and within a limit: one that fails, hangs or loses the GPU
costs the others nothing, and what one does not need of its time is the others'."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parent.parent.parent
SKIPPED, OUT_OF_TIME = 3, 4  # codes that a stage may exit with, its last line the reason
ENDED = {0: "done", SKIPPED: "skipped", OUT_OF_TIME: "cut"}
TOLD = 0.9  # the part of its limit that a stage is told of, so that it may end in good order
LEAST = 1.0  # seconds with which a stage is still begun
LOOK = 0.2  # seconds between two looks at a stage
GRACE = 3.0  # seconds from SIGTERM to SIGKILL
ON_REQUEST = "on request"
LETTERS = 4000  # of what a stage printed, where it went wrong
MOST = 1 << 19  # bytes that a stage may find


class Stage(NamedTuple):
    """A command, to which the file for what it finds and its seconds are added; `share` is its part of the time."""

    name: str
    command: Sequence[str]
    share: float


@dataclass
class Outcome:
    """`status`: running, or as it ended: done, skipped, failed, cut, interrupted, not reached."""

    name: str
    status: str = "running"
    seconds: float = 0.0
    limit_s: float = 0.0
    why: str = ""
    printed: str = ""
    found: dict[str, Any] = field(default_factory=dict)

    @property
    def right(self) -> bool:
        return self.status in ("done", "skipped", "not reached")

    @property
    def record(self) -> dict[str, Any]:
        """All that there is to tell of it."""
        return {name: value for name, value in asdict(self).items() if value or name == "seconds"}


def run(stages: Sequence[Stage], seconds: float, folder: Path, stopped: Callable[[], bool]) -> Iterator[Outcome]:
    """Each stage's outcome as it begins, has found something, and has ended; no more of them once `stopped`."""
    deadline = time.monotonic() + seconds
    for i, stage in enumerate(stages):
        if stopped():
            yield Outcome(stage.name, "interrupted", why=ON_REQUEST)
            return
        left = deadline - time.monotonic()
        if left < LEAST:
            yield Outcome(stage.name, "not reached", why="no time was left")
            continue
        limit = max(LEAST, left * stage.share / sum(later.share for later in stages[i:]))
        outcome = Outcome(stage.name, limit_s=round(limit, 1))
        yield outcome
        yield from _run(stage, outcome, limit, folder, stopped)
        if outcome.status == "interrupted":
            return


def _run(stage: Stage, outcome: Outcome, limit: float, folder: Path, stopped: Callable[[], bool]) -> Iterator[Outcome]:
    file, log = folder / f"{stage.name}.json", folder / f"{stage.name}.log"
    began = time.monotonic()
    with running([*stage.command, str(file), f"{TOLD * limit:.1f}"], log) as process:
        while (spent := time.monotonic() - began) < limit and process.poll() is None and not stopped():
            with suppress(subprocess.TimeoutExpired):
                process.wait(min(LOOK, limit - spent))
            if (found := _found(file)) != outcome.found:
                outcome.found, outcome.seconds = found, round(time.monotonic() - began, 1)
                yield outcome
        code = process.poll()
    outcome.found, outcome.seconds = _found(file), round(time.monotonic() - began, 1)
    if code is not None:
        outcome.status, outcome.why = ENDED.get(code, "failed"), ended(code, log) if code else ""
    elif stopped():
        outcome.status, outcome.why = "interrupted", ON_REQUEST
    else:
        outcome.status, outcome.why = "cut", f"it took longer than {limit:.0f} s"
    outcome.printed = "" if outcome.right else tail(log)
    yield outcome


def _found(file: Path) -> dict[str, Any]:
    if not file.exists():
        return {}
    if file.stat().st_size > MOST:
        return {"left out": f"{file.stat().st_size} bytes"}
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


@contextmanager
def running(command: Sequence[str], log: Path, **environment: str) -> Iterator[subprocess.Popen]:
    """A process whose children too end with the block; what it prints goes to a file."""
    with log.open("w") as file:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(GRACE)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def ended(code: int, log: Path) -> str:
    """How a process ended, in a line: the last that it printed, or its signal."""
    if code < 0:
        return f"ended by {signal.Signals(-code).name}"
    return (tail(log).splitlines() or [f"exit code {code}"])[-1]


def tail(log: Path) -> str:
    """The last that was printed to a file, with the paths of this machine made short."""
    return plain(log.read_text(encoding="utf-8", errors="replace").strip())[-LETTERS:]


def plain(text: str) -> str:
    """A text without the folders that are this machine's own."""
    for folder in (str(ROOT), sys.prefix, sys.base_prefix, str(Path.home())):
        text = text.replace(folder + os.sep, "")
    return text
