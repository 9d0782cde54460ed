"""NCCL through CuPy: sums and messages from GPU to GPU, which a step's graph may hold.

NCCL wants no more of one process than one GPU, and that no two share one. What is destroyed waits for all graphs that
hold some of its work, whose ends Python doesn't tell: so a line is kept until the process ends, and is used again.
"""

import ctypes
import platform
import threading
import warnings
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from ...basics.errors import DeviceError
from ..operations.lines import Line, Number
from .device import Device, first_line
from .launcher import Launcher

Array = Any
SUMMED = {"float32": "NCCL_FLOAT32", "float64": "NCCL_FLOAT64"}
BOOT = Path("/proc/sys/kernel/random/boot_id")  # machines may share a name


class NcclLine:
    """A communicator of NCCL's on a device."""

    open = True

    def __init__(self, device: Device, number: Number, size: int, rank: int) -> None:
        self.device, self.nccl = device, load_nccl()
        self.name = f"NCCL {version(self.nccl)}"
        self._room: dict[tuple[Any, ...], Array] = {}
        with device.working():
            self._ends = _called(self.nccl.NcclCommunicator, size, number, rank)
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._ends))  # else it is destroyed before the last graph is

    def add(self, a: Array) -> None:
        own = self._without_gaps(a)
        kind, at = getattr(self.nccl, SUMMED[own.dtype.name]), self.device.pointer(own)
        self._issue(self._ends.allReduce, at, at, own.size, kind, self.nccl.NCCL_SUM)
        self._back(own, a)

    def send(self, a: Array, to: int) -> None:
        own = self._without_gaps(a)
        self._issue(self._ends.send, self.device.pointer(own), own.nbytes, self.nccl.NCCL_UINT8, to)

    def receive(self, out: Array, of: int) -> None:
        own = self._space(out)
        self._issue(self._ends.recv, self.device.pointer(own), own.nbytes, self.nccl.NCCL_UINT8, of)
        self._back(own, out)

    def spread(self, a: Array, of: int) -> None:
        own = self._without_gaps(a)
        at = self.device.pointer(own)
        self._issue(self._ends.broadcast, at, at, own.nbytes, self.nccl.NCCL_UINT8, of)
        self._back(own, a)

    def check(self) -> None:
        _called(self._ends.check_async_error)

    def cut(self) -> None:
        """Beside all else, as it may have to wait for graphs."""
        if self.open:
            self.open = False
            threading.Thread(target=self._ends.abort, daemon=True).start()

    def _issue(self, what: Any, *given: Any) -> None:
        with self.device.working():
            _called(what, *given, self.device.xp.cuda.get_current_stream().ptr)

    def _space(self, a: Array) -> Array:
        """The array, or where it has gaps one like it without, which NCCL can write to."""
        if a.flags.c_contiguous:
            return a
        key = (*a.shape, a.dtype.char)
        if key not in self._room:
            self._room[key] = self.device.empty(a.shape, a.dtype)
        return self._room[key]

    def _without_gaps(self, a: Array) -> Array:
        own = self._space(a)
        if own is not a:
            own[...] = a
        return own

    def _back(self, own: Array, a: Array) -> None:
        if own is not a:
            a[...] = own


class NcclLines(Launcher):
    """The lines that a GPU can have."""

    @property
    def gpu(self) -> str:
        boot = ""
        with suppress(OSError):
            boot = BOOT.read_text().strip()
        return f"{platform.node()} {boot} {self.xp.cuda.Device(self.device.index).pci_bus_id}"

    @property
    def no_line(self) -> str:
        cuda = self.xp.cuda.runtime.runtimeGetVersion() // 1000
        return "" if load_nccl() else f"NCCL is missing (pip install nvidia-nccl-cu{cuda})"

    def new_line(self) -> Number:
        found: Number = _called(load_nccl().get_unique_id)
        return found

    def line(self, number: Number, size: int, rank: int) -> Line:
        return NcclLine(self.device, number, size, rank)

    @property
    def idle(self) -> bool:
        return self.device.idle


@cache
def load_nccl() -> Any:
    """CuPy's binding, None where there is no NCCL that it can load."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # CuPy's own, of several lines
        from cupy.cuda import nccl
    return nccl if nccl.available else None


def version(nccl: Any) -> str:
    """Such as 2.25.1."""
    number = nccl.get_version()
    return f"{number // 10000}.{number // 100 % 100}.{number % 100}"


def _called(what: Any, *given: Any) -> Any:
    try:
        return what(*given)
    except Exception as error:  # CuPy has no names for some of NCCL's errors
        raise DeviceError(f"NCCL: {first_line(error)}") from None
