"""What the CPU is that NumPy works on, and by what."""

import os
import platform
from contextlib import suppress
from pathlib import Path

import numpy as np

from ...functions import optimizers
from .compiler import compiler
from .convolver import convolver
from .update import compiled_update


def facts() -> dict[str, str]:
    """Processor, libraries, and what is machine code, as `gpufa info` and a run's records have them."""
    import scipy
    from threadpoolctl import threadpool_info

    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    fused = compiled_update(optimizers.optimizer("sgd"), "float32")
    blas = "; ".join(
        f"{pool['internal_api']} {pool['version']} ({pool.get('architecture', '?')}, {pool['num_threads']} threads)"
        for pool in pools
    )
    return {
        "processor": _processor(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "BLAS": blas or _built_on(),
        "optimizer pass": f"machine code by {compiler()}" if fused else "NumPy (no C++ compiler that works)",
        "convolution": f"machine code by {compiler()}" if convolver("float32") else "columns, and products of BLAS",
        "TF32": "no: products are done in full precision",
    }


def _built_on() -> str:
    """The BLAS that NumPy was built on, where it is none whose threads are counted."""
    try:
        return f"{np.show_config('dicts')['Build Dependencies']['blas']['name']}, by NumPy's build"
    except (KeyError, TypeError):
        return "unknown"


def _processor() -> str:
    """The processor's name and the number of cores this process may use."""
    name = platform.processor() or platform.machine()
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    return f"{name}, {len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()} cores"
