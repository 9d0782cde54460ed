"""Which runs there are in a folder, a line each: by their summaries, and while they go on by their checkpoints."""

import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..basics.arguments import path_of
from ..basics.errors import FileProblem
from ..checkpoints import networks
from ..training.course.stopping import Status
from ..training.settings.toml import stored
from . import tables
from .places import in_use
from .summary import summary_of

RUNNING = Status.RUNNING.name.lower()


class Entry(NamedTuple):
    """A run in words; of one that can't be read `status` says why, and the rest is empty."""

    run: str
    rule: str = ""
    data: str = ""
    epochs: str = ""
    score: str = ""
    status: str = ""


def entries(folder: str | Path) -> list[Entry]:
    """The runs in the folder and the folders in it, by name. Raises FileProblem where there is no such folder."""
    folder = path_of(folder, "folder")
    if not folder.is_dir():
        raise FileProblem(f"there is no folder {str(folder)!r}; name the one that the runs are in")
    return [_entry(run) for run in sorted(_runs(folder))]


def _runs(folder: Path) -> Iterator[Path]:
    """The folders that hold a checkpoint; what is in such a folder belongs to it."""
    for path, folders, files in os.walk(folder):
        if networks.CHECKPOINT in files:
            folders.clear()
            yield Path(path)


def _entry(run: Path) -> Entry:
    try:
        summary, planned = _summary(run)
        states = list(dict.fromkeys(summary["status"]))
        if RUNNING in states:
            states[states.index(RUNNING)] = "running" if in_use(run) else "interrupted"
        epochs = f"{summary['epochs']} of {planned}" if planned is not None else str(summary["epochs"])
        score = tables.in_short(summary).removeprefix(", ")
        return Entry(str(run), summary["rule"], summary["data"], epochs, score, ", ".join(states))
    except FileProblem as error:
        return Entry(str(run), status=f"can't be read: {error}")


def _summary(run: Path) -> tuple[Mapping[str, Any], int | None]:
    """What summary.json says, unless the run has gone on since, or has not ended: then what the checkpoint does, which
    is read as a whole; and of a run that has more to come how many epochs are planned."""
    file, checkpoint = run / "summary.json", run / networks.CHECKPOINT
    try:
        if file.stat().st_mtime_ns >= checkpoint.stat().st_mtime_ns:
            summary = json.loads(file.read_text(encoding="utf-8"))
            tables.results(summary)  # all that is shown is there
            more = RUNNING in summary["status"]
            return summary, tomllib.loads((run / "config.toml").read_text(encoding="utf-8"))["epochs"] if more else None
    except (OSError, ValueError, TypeError, LookupError):
        pass  # the checkpoint knows
    arrays, metadata = networks.contents(checkpoint)
    if "config" not in metadata:
        raise FileProblem("it is a network without its training")
    return summary_of(arrays, metadata), stored(metadata).epochs
