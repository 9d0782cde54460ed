"""Result files: what was measured, on what, by which command."""

import json
import platform
import re
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from gpufa.basics import files

RESULTS = Path(__file__).parent / "results"
PACKAGES = "gpufa", "numpy", "scipy", "h5py", "torch", "jax", "scikit-learn", "cupy-cuda12x", "cupy-cuda13x"


def described(kind: str, facts: dict[str, str], threads: int, beside: tuple[str, ...] = ()) -> dict[str, Any]:
    """What a result file says of its making, with other packages `beside` the usual ones."""
    return {
        "date": str(date.today()),
        "command": f"python -m benchmarks {kind.replace('_', '-')}",
        "kind": kind,
        "system": f"{platform.system()} {platform.machine()}",
        "threads": threads,
        "facts": facts,
        "packages": {name: found for name in (*PACKAGES, *beside) if (found := _version(name))},
    }


def machine(record: dict[str, Any]) -> str:
    """The GPU, or where there was none the processor."""
    facts: dict[str, str] = record["facts"]
    return facts.get("device") or facts["processor"]


def by_work(records: list[dict[str, Any]]) -> dict[str, list[tuple[dict[str, Any], dict[str, Any]]]]:
    """By the name of each work, the records that have it and it in them, works in the order of the fullest record."""
    found: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {}
    for record in sorted(records, key=lambda record: -len(record["works"])):
        found |= {work["work"]: [] for work in record["works"] if work["work"] not in found}
    for record in records:
        for work in record["works"]:
            found[work["work"]].append((record, work))
    return found


def threads(record: dict[str, Any]) -> str:
    return in_words(record["threads"])


def in_words(threads: int) -> str:
    return f"{threads} thread{'s' if threads > 1 else ''}"


def named(kind: str, machine: str, folder: Path = RESULTS) -> Path:
    return folder / f"{kind}-{re.sub('[^a-z0-9]+', '-', machine.lower()).strip('-')}.json"


def written(record: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write(path, json.dumps(record, indent=1) + "\n", "result", "give another --out")


def counts(record: dict[str, Any]) -> bool:
    """Whether the figures are of a machine's own: not a rehearsal's, with small nets or on a stand-in for a GPU."""
    device = record.get("facts", {}).get("device", "")
    return not record.get("quick") and not device.lower().startswith("stand-in")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
