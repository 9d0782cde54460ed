"""What the CPU is that NumPy works on, and by what."""

import os
import platform
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from ....functions import optimizers
from .compiler import compiler
from .convolver import convolver
from .update import compiled_update

VECTORS = {"avx512f": "AVX-512", "avx2": "AVX2"}  # by what Linux calls them, the widest first


def facts() -> dict[str, str]:
    """Processor, libraries, and what is machine code, as `gpufa info` and a run's records have them."""
    import scipy

    fused, convolution = machine_code()
    return {
        "processor": _processor(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "BLAS": blas(),
        "optimizer pass": f"machine code by {compiler()}" if fused else "NumPy (no C++ compiler that works)",
        "convolution": f"machine code by {compiler()}" if convolution else "columns, and products of BLAS",
        "TF32": "no: products are done in full precision",
    }


def pools() -> list[dict[str, Any]]:
    """The BLAS libraries that are loaded and whose threads are counted."""
    from threadpoolctl import threadpool_info

    return [pool for pool in threadpool_info() if pool["user_api"] == "blas"]


def blas() -> str:
    """Their names, versions, kernels and threads."""
    said = (
        f"{pool['internal_api']} {pool['version']} ({pool.get('architecture', '?')}, {pool['num_threads']} threads)"
        for pool in pools()
    )
    return "; ".join(said) or _built_on()


def machine_code() -> tuple[bool, bool]:
    """Whether the optimizers' pass is machine code, and whether convolution is."""
    return bool(compiled_update(optimizers.optimizer("sgd"), "float32")), bool(convolver("float32"))


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _built_on() -> str:
    """The BLAS that NumPy was built on, where it is none whose threads are counted."""
    try:
        return f"{np.show_config('dicts')['Build Dependencies']['blas']['name']}, by NumPy's build"
    except (KeyError, TypeError):
        return "unknown"


def _processor() -> str:
    """The processor's name, its vectors where they are known, since processors of one name differ in them, and the
    number of cores this process may use."""
    name = _said().get("model name") or platform.processor() or platform.machine()
    return f"{name}{f' with {vectors()}' if vectors() else ''}, {cores()} core{'' if cores() == 1 else 's'}"


def vectors() -> str:
    """What the widest vectors of the processor are called; nothing where that is not known."""
    flags = _said().get("flags", "").split()
    return next((name for flag, name in VECTORS.items() if flag in flags), "")


def _said() -> dict[str, str]:
    """What Linux says of the first core."""
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in reversed(lines))}
    return {}
