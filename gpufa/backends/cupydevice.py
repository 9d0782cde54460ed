"""A GPU through CuPy: all that is particular to CuPy, and no more."""

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

import numpy as np

from ..errors import DeviceError
from .cublas import Cublas, Handle
from .device import CaptureFailed, Job, first_line, out_of_memory
from .kernels import Kernel

Array = Any
BRANCHES = 4  # streams that independent work is spread over
WORKSPACE = 32 << 20  # bytes of cuBLAS workspace a branch, as NVIDIA advises for Hopper
OPTIONS = ("--std=c++17",)


class CupyDevice:
    """One NVIDIA GPU through CuPy; work goes to streams of its own."""

    def __init__(self, index: int = 0) -> None:
        import cupy

        self.xp, self.index = cupy, index
        self._device = cupy.cuda.Device(index)
        self._device.use()
        self._streams = [cupy.cuda.Stream(non_blocking=True) for _ in range(BRANCHES)]
        self.use()
        self._begin = cupy.cuda.Event(disable_timing=True)
        self._ends = [cupy.cuda.Event(disable_timing=True) for _ in range(BRANCHES)]
        self.cublas = Cublas(_cublas_library(), self.pointer)
        self._workspaces = [self.empty((WORKSPACE,), np.uint8) for _ in range(BRANCHES)]
        self._handles = [
            self.cublas.create(stream.ptr, self.pointer(space), WORKSPACE)
            for stream, space in zip(self._streams, self._workspaces, strict=True)
        ]
        self._branch = 0

    def use(self) -> None:
        self._device.use()
        self._streams[0].use()

    def empty(self, shape: Sequence[int], dtype: Any) -> Array:
        try:
            return self.xp.empty(tuple(shape), dtype)
        except self.xp.cuda.memory.OutOfMemoryError:
            (free, total), held = self._device.mem_info, self.xp.get_default_memory_pool().total_bytes()
            raise out_of_memory(f"GPU {self.index}", shape, dtype, free, total, held) from None

    def upload(self, array: Any, dtype: Any = None) -> Array:
        if isinstance(array, self.xp.ndarray):
            return self.xp.ascontiguousarray(array, dtype)
        host = np.ascontiguousarray(array, dtype)
        on_device = self.empty(host.shape, host.dtype)
        on_device.set(host)
        return on_device

    def download(self, array: Array) -> np.ndarray:
        return self.xp.asnumpy(array)

    def pointer(self, array: Array) -> int:
        return array.data.ptr

    def launch(self, kernel: Kernel, grid: tuple, block: tuple, arguments: tuple) -> None:
        _compiled(self.index, kernel)(grid, block, arguments)

    @property
    def handle(self) -> Handle:
        return self._handles[self._branch]

    def parallel(self, jobs: Sequence[Job]) -> None:
        main, used = self._streams[0], min(len(jobs), BRANCHES)
        self._begin.record(main)
        for branch in range(used):
            if branch:
                self._streams[branch].wait_event(self._begin)
            with self._on(branch):
                for job in jobs[branch::BRANCHES]:
                    job()
        for branch in range(1, used):
            self._ends[branch].record(self._streams[branch])
            main.wait_event(self._ends[branch])

    @contextmanager
    def _on(self, branch: int) -> Iterator[None]:
        self._branch = branch
        try:
            with self._streams[branch]:
                yield
        finally:
            self._branch = 0

    def record(self, step: Job) -> Job:
        main = self._streams[0]
        failure: Exception | None = None
        main.synchronize()
        main.begin_capture()
        try:
            with _no_allocation(self.xp):
                step()
        except Exception as error:  # whatever it was, the capture must be ended
            failure = error
        try:
            graph = main.end_capture()
        except Exception as error:
            failure = failure or error
        if failure is not None:
            raise CaptureFailed(first_line(failure)) from failure
        return lambda: graph.launch(main)

    def synchronize(self) -> None:
        self._streams[0].synchronize()

    def describe(self) -> dict[str, str]:
        runtime = self.xp.cuda.runtime
        facts = runtime.getDeviceProperties(self.index)
        return {
            "device": f"{facts['name'].decode()} (GPU {self.index})",
            "compute capability": f"{facts['major']}.{facts['minor']}",
            "GPU memory": f"{facts['totalGlobalMem'] / 2**30:.1f} GiB",
            "cupy": self.xp.__version__,
            "CUDA runtime": str(runtime.runtimeGetVersion()),
            "CUDA driver": str(runtime.driverGetVersion()),
            "cuBLAS": str(self.cublas.version(self.handle)),
        }


@cache
def open_device(index: int) -> CupyDevice:
    """The one device of that index: all nets on it share its streams, so that their work stays in order."""
    return CupyDevice(index)


@cache
def _compiled(index: int, kernel: Kernel) -> Any:
    import cupy

    return cupy.RawModule(code=kernel.source, options=OPTIONS).get_function(kernel.name)


@contextmanager
def _no_allocation(cupy: Any) -> Iterator[None]:
    """Raise where CuPy allocates: a recorded step would go on using memory that was given back."""

    class Refuse(cupy.cuda.MemoryHook):
        name = "gpufa"

        def alloc_preprocess(self, **facts: Any) -> None:
            raise DeviceError(f"{facts['mem_size']} bytes were allocated inside the step")

        malloc_preprocess = alloc_preprocess

    with Refuse():
        yield


def _cublas_library() -> Any:
    """The cuBLAS that CuPy itself uses, or the newest that can be loaded."""
    with suppress(Exception):
        from cuda.pathfinder import load_nvidia_dynamic_lib

        return ctypes.CDLL(load_nvidia_dynamic_lib("cublas").abs_path)
    with suppress(Exception):
        import cupy_backends.cuda.libs.cublas  # noqa: F401  loads the library
    for name in ("libcublas.so.13", "libcublas.so.12", "libcublas.so", "cublas64_13.dll", "cublas64_12.dll"):
        with suppress(OSError):
            return ctypes.CDLL(name)
    raise DeviceError(
        "cuBLAS is not found; install CuPy with its libraries (pip install 'cupy-cuda12x[ctk]' or 'cupy-cuda13x[ctk]')"
    )
