"""What `python -m benchmarks gpu`, `threshold` and `epoch` measure, each row kept as soon as it is there."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from gpufa.backends import get_backend

from .. import epoch as epochs
from .. import threshold as thresholds
from ..runner import begun, timed
from ..works import FLOOR, GPU, Work
from .task import Task, Wrong

THREADS, ROUNDS, EPOCHS = 4, 7, 5
MOST = 40  # contenders that are there at once: each has a GPU's memory, and gets ready while others do
OWN = "gpufa", "bare"


def rows(task: Task) -> None:
    works: list[dict[str, Any]] = []
    for group in together(chosen(task.quick)):
        for work, entered in [(work, begun(work, "gpu", THREADS, task.quick)) for work in group]:
            works.append(timed(work, entered, "gpu", THREADS, 1 if task.quick else ROUNDS, print))
            task.keep(works=works)
    found = [row for work in works for row in work["rows"]]
    if wrong := [row["contender"] for row in found if row.get("agrees") is False]:
        raise Wrong(f"other weights after 20 steps than gpufa's: {', '.join(wrong)}")
    if lost := [row["absent"] for row in found if "absent" in row and row["contender"].startswith(OWN)]:
        raise Wrong("; ".join(lost))


def together(works: Sequence[Work]) -> Iterator[list[Work]]:
    """The works in order, in groups of no more contenders than may be there at once."""
    group: list[Work] = []
    for work in works:
        if group and sum(len(one.contenders) for one in (*group, work)) > MOST:
            yield group
            group = []
        group.append(work)
    yield group


def chosen(quick: bool) -> list[Work]:
    """The GPU's works; of a rehearsal one net of dense layers, and one of maps."""
    if not quick:
        return list(GPU)
    dense, maps = GPU[0], next(work for work in GPU if work.layers)
    return [replace(dense, contenders=FLOOR), replace(maps, contenders=FLOOR[:1])]


def threshold(task: Task) -> None:
    task.keep(rows=thresholds.run(get_backend("cupy"), 1 if task.quick else ROUNDS, print, task.quick))


def epoch(task: Task) -> None:
    task.keep(**epochs.run(THREADS, 1 if task.quick else EPOCHS, "cupy", task.quick))
