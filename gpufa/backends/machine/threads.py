"""Work done side by side by as many threads as BLAS has."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any


def threads() -> int:
    """As many as BLAS has just now."""
    return max((pool.num_threads for pool in _pools()), default=1)


def share(parts: int, work: Callable[[int], None]) -> None:
    """Do each part of the work, by a thread of its own while the processor has some."""
    others = [_workers().submit(work, part) for part in range(1, parts)]
    work(0)
    for other in others:
        other.result()


@cache
def _pools() -> list[Any]:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas").lib_controllers


@cache
def _workers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="machine code")


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_workers.cache_clear)  # a forked process has none of them
