"""A GPU through CuPy: all that is particular to CuPy, and no more.

CuPy's current device and stream belong to the thread, and `with stream:` (CuPy's own too, in `ndarray.get()` of a view)
goes back to the stream that was entered last, never to one that was merely `use()`d. So whatever issues work enters
`working` first, which enters both.
"""

import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from ...basics.errors import DeviceError
from ..kernels import Kernel
from .cublas import Cublas, load_cublas
from .device import CaptureFailed, Job, first_line, out_of_memory
from .lanes import BRANCHES, WORKSPACE, Lanes

Array = Any
OPTIONS = ("--std=c++17",)


class CupyDevice:
    """One NVIDIA GPU through CuPy; work goes to streams of its own, the same for every net and thread."""

    def __init__(self, index: int = 0) -> None:
        import cupy

        self.xp, self.index, self._device = cupy, index, cupy.cuda.Device(index)
        self.cublas = Cublas(load_cublas(), self.pointer)
        self._here = threading.local()
        with self._device:
            self._workspaces = [self._allocate((WORKSPACE,), np.uint8) for _ in range(BRANCHES)]
            # What is recorded goes to streams that no other thread can issue work on meanwhile.
            self._live, self._recording = (
                Lanes(cupy.cuda, self.cublas, [self.pointer(space) for space in self._workspaces]) for _ in range(2)
            )
            self._turn = cupy.cuda.Event(disable_timing=True)
            self._sending = cupy.cuda.Stream(non_blocking=True)
        self._own = {stream.ptr for lanes in (self._live, self._recording) for stream in lanes.streams}

    def working(self) -> AbstractContextManager[None]:
        cuda = self.xp.cuda
        if cuda.runtime.getDevice() == self.index and cuda.get_current_stream().ptr in self._own:
            return nullcontext()
        return self._entered()

    @contextmanager
    def _entered(self) -> Iterator[None]:
        main = self._live.main
        with self._device:
            outer = self.xp.cuda.get_current_stream()
            self._order(outer, main)
            try:
                with main:
                    yield
            finally:
                self._device.use()  # whatever was made current meanwhile
                outer.use()  # leaving `main` goes back to the stream that was entered, which `outer` need not be
                self._order(main, outer)

    def _order(self, first: Any, then: Any) -> None:
        """What `then` is handed from here on waits for what `first` holds."""
        with self._live.lock:
            self._turn.record(first)
            then.wait_event(self._turn)

    @property
    def _lanes(self) -> Lanes:
        return self._recording if getattr(self._here, "records", False) else self._live

    @property
    def branch(self) -> int:
        return self._lanes.branch

    def empty(self, shape: Sequence[int], dtype: Any) -> Array:
        with self.working():
            return self._allocate(shape, dtype)

    def _allocate(self, shape: Sequence[int], dtype: Any) -> Array:
        try:
            return self.xp.empty(tuple(shape), dtype)
        except self.xp.cuda.memory.OutOfMemoryError:
            (free, total), held = self._device.mem_info, self.xp.get_default_memory_pool().total_bytes()
            raise out_of_memory(f"GPU {self.index}", shape, dtype, free, total, held) from None

    def zeros(self, shape: Sequence[int], dtype: Any) -> Array:
        with self.working():
            array = self._allocate(shape, dtype)
            array.fill(0)
            return self._for_all_branches(array)

    def upload(self, array: Any, dtype: Any = None) -> Array:
        if self._elsewhere(array):
            array = self.download(array)
        with self.working():
            if isinstance(array, self.xp.ndarray):
                return self._for_all_branches(self.xp.ascontiguousarray(array, dtype))
            host = np.ascontiguousarray(array, dtype)
            on_device = self._allocate(host.shape, host.dtype)
            on_device.set(host)
            return self._for_all_branches(on_device)

    def _for_all_branches(self, array: Array) -> Array:
        """The array, once it is filled: what one branch makes, such as a constant, others may read."""
        if self._lanes.forked:
            self.xp.cuda.get_current_stream().synchronize()
        return array

    def download(self, array: Array) -> np.ndarray:
        with array.device if self._elsewhere(array) else self.working():
            return self.xp.asnumpy(array)

    def _elsewhere(self, array: Any) -> bool:
        """Whether it is on another GPU, which kernels of this one may not reach."""
        return isinstance(array, self.xp.ndarray) and array.device.id != self.index

    def pinned(self, shape: Sequence[int], dtype: Any) -> np.ndarray:
        count, kind = math.prod(shape), np.dtype(dtype)
        with self._device:
            room = self.xp.cuda.alloc_pinned_memory(count * kind.itemsize)
        return np.frombuffer(room, kind, count).reshape(tuple(shape))

    def send(self, staged: np.ndarray, out: Array) -> None:
        with self._device:
            out.set(staged, stream=self._sending)
            self._sending.synchronize()

    def pointer(self, array: Array) -> int:
        return array.data.ptr

    def launch(self, kernel: Kernel, grid: tuple, block: tuple, arguments: tuple) -> None:
        with self.working():
            _compiled(self.index, kernel)(grid, block, arguments)

    def gemm(self, a: Array, b: Array, out: Array, alpha: Any, beta: Any, precision: str) -> None:
        lanes = self._lanes
        with self.working(), lanes.lock:
            self.cublas.gemm(lanes.handle, a, b, out, alpha, beta, precision)

    def parallel(self, jobs: Sequence[Job]) -> None:
        lanes = self._lanes
        with self.working(), lanes.lock:
            lanes.parallel(jobs)

    def record(self, step: Job) -> Job:
        with self.working(), self._recording.lock:
            self._live.main.synchronize()
            graph = self._captured(step)

        def replay() -> None:
            with self.working():
                graph.launch(self._live.main)

        return replay

    def _captured(self, step: Job) -> Any:
        """The graph of what `step` issues. Whatever it raises, Ctrl-C too, no stream is left capturing."""
        main, graph, failure = self._recording.main, None, None
        with main:
            try:
                self._here.records = True
                main.begin_capture()
                with _no_allocation(self.xp):
                    step()
            except Exception as error:
                failure = error
            finally:
                self._here.records = False
                try:
                    graph = main.end_capture()
                except Exception as error:
                    failure = failure or error
        if failure is not None:
            raise CaptureFailed(first_line(failure)) from failure
        return graph

    @property
    def idle(self) -> bool:
        return bool(self._live.main.done)

    def synchronize(self) -> None:
        with self.working():
            self._live.main.synchronize()

    def describe(self) -> dict[str, str]:
        runtime = self.xp.cuda.runtime
        facts = runtime.getDeviceProperties(self.index)
        versions = {"CUDA runtime": runtime.runtimeGetVersion(), "CUDA driver": runtime.driverGetVersion()}
        cublas = self.cublas.version(self._live.handle)
        return {
            "device": f"{facts['name'].decode()} (GPU {self.index})",
            "compute capability": f"{facts['major']}.{facts['minor']}",
            "GPU memory": f"{facts['totalGlobalMem'] / 2**30:.1f} GiB",
            "cupy": self.xp.__version__,
            **{name: f"{version // 1000}.{version % 1000 // 10}" for name, version in versions.items()},
            "cuBLAS": f"{cublas // 10000}.{cublas % 10000 // 100}.{cublas % 100}",
        }


@cache
def open_device(index: int) -> CupyDevice:
    """The one device of that index: all nets on it share its streams, so that their work stays in order."""
    # CuPy's first operator imports this, and modules behind it (Optuna's) keep the error of one that is not there, with
    # all frames that led to it and so the net that was trained there: a thread's frames lead to none.
    importing = threading.Thread(target=import_module, args=("cupyx.scipy.special",))
    importing.start()
    importing.join()
    return CupyDevice(index)


@cache
def _compiled(index: int, kernel: Kernel) -> Any:
    import cupy

    return cupy.RawModule(code=kernel.source, options=OPTIONS).get_function(kernel.name)


@contextmanager
def _no_allocation(cupy: Any) -> Iterator[None]:
    """Raise where CuPy allocates, whoever does it: a recorded step would go on using memory that was given back."""

    def refuse(size: int) -> Any:
        raise DeviceError(f"{size} bytes were allocated inside the step")

    with cupy.cuda.using_allocator(refuse):
        yield
