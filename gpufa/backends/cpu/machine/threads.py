"""Work done side by side by as many threads as BLAS has."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from numpy.typing import NDArray

ALONE = 100_000  # nanoseconds: work that one thread has done before another would have been of use
SIDE = 64  # numbers that no two threads share
BORDER = 64  # bytes: where vectors begin
Room = Callable[[str, int, Any], NDArray]


def threads(nanoseconds: float) -> int:
    """For work that takes one of them so long: as many as BLAS has just now, or one."""
    return 1 if nanoseconds < ALONE else max((pool.num_threads for pool in _pools()), default=1)


def share(parts: int, work: Callable[[int], None]) -> None:
    """Do each part of the work, by a thread of its own while the processor has some."""
    others = [_workers().submit(work, part) for part in range(1, parts)]
    work(0)
    for other in others:
        other.result()


def share_numbers(n: int, each: float, work: Callable[[int, int], None]) -> None:
    """Do work(start, end) for stretches that are n numbers together, of which each takes so many nanoseconds."""
    parts = threads(n * each)
    if parts == 1:
        work(0, n)
        return
    borders = [n // SIDE * part // parts * SIDE for part in range(parts)] + [n]
    share(parts, lambda part: work(borders[part], borders[part + 1]))


def share_rows(rows: int, each: float, work: Callable[[int, int], None]) -> None:
    """Do work(first row, the one behind the last) for stretches that are all rows together, of which each takes so many
    nanoseconds."""
    parts = threads(rows * each)
    borders = [rows * part // parts for part in range(parts + 1)]
    share(parts, lambda part: work(borders[part], borders[part + 1]))


def rooms(room: Room, name: str, numbers: int, parts: int, like: NDArray) -> list[NDArray]:
    """So many numbers for each part, from where vectors can begin."""
    found = [room(f"{name} {part}", numbers + BORDER // like.itemsize, like.dtype) for part in range(parts)]
    return [one[-one.ctypes.data % BORDER // one.itemsize :] for one in found]


@cache
def _pools() -> list[Any]:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas").lib_controllers


@cache
def _workers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="machine code")


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_workers.cache_clear)  # a forked process has none of them
