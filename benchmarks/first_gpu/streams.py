"""Which of CuPy's calls leave a stream current that was only `use()`d, and which go back to another."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from .task import Task


def streams(task: Task) -> None:
    import cupy

    cuda = cupy.cuda
    used, other = (cuda.Stream(non_blocking=True) for _ in range(2))
    matrix = cupy.zeros((4, 4))

    def stays(call: Callable[[], object]) -> bool:
        used.use()
        call()
        return cuda.get_current_stream().ptr == used.ptr

    calls = {
        "stream.use()": lambda: None,
        "Device.use()": cuda.Device(0).use,
        "with the stream itself": lambda: passed(used),
        "with another stream": lambda: passed(other),
        "with Device": lambda: passed(cuda.Device(0)),
        "get() of an array": matrix.get,
        "get() of a view with gaps": matrix[:, ::2].get,
    }
    try:
        task.keep(stays_current_after={what: stays(call) for what, call in calls.items()})
    finally:
        cuda.Stream.null.use()


def passed(manager: AbstractContextManager) -> None:
    """Enter and leave."""
    with manager:
        pass
