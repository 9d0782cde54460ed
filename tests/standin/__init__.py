"""A stand-in GPU: the real CuPy, unchanged, on a machine that has none.

`install()` before CuPy is imported, and all that CuPy asks of CUDA goes to libraries of our own: memory that is the
host's, streams that do their work late and in random order, graphs replayed in any order that their dependencies allow,
kernels compiled by g++ whose threads are fibers, products in C++, sums and messages of NCCL between processes of one
machine, unless GPUFA_STANDIN_NCCL is 0. What went wrong, with an error or without, is told by `faults()`.

Not done: CUB, cuRAND, cuSOLVER, cuSPARSE, textures, complex numbers, name expressions, inline PTX but "trap;",
stream-ordered allocation, memory that devices or processes share, argsort and lexsort; float32's denormals are kept. No
time is modelled. A kernel's own device pointers that lie within a structure, as CuPy's arrays do, are not looked at.
"""

import ctypes
import functools
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import build, patch
from .build import why_not

__all__ = [
    "count",
    "counts",
    "environment",
    "faults",
    "guard",
    "install",
    "installed",
    "launched",
    "lazy",
    "limit",
    "lose",
    "order",
    "revive",
    "seed",
    "why_not",
]

HERE = Path(__file__).parent
ORDERS = {"forward": 0, "reverse": 1, "random": 2, None: 3}


def install() -> None:
    """Let CuPy, once it is imported, run on the stand-in; in processes that this one starts, too."""
    if installed():
        return
    if "cupy" in sys.modules or "cupy_backends" in sys.modules:
        raise RuntimeError("CuPy was imported before the stand-in GPU was installed")
    if told := why_not():
        raise RuntimeError(told)
    os.environ.update(environment())
    _loaded()


def installed() -> bool:
    return _loaded.cache_info().currsize > 0


def environment() -> dict[str, str]:
    """The variables with which a process that is started has the stand-in, too."""
    site = str(HERE / "site")
    others = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path and path != site]
    return {"GPUFA_STANDIN": "1", "PYTHONPATH": os.pathsep.join([site, *others])}


@functools.cache
def _loaded() -> ctypes.CDLL:
    folder = build.build()
    os.environ["CUPY_CACHE_DIR"] = str(folder / "cupy")
    os.environ["CUPY_ACCELERATORS"] = ""  # CUB is compiled for GPUs
    standin = ctypes.CDLL(str(folder / "libstandin.so"))
    for name in ("counts", "launched", "faults"):
        getattr(standin, f"standin_{name}").restype = ctypes.c_char_p
    standin.standin_seed.argtypes = [ctypes.c_ulonglong]
    standin.standin_limit.argtypes = [ctypes.c_ulonglong, ctypes.c_int]
    absent = {build.NCCL} if os.environ.get("GPUFA_STANDIN_NCCL") == "0" else set()
    for name in build.shells():
        if name not in absent:
            patch.keep(ctypes.CDLL(str(folder / name)))
    # Behind the shells: of two libraries of one name, the first is what others find.
    given = folder / "kernels", "\n".join(build.kernel_command(folder)), build.nvrtc() or ""
    standin.standin_compile(*(str(word).encode() for word in given))
    patch.patch_all(standin, folder)
    return standin


def counts() -> dict[str, int]:
    """What was done so far, by its name."""
    lines = _loaded().standin_counts().decode().splitlines()
    return {name: int(number) for name, number in map(str.split, lines)}


@contextmanager
def count() -> Iterator[dict[str, int]]:
    """A dict that holds, at the end of the block, how often each was done within it."""
    before, within = counts(), {}
    yield within
    within.update({name: number - before[name] for name, number in counts().items()})


def launched() -> list[str]:
    """The kernels and products issued, or recorded, since it was last asked."""
    return _loaded().standin_launched().decode().splitlines()


def faults() -> list[str]:
    """What went wrong since it was last asked, each in a line that stderr has, too."""
    return _loaded().standin_faults().decode(errors="replace").splitlines()


def seed(n: int) -> None:
    """Draw the orders of streams, graphs and threads anew."""
    _loaded().standin_seed(n)


def lose(error: int = 719) -> None:
    """Lose the device: every call fails from now on, with that error."""
    _loaded().standin_lose(error)


def revive() -> None:
    """Have the device again, as no process of CUDA's could."""
    _loaded().standin_lose(0)


def limit(size: int, device: int = 0) -> None:
    """Let a device have that many bytes of memory."""
    _loaded().standin_limit(size, device)


def guard(on: bool) -> None:
    """Let every allocation from now on end where a page that faults begins, to within 16 bytes."""
    _loaded().standin_guard(on)


def lazy(on: bool) -> None:
    """Do work as late as streams allow (the default), or at once."""
    _loaded().standin_lazy(on)


def order(name: str | None) -> None:
    """Run a block's threads "forward", in "reverse" or "random" order; in any of the three for None."""
    _loaded().standin_order(ORDERS[name])
