"""The command of the first run on a GPU."""

import json
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from ..records import RESULTS, described, named, written
from .runner import GRACE, Outcome, Stage, run
from .stages import PLANS
from .times import THREADS


def first_gpu(minutes: float = 9.0, quick: bool = False, only: str = "", out: Path | None = None) -> None:
    """All that waits for a GPU, in order of worth and in limited time; exits with 1 where something came out wrong.

    Args:
        minutes: after which it has stopped
        quick: small nets and few tests, to rehearse it; nothing is kept without --out
        only: stages to be run, with commas between; what is known of the device is always asked
        out: the folder for the figures, first-gpu-NAME.json and others (results where not given)
    """
    if unknown := [name for name in only.split(",") if only and name not in PLANS]:
        raise SystemExit(f"benchmarks: --only {','.join(unknown)}: the stages are {', '.join(PLANS)}")
    asked = threading.Event()
    for end in (signal.SIGINT, signal.SIGTERM):
        signal.signal(end, lambda *_: asked.set())
    with tempfile.TemporaryDirectory() as scratch:
        folder = out or (Path(scratch) / "results" if quick else RESULTS)
        running = run(
            stages(quick, only.split(",") if only else PLANS), minutes * 60 - GRACE, Path(scratch), asked.is_set
        )
        outcomes = kept(running, minutes, quick, folder)
    print(summary(outcomes))
    if not all(outcome.right for outcome in outcomes):
        sys.exit(1)


def stages(quick: bool, wanted: Collection[str]) -> list[Stage]:
    """The plans that are wanted, behind the facts, as commands."""
    command = sys.executable, "-u", "-m", f"{__package__}.child"
    small = ("--quick",) if quick else ()
    chosen = {name: plan for name, plan in PLANS.items() if name == "facts" or name in wanted}
    return [Stage(name, (*command, name, *small), plan.share) for name, plan in chosen.items()]


def kept(running: Iterable[Outcome], minutes: float, quick: bool, folder: Path) -> list[Outcome]:
    """Put all that the stages have found so far into the folder; returns how they ended."""
    outcomes: dict[str, Outcome] = {}
    began, status = time.monotonic(), ""
    for outcome in running:
        outcomes[outcome.name] = outcome
        found = outcomes["facts"].found
        if outcome.status in ("failed", "cut") and "device" not in found:
            raise SystemExit(f"benchmarks: no GPU: {outcome.why}")
        if "device" in found:
            facts = found.get("facts", {"device": found["device"]})
            about = described("first-gpu", facts, THREADS) | {"quick": quick, "minutes": minutes}
            about["seconds"] = round(time.monotonic() - began, 1)
            write(about, list(outcomes.values()), folder)
        if outcome.status != status:
            status = outcome.status
            print(line(outcome), flush=True)
    return list(outcomes.values())


def write(about: dict[str, Any], outcomes: Sequence[Outcome], folder: Path) -> None:
    """The record of all stages, and a result file of its own for what has a kind."""
    rows, device = [], about["facts"]["device"]
    for outcome in outcomes:
        row, kind = outcome.record | {"date": about["date"]}, PLANS[outcome.name].kind
        row.get("found", {}).pop("facts", None)  # they are told at the top
        if kind and outcome.found:
            path = named(kind, device, folder)
            written(about | {"kind": kind} | row.pop("found"), path)
            row["file"] = path.name
        rows.append(row)
    path = named("first-gpu", device, folder)
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    earlier = before["stages"] if before.get("quick") == about["quick"] else []  # a rehearsal is no measurement
    written(about | {"stages": joined(earlier, rows)}, path)


def joined(earlier: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What stages have found, in their order: of those that were not run again what they found before."""
    found = {row["name"]: row for row in (*earlier, *rows)}
    return [found[name] for name in PLANS if name in found]


def line(outcome: Outcome) -> str:
    """An outcome as a line."""
    why = f": {outcome.why}" if outcome.why else ""
    return f"{outcome.name:10s} {outcome.status:11s} {outcome.seconds:6.1f} of {outcome.limit_s:5.1f} s{why}"


def summary(outcomes: Sequence[Outcome]) -> str:
    """What did not come out right, in a line."""
    wrong = [f"{outcome.name} ({outcome.status})" for outcome in outcomes if not outcome.right]
    return f"not right: {', '.join(wrong)}" if wrong else "all that was run came out right"
