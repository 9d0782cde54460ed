"""docs/reliability.md, made of the counts of the trials and of the drift of float32."""

import json
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .promises import PROMISES, ROUNDING
from .trials import TRIALS

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
HEAD = """# Reliability

What is done to gpufa on purpose, how often it was done, and what came of it. This page is made of the files in
[benchmarks/results/reliability](../benchmarks/results/reliability) by `python -m benchmarks reliability`. Each trial
is run in short by a test, and by hand as long as you like: `python -m benchmarks trial NAME --amount N --seed S`.
"""
DRIFT = """## float32 beside float64

Every rule is trained twice on the digits, with its defaults (`evolution` for 17 epochs, `elm` and `nn_lift` on all
samples at once), from the same weights and feedback: in float32 and in float64. The drift is |W32 - W64| / |W64 - W|:
how far apart all trained numbers of the two runs are, measured by how far the float64 run has come from its start W. It
is the median over the seeds, and in brackets the worst of them. One rounding
of float32 is at most 6e-8. What makes more of it: Adam's first steps have the
size of the learning rate however small a gradient is, so that rounding decides the sign of those that are all but
zero; units that float32 saturates and float64 does not, whose f' is 0 in the one and tiny in the other; `chl` reads its
first layer from differences of nearly equal activities. Chaos does the rest: small differences grow from step to step.
The errors that the runs end with, mean over the seeds, tell whether it matters.
"""
MISSING = ["**Not run yet.**", ""]


def write(folder: Path) -> Path:
    """Write the page; returns it."""
    records = {name: read(folder, name) for name in TRIALS}
    sections = [overview(records), *(section(name, record) for name, record in records.items())]
    sections += [promises(), drift(read(folder, "drift"))]
    PAGE.write_text("\n".join([HEAD, *sections]).rstrip() + "\n", encoding="utf-8")
    return PAGE


def read(folder: Path, name: str) -> dict[str, Any] | None:
    """A record, or None where there is none yet."""
    file = folder / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def overview(records: Mapping[str, dict[str, Any] | None]) -> str:
    """A line for each trial."""
    lines = ["| trial | tried | lost | hours | command |", "|---|---:|---:|---:|---|"]
    for name, record in records.items():
        if record is not None:
            tried, kept = (sum(count[what] for count in record["counts"]) for what in ("tried", "survived"))
            command = f"`python -m benchmarks trial {name}`"
            lines.append(
                f"| {TRIALS[name].title} | {tried:,} | {tried - kept:,} | {record['seconds'] / 3600:.2f} | {command} |"
            )
    return "\n".join([*lines, ""])


def promises() -> str:
    """What tests hold without any counting."""
    lines = [
        "## What else may happen",
        "",
        "Each of these is done in full by the test that is named.",
        "",
        "| what happens | what is so all the same | test, under `tests/` |",
        "|---|---|---|",
        *(f"| {p.fault} | {p.promise} | `{p.test}` |" for p in PROMISES),
        "",
        ROUNDING,
    ]
    return "\n".join(lines)


def section(name: str, record: dict[str, Any] | None) -> str:
    """What one trial promises, did and found."""
    trial = TRIALS[name]
    lines = [f"## {trial.title}", "", trial.promise, ""]
    if record is None:
        return "\n".join([*lines, *MISSING])
    seconds = record["seconds"]
    lines += [
        "| what was done | times | survived | lost |",
        "|---|---|---|---|",
        *(f"| {c['what']} | {c['tried']} | {c['survived']} | {c['tried'] - c['survived']} |" for c in record["counts"]),
        "",
        f"{source(record)}: {seconds // 60} min {seconds % 60} s. In short: `pytest {trial.held}`.",
        "",
    ]
    return "\n".join(lines)


def drift(record: dict[str, Any] | None) -> str:
    """A line for every rule: the drift after some steps, and the errors that the runs end with."""
    if record is None:
        return "\n".join([DRIFT, *MISSING])
    steps = list(dict.fromkeys(step for row in record["rows"] for step in row["drift"]))
    heads = [f"after {step} step{'s' if step != '1' else ''}" for step in steps]
    lines = [
        DRIFT,
        f"| rule | {' | '.join(heads)} | float32: test error, % | float64: test error, % |",
        f"|---{'|---:' * (len(steps) + 2)}|",
    ]
    for row in record["rows"]:
        drifts = [_figures(row["drift"].get(step)) for step in steps]
        errors = [f"{statistics.mean(row['test_error'][dtype]):.2f}" for dtype in ("float32", "float64")]
        lines.append(f"| `{row['rule']}` | {' | '.join([*drifts, *errors])} |")
    test = "tests/house/test_promises.py::test_one_step_in_float32_is_that_of_float64_to_rounding"
    return "\n".join([*lines, "", f"{source(record)}. One step of every rule: `pytest {test}`.", ""])


def source(record: dict[str, Any]) -> str:
    """By which command, when and where."""
    return f"`{record['command']}`, {record['date']}, {record['system']}"


def _figures(found: list[float] | None) -> str:
    """Median and worst; nothing where a run had ended by then."""
    return f"{statistics.median(found):.0e} ({max(found):.0e})" if found else "-"
