"""The seam between the CuPy backend and a GPU: what the backend asks for.

CuPy does it in cupydevice.py.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from types import ModuleType
from typing import Any, Protocol

import numpy as np

from ...basics.errors import OutOfMemory
from ..kernels import Kernel

Array = Any
Job = Callable[[], None]


CONTEXT = 1 << 30  # bytes that a process may hold beyond its arrays


class CaptureFailed(Exception):
    """A step could not be recorded; the text says why. Nothing of it has run."""


class Device(Protocol):
    """A GPU. Work is issued in order; `parallel` alone lets some of it overlap."""

    xp: ModuleType
    index: int

    @property
    def branch(self) -> int:
        """Which of the jobs of `parallel` that may overlap work is issued by now; 0 outside."""

    def working(self) -> AbstractContextManager[None]:
        """Inside, what the calling thread does with arrays is done on this device, behind all work that it issued
        elsewhere, and ahead of what it issues there later. May be entered again inside, and from any thread."""

    def empty(self, shape: Sequence[int], dtype: Any) -> Array:
        """An array that holds anything. Raises OutOfMemory where there is no room for it."""

    def zeros(self, shape: Sequence[int], dtype: Any) -> Array:
        """An array of zeros. Raises OutOfMemory likewise."""

    def upload(self, array: Any, dtype: Any = None) -> Array:
        """A C-contiguous array on the device, from the host or another device; what is there already stays there."""

    def download(self, array: Array) -> np.ndarray:
        """A copy on the host, once all work before it is done."""

    def pinned(self, shape: Sequence[int], dtype: Any) -> np.ndarray:
        """An array on the host that `send` need not copy first."""

    def send(self, staged: np.ndarray, out: Array) -> None:
        """Copy to the device beside all other work, which it neither waits for nor holds up; done when it returns.
        Both are C-contiguous, of one shape and type. Any thread may call it."""

    def pointer(self, array: Array) -> int:
        """The address of the first element."""

    def launch(self, kernel: Kernel, grid: tuple, block: tuple, arguments: tuple) -> None:
        """Run a kernel over a grid of blocks; scalars are NumPy's, of the parameters' own types."""

    def gemm(self, a: Array, b: Array, out: Array, alpha: Any, beta: Any, precision: str) -> None:
        """One product of cuBLAS, as Cublas.gemm does it."""

    def parallel(self, jobs: Sequence[Job]) -> None:
        """Do the jobs side by side, after all work before them and before all work behind them."""

    def record(self, step: Job) -> Job:
        """What `step` issues, recorded without being run; the result runs it. Raises CaptureFailed."""

    @property
    def idle(self) -> bool:
        """Whether all work is done."""

    def synchronize(self) -> None:
        """Wait until all work is done."""

    def describe(self) -> dict[str, str]:
        """Names and versions."""


def out_of_memory(where: str, shape: Sequence[int], dtype: Any, free: int, total: int, held: int) -> OutOfMemory:
    """The error for an array that does not fit; `held` are the bytes that this process has already."""
    size = int(np.prod([int(n) for n in shape], dtype=object)) * np.dtype(dtype).itemsize
    what = f"an array {tuple(shape)} of {np.dtype(dtype).name}, {size / 2**20:,.0f} MiB"
    return no_room(where, what, free, total, held)


def no_room(where: str, what: str, free: int, total: int, held: int) -> OutOfMemory:
    """The error for whatever does not fit, in bytes of memory."""
    others = total - free - held
    elsewhere = f", {others / 2**20:,.0f} MiB are held by others (see nvidia-smi)" if others > CONTEXT else ""
    return OutOfMemory(
        f"{where} has no room for {what}: {free / 2**20:,.0f} of {total / 2**20:,.0f} MiB are free{elsewhere}; reduce"
        " --batch-size, --hidden or the number of --seeds, or use --backend numpy"
    )


def first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
