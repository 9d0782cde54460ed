"""docs/reliability.md, made of the counts of the trials."""

import json
from pathlib import Path
from typing import Any

from .trials import TRIALS

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
HEAD = """# Reliability

What is done to gpufa on purpose, how often it was done, and what came of it. This page is made of the files in
[benchmarks/results/reliability](../benchmarks/results/reliability) by `python -m benchmarks reliability`. Each trial
is run in short by a test, and by hand as long as you like: `python -m benchmarks trial NAME --amount N --seed S`.
"""


def write(folder: Path) -> Path:
    """Write the page; returns it."""
    sections = [section(name, json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))) for name in TRIALS]
    PAGE.write_text("\n".join([HEAD, *sections]).rstrip() + "\n", encoding="utf-8")
    return PAGE


def section(name: str, record: dict[str, Any]) -> str:
    """What one trial promises, did and found."""
    trial, seconds = TRIALS[name], record["seconds"]
    lines = [
        f"## {trial.title}",
        "",
        trial.promise,
        "",
        "| what was done | times | survived | lost |",
        "|---|---|---|---|",
        *(f"| {c['what']} | {c['tried']} | {c['survived']} | {c['tried'] - c['survived']} |" for c in record["counts"]),
        "",
        f"`{record['command']}`, {record['date']}, {record['system']}: {seconds // 60} min {seconds % 60} s. In short:"
        f" `pytest {trial.held}`.",
        "",
    ]
    return "\n".join(lines)
