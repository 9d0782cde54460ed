"""The array libraries gpufa runs on. Nothing outside this folder imports CuPy or asks which backend it has."""

import importlib.util
import os

from ..basics.arguments import one_of, whole
from ..basics.errors import BackendUnavailable, InvalidValue, warn
from .gpu.cupydevice import open_device
from .gpu.device import first_line
from .gpu.faults import faults, on_device
from .operations.base import Backend

__all__ = ["BACKENDS", "PRECISIONS", "Backend", "describe_all", "faults", "get_backend", "on_device", "why_no_gpu"]

BACKENDS = "auto", "numpy", "cupy"
PRECISIONS = "fp32", "tf32", "bf16"
_tried: set[int] = set()  # GPUs whose trial went well; one that was full, say, is tried again


def get_backend(name: "str | Backend" = "auto", device: int = 0, precision: str = "fp32", off_gpu: str = "") -> Backend:
    """The backend of that name, on that GPU; "auto" takes the GPU where one works, else the CPU, and
    warns where there is one that doesn't. `off_gpu` says why what is to run can't go to a GPU at all.

    Raises InvalidValue for an unknown name or precision, BackendUnavailable where a GPU was asked for ("cupy", or any
    but the first) and can't be used, saying why.
    """
    if isinstance(name, Backend):
        if off_gpu and name.name != "numpy":
            raise BackendUnavailable(f"backend {name.name!r} can't run this: {off_gpu}; use --backend numpy")
        return name
    for what, value, known in (("backend", name, BACKENDS), ("precision", precision, PRECISIONS)):
        one_of(value, known, what)
    device = whole(device, "device", least=0)
    absent = why_no_gpu(device) if name != "numpy" else "backend numpy was asked for"
    reason = absent or off_gpu
    if reason and (name == "cupy" or (name == "auto" and device)):
        raise BackendUnavailable(f"backend 'cupy' can't run here: {reason}; or use --backend numpy")
    if reason and precision != "fp32":
        raise InvalidValue(f"precision {precision!r} needs a GPU, but {reason}; leave --precision out")
    if reason:
        if name == "auto" and ((off_gpu and not absent) or not _absent(device)):
            warn(f"the CPU is used in place of the GPU: {reason}")
        from .cpu.backend import NumpyBackend

        return NumpyBackend()
    from .gpu.backend import CupyBackend

    return CupyBackend(open_device(device), precision)


def own_gpu(device: int, process: int) -> int:
    """The GPU of one of several processes on a machine, which is that number: `device` has the first of them, and they
    begin anew where there are no more."""
    if not process or importlib.util.find_spec("cupy") is None or hidden():
        return device
    try:
        import cupy

        count = cupy.cuda.runtime.getDeviceCount()
    except Exception:  # told where the backend is asked for
        return device
    return device + process % max(1, count - device)


def why_no_gpu(index: int = 0) -> str:
    """One line that says why that GPU can't be used and what would help, or "" where it can. Never raises."""
    return _absent(index) or _unfit(index)


def _absent(index: int) -> str:
    """Why there is no such GPU to be used."""
    if importlib.util.find_spec("cupy") is None:
        return "CuPy is not installed (pip install 'gpufa[cuda12]', or 'gpufa[cuda13]' where the driver has CUDA 13)"
    if hidden():
        return "CUDA_VISIBLE_DEVICES hides every GPU: unset it"
    try:
        import cupy
    except Exception:
        return ""  # it is there, and broken
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except Exception as error:
        return f"the CUDA driver does not answer ({first_line(error)}): install or update NVIDIA's driver"
    if index >= count:
        return f"there is no GPU {index}, of {count} counted from 0: change --device" if count else "no GPU is found"
    return ""


def hidden() -> bool:
    """Whether the environment hides every GPU."""
    return os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")


def _unfit(index: int) -> str:
    """Why a GPU that may be there can't be trained on."""
    if index in _tried:
        return ""
    try:
        import cupy  # noqa: F401
    except Exception as error:  # a broken installation raises whatever it likes
        return f"CuPy can't be imported ({first_line(error)}): install it anew"
    from .trial import trial

    if not (reason := trial(lambda: open_device(index))):
        _tried.add(index)
    return reason


def describe_all() -> dict[str, str]:
    """What `gpufa info` prints: the backend that "auto" takes and why, its facts, and NumPy's in any case."""
    chosen, reason = get_backend("auto"), why_no_gpu()
    why = f"no GPU: {reason}" if reason else "a GPU was found, and a few training steps on it came out right"
    return {"backend": f"{chosen.name} ({why})", **get_backend("numpy").describe(), **chosen.describe()}
