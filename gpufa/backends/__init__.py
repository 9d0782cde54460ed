"""The array libraries gpufa runs on. Nothing outside this folder imports CuPy or asks which backend it has."""

import importlib.util
import os
from functools import cache

from ..errors import BackendUnavailable, InvalidValue
from .base import Backend

__all__ = ["BACKENDS", "Backend", "describe_all", "get_backend", "why_no_gpu"]

BACKENDS = "auto", "numpy", "cupy"


def get_backend(name: "str | Backend" = "auto") -> Backend:
    """The backend of that name; "auto" takes the GPU where one works, else the CPU.

    Raises InvalidValue for an unknown name, BackendUnavailable where "cupy" was asked for and can't run, saying why.
    """
    if isinstance(name, Backend):
        return name
    if name not in BACKENDS:
        raise InvalidValue(f"unknown backend {name!r}; choose one of {', '.join(BACKENDS)}")
    reason = why_no_gpu() if name != "numpy" else ""
    if name == "cupy" and reason:
        raise BackendUnavailable(f"backend 'cupy' can't run here: {reason}; use --backend numpy")
    if name == "numpy" or reason:
        from .numpy import NumpyBackend

        return NumpyBackend()
    from .cupy import CupyBackend

    return CupyBackend()


@cache
def why_no_gpu() -> str:
    """One line that says why the GPU can't be used, or "" where it can. Never raises.

    Counting devices is not enough: a small kernel is compiled and run, and a small product done, and both are checked.
    """
    if importlib.util.find_spec("cupy") is None:
        return (
            "CuPy is not installed (pip install 'gpufa[cuda12]' or 'gpufa[cuda13]', as your driver's CUDA version is)"
        )
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return "CUDA_VISIBLE_DEVICES hides every GPU"
    try:
        import cupy
    except Exception as error:  # a broken installation raises whatever it likes
        return f"CuPy can't be imported ({_line(error)})"
    try:
        if cupy.cuda.runtime.getDeviceCount() == 0:
            return "CuPy finds no CUDA device"
    except Exception as error:
        return f"the CUDA driver does not answer ({_line(error)})"
    try:
        x = cupy.ElementwiseKernel("T a", "T h", "h = a + a;", "gpufa_probe")(cupy.arange(4, dtype="f4"))
    except Exception as error:
        return f"a small kernel does not compile and run ({_line(error)})"
    try:
        product = float((x[None] @ x[:, None])[0, 0])
    except Exception as error:
        return f"a small product fails, so cuBLAS is missing or unusable ({_line(error)})"
    return "" if product == 56.0 else f"a small product came out as {product} instead of 56"


def _line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def describe_all() -> dict[str, str]:
    """What `gpufa info` prints: the backend that "auto" takes and why, its facts, and NumPy's in any case."""
    chosen, reason = get_backend("auto"), why_no_gpu()
    why = f"no GPU: {reason}" if reason else "a GPU was found, and a kernel and a product ran on it"
    return {"backend": f"{chosen.name} ({why})", **get_backend("numpy").describe(), **chosen.describe()}
