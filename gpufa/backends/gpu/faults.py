"""What CuPy raises when a GPU fails, in gpufa's own words; and methods that work on a device."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from typing import Any, TypeVar

from ...basics.errors import DeviceError, GpufaError, room_needed
from .device import first_line, no_room

Method = TypeVar("Method", bound=Callable[..., Any])


@contextmanager
def faults() -> Iterator[None]:
    """Raise CuPy's errors, and Python's own MemoryError, as OutOfMemory and DeviceError; a decorator, too."""
    with room_needed():
        try:
            yield
        except Exception as error:
            if told := in_words(error):
                raise told from error
            raise


def on_device(method: Method) -> Method:
    """A method of an object that has a `backend`: what it does with arrays is done on that one's device, in order with
    what the caller does with them, and a failure is told in gpufa's own words."""

    @wraps(method)
    def placed(self: Any, *args: Any, **kw: Any) -> Any:
        with faults(), self.backend.working():
            return method(self, *args, **kw)

    return placed  # type: ignore[return-value]


def in_words(error: Exception) -> GpufaError | None:
    """The error that a user is told for one of CuPy's; None for any other."""
    kind = type(error).__name__ if type(error).__module__.startswith("cupy") else ""
    if kind == "OutOfMemoryError" or (kind == "CUDARuntimeError" and "cudaErrorMemoryAllocation" in str(error)):
        import cupy

        with suppress(Exception):  # a GPU that fails may not even tell how much is free
            device, pool = cupy.cuda.Device(), cupy.get_default_memory_pool()
            free, total = device.mem_info
            what = f"what is next ({first_line(error)})"
            return no_room(f"GPU {device.id}", what, free, total, pool.total_bytes())
    if kind in ("OutOfMemoryError", "CUDARuntimeError", "CUDADriverError"):
        return DeviceError(
            f"the GPU failed ({first_line(error)}); nvidia-smi and dmesg may say why: go on in a new process, with"
            " gpufa resume where the run has a folder"
        )
    return None
