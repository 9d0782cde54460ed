"""What may be wrong with the GPU's side of a machine: builds of CuPy, the driver, CUDA's libraries."""

import ctypes
import re
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import distributions
from pathlib import Path

from ..basics.finding import Finding
from . import get_backend, hidden, why_no_gpu
from .cpu.machine import checks as machine

DRIVERS = "libcuda.so.1", "nvcuda.dll"
PCI, NVIDIA = Path("/sys/bus/pci/devices"), "0x10de"
UNUSED = "the GPU is not used, and the CPU is in its place"


def checks() -> Iterator[Finding]:
    """What NumPy works by, then what CuPy does."""
    get_backend("numpy")  # loads SciPy's BLAS
    yield from machine.checks()
    yield from _gpu()


def _gpu() -> Iterator[Finding]:
    builds, driver = cupy_builds(), driver_version()
    names, install = " ".join(builds), f"pip install 'gpufa[{extra(driver)}]'"
    shown = ", ".join(f"{name} {version}" for name, version in builds.items()) or "not installed"
    if len(builds) > 1:
        why = "they share one folder, and overwrite each other's files"
        yield Finding("CuPy", shown, why, f"pip uninstall -y {names} && {install}", weighs=True)
    elif not builds and driver:
        yield Finding("CuPy", shown, UNUSED, install, weighs=True)
    else:
        yield Finding("CuPy", shown)
    if driver:
        yield Finding("NVIDIA's driver", f"CUDA {driver[0]}.{driver[1]}")
    elif card():
        where = "its packages of your system, or nvidia.com/drivers"
        yield Finding("NVIDIA's driver", f"not found, and a card is there: install it, {where}", UNUSED, "", True)
    elif builds:
        why = "CuPy is of no use without a driver, and no card of NVIDIA is found"
        yield Finding("NVIDIA's driver", "not found", why, f"pip uninstall -y {names}", weighs=True)
    else:
        yield Finding("NVIDIA's driver", "not found, nor a card: the CPU is used")
    if len(builds) == 1 and driver:
        yield _libraries(next(iter(builds)), install)


def _libraries(build: str, install: str) -> Finding:
    """Whether training works on the GPU, by the libraries that are there."""
    what, reason = "CUDA's libraries", why_no_gpu()
    if reason and hidden():
        return Finding(what, reason, UNUSED, "unset CUDA_VISIBLE_DEVICES", weighs=True)
    if reason:
        return Finding(what, reason, UNUSED, f"pip uninstall -y {build} && {install}", weighs=True)
    found = get_backend("cupy").describe()
    return Finding(what, ", ".join(f"{name} {value}" for name, value in found.items()) + "; training was tried")


def cupy_builds() -> dict[str, str]:
    """The packages of CuPy that are installed, each with its version."""
    found = ((one.metadata["Name"] or "", one.version) for one in distributions())
    return {name: version for name, version in sorted(found) if re.fullmatch(r"cupy(-cuda\w+|-rocm[\w-]+)?", name)}


def driver_version() -> tuple[int, int] | None:
    """The newest CUDA that the driver has, by its own word; None where there is no driver."""
    for name in DRIVERS:
        number = ctypes.c_int()
        try:
            failed = ctypes.CDLL(name).cuDriverGetVersion(ctypes.byref(number))
        except (OSError, AttributeError):
            continue
        if not failed and number.value:
            return number.value // 1000, number.value % 1000 // 10
    return None


def extra(driver: tuple[int, int] | None) -> str:
    """The extra of gpufa for that driver."""
    return "cuda13" if driver and driver[0] >= 13 else "cuda12"


def card() -> bool:
    """Whether a card of NVIDIA is plugged in, on Linux."""
    with suppress(OSError):
        return any(path.read_text().strip() == NVIDIA for path in PCI.glob("*/vendor"))
    return False
