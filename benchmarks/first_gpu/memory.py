"""The GPU memory that training a net takes at most, against its data and parameters."""

import gc
from typing import Any

from gpufa.backends import get_backend

from ..contenders import make
from ..start import Start, start_of
from ..worker import CHECKED
from ..works import Work
from .task import Task
from .times import chosen


def memory(task: Task) -> None:
    get_backend("cupy")  # whose workspaces are there once for all nets
    rows: list[dict[str, Any]] = []
    for work in {(*work.sizes, *work.layers, work.replicas): work for work in chosen(task.quick)}.values():
        start = start_of(work.quick if task.quick else work)
        for name in ("gpufa dfa", "gpufa bp"):
            row = {"work": work.name, "contender": name}
            row |= taken(name, work.quick if task.quick else work, start)
            task.keep(rows=(rows := [*rows, row]))


def taken(name: str, work: Work, start: Start) -> dict[str, int]:
    """Bytes that CuPy's pool has of the GPU, and those of them in use, beyond what it has without the net."""
    import cupy

    gc.collect()
    pool = cupy.get_default_memory_pool()
    pool.free_all_blocks()
    held, used = pool.total_bytes(), pool.used_bytes()
    contender = make(name, work, start, "gpu")
    for _ in range(CHECKED):
        contender.step()
    contender.synchronize()
    return {
        "pool_bytes": pool.total_bytes() - held,
        "used_bytes": pool.used_bytes() - used,
        **start.sizes(work),
        "free_bytes": cupy.cuda.Device().mem_info[0],
    }
