"""The array libraries gpufa runs on. Nothing outside this folder imports CuPy or asks which backend it has."""

import importlib.util
import os
from collections.abc import Callable
from functools import cache

import numpy as np

from ..arguments import one_of, whole
from ..errors import BackendUnavailable, InvalidValue
from .base import Backend
from .cupydevice import open_device
from .device import Device, first_line
from .faults import faults

__all__ = ["BACKENDS", "PRECISIONS", "Backend", "describe_all", "faults", "get_backend", "trial", "why_no_gpu"]

BACKENDS = "auto", "numpy", "cupy"
PRECISIONS = "fp32", "tf32", "bf16"
LIBRARIES = "install CuPy with its libraries (pip install 'cupy-cuda12x[ctk]', or 'cupy-cuda13x[ctk]' for CUDA 13)"


def get_backend(name: "str | Backend" = "auto", device: int = 0, precision: str = "fp32") -> Backend:
    """The backend of that name, on that GPU; "auto" takes the GPU where one works, else the CPU.

    Raises InvalidValue for an unknown name or precision, BackendUnavailable where a GPU was asked for ("cupy", or any
    but the first) and can't be used, saying why.
    """
    if isinstance(name, Backend):
        return name
    for what, value, known in (("backend", name, BACKENDS), ("precision", precision, PRECISIONS)):
        one_of(value, known, what)
    device = whole(device, "device", least=0)
    reason = why_no_gpu(device) if name != "numpy" else "backend numpy was asked for"
    if reason and (name == "cupy" or (name == "auto" and device)):
        raise BackendUnavailable(f"backend 'cupy' can't run here: {reason}; or use --backend numpy")
    if reason and precision != "fp32":
        raise InvalidValue(f"precision {precision!r} needs a GPU, but {reason}; leave --precision out")
    if reason:
        from .numpy import NumpyBackend

        return NumpyBackend()
    from .cupy import CupyBackend

    return CupyBackend(open_device(device), precision)


@cache
def why_no_gpu(index: int = 0) -> str:
    """One line that says why that GPU can't be used and what would help, or "" where it can. Never raises."""
    if importlib.util.find_spec("cupy") is None:
        return "CuPy is not installed (pip install 'gpufa[cuda12]', or 'gpufa[cuda13]' where the driver has CUDA 13)"
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return "CUDA_VISIBLE_DEVICES hides every GPU: unset it"
    try:
        import cupy
    except Exception as error:  # a broken installation raises whatever it likes
        return f"CuPy can't be imported ({first_line(error)}): install it anew"
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except Exception as error:
        return f"the CUDA driver does not answer ({first_line(error)}): install or update NVIDIA's driver"
    if index >= count:
        return f"there is no GPU {index}, of {count} counted from 0: change --device" if count else "no GPU is found"
    return trial(lambda: open_device(index))


def trial(open_it: Callable[[], Device]) -> str:
    """Why a device fails a small kernel and a small product, both checked, or "". Counting devices is not enough: NVRTC
    or cuBLAS may be missing, or too old a driver refuse what they make."""
    from ..random import Generator, Purpose
    from .cupy import CupyBackend

    try:
        backend = CupyBackend(open_it())
    except Exception as error:
        return f"the GPU or cuBLAS can't be opened ({first_line(error)}): {LIBRARIES}"
    host = Generator().fill("sign", np.empty((4, 4), np.float32), 0, Purpose.RULE)
    try:
        x = backend.zeros((1, 4, 4), "float32")
        backend.random("sign", x, (0,), Purpose.RULE)
        made = backend.to_host(x)[0]
    except Exception as error:
        return f"a small kernel does not compile and run ({first_line(error)}): update NVIDIA's driver, or {LIBRARIES}"
    try:
        backend.gemm(x, x, out=(out := backend.zeros((1, 4, 4), "float32")))
        product = backend.to_host(out)[0]
    except Exception as error:
        return f"a small product fails ({first_line(error)}): {LIBRARIES}"
    right = np.array_equal(made, host) and np.array_equal(product, host @ host)
    return "" if right else "a small kernel and a small product come out wrong: update NVIDIA's driver"


def describe_all() -> dict[str, str]:
    """What `gpufa info` prints: the backend that "auto" takes and why, its facts, and NumPy's in any case."""
    chosen, reason = get_backend("auto"), why_no_gpu()
    why = f"no GPU: {reason}" if reason else "a GPU was found, and a kernel and a product ran on it"
    return {"backend": f"{chosen.name} ({why})", **get_backend("numpy").describe(), **chosen.describe()}
