"""What CuPy raises when a GPU fails, in gpufa's own words."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ..errors import DeviceError, GpufaError, room_needed
from .device import first_line, no_room


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


def in_words(error: Exception) -> GpufaError | None:
    """The error that a user is told for one of CuPy's; None for any other."""
    kind = type(error).__name__ if type(error).__module__.startswith("cupy") else ""
    if kind == "OutOfMemoryError":
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
