"""What may be wrong with the CPU's side of a machine: the cache, the compiler, threads of BLAS."""

import math
import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ....basics.files import cache_folder
from ....basics.finding import Finding
from .compiler import compiler
from .facts import blas, cores, machine_code, pools
from .preset import preset

ROOM = 200 << 20  # bytes: the largest named set, unpacked
THREADS = "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"
INSTALLERS = {
    "apt-get": "apt-get install -y g++",
    "dnf": "dnf install -y gcc-c++",
    "apk": "apk add g++",
    "pacman": "pacman -S gcc",
    "zypper": "zypper install gcc-c++",
    "xcode-select": "xcode-select --install",
}
SLOW = "without it an Adam step takes 1.4 times as long, and convolutions go by columns"


def checks() -> Iterator[Finding]:
    """The cache, which the compiler needs, the compiler, BLAS, its threads and its kernels."""
    yield (cache := _cache())
    yield _compiler(cache)
    yield _blas()
    yield _threads()
    yield preset()


def _cache() -> Finding:
    folder, what = cache_folder(), "cache folder"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder):
            free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding(
            what,
            f"{folder} can't be written ({error.strerror})",
            "what gpufa compiles and downloads is kept there; without it machine code is done without",
            'export XDG_CACHE_HOME="$PWD/.cache"',
            weighs=True,
        )
    if free < ROOM:
        why = "data sets are downloaded to it"
        return Finding(what, f"{folder}, {free >> 20} MiB free", why, f"du -sh {shlex.quote(str(folder))}/*")
    return Finding(what, f"{folder}, {free / 2**30:.1f} GiB free")


def _compiler(cache: Finding) -> Finding:
    cxx, named, what = compiler(), os.environ.get("GPUFA_CXX"), "C++ compiler"
    if cxx is None and named == "":
        return Finding(what, "none is used: GPUFA_CXX is empty", SLOW, "unset GPUFA_CXX")
    if cxx is None and named:
        return Finding(what, f"GPUFA_CXX={named} is not found", SLOW, "unset GPUFA_CXX", weighs=True)
    if cxx is None:
        return Finding(what, "none is found", SLOW, _installation(), weighs=True)
    if cache.weighs:
        return Finding(what, f"{cxx}; it can't be tried before the cache folder can be written")
    if not all(machine_code()):
        state = f"{cxx} is found, and makes nothing that works"
        return Finding(what, state, SLOW, _installation(), weighs=True)
    return Finding(what, f"{cxx}, tried: the optimizers' pass and convolution are machine code")


def _installation() -> str:
    """What installs a compiler here."""
    command = next((line for name, line in INSTALLERS.items() if shutil.which(name)), "")
    if not command:
        return "conda install -c conda-forge cxx-compiler"
    return command if command.startswith("xcode") or os.geteuid() == 0 else f"sudo {command}"


def _blas() -> Finding:
    kinds = {(pool["internal_api"], pool.get("architecture")) for pool in pools()}
    if len(kinds) > 1:
        return Finding(
            "BLAS",
            f"NumPy's is not SciPy's: {blas()}",
            "gpufa's products are SciPy's; those of your own program in NumPy have other threads and round otherwise",
            "pip install --force-reinstall numpy scipy",
        )
    return Finding("BLAS", blas())


def _threads() -> Finding:
    used, allowed = max((pool["num_threads"] for pool in pools()), default=0), _allowed()
    named = [name for name in THREADS if name in os.environ]
    why_few = "products have one core of those that there are; right where several processes share them"
    unset = f"unset {' '.join(named)}"
    state = f"{used or 'an unknown number'} of BLAS, {allowed} cores"
    if used == 1 < allowed and named:
        by = ", ".join(f"{name}={os.environ[name]}" for name in named)
        return Finding("threads", f"{state}: {by}", why_few, unset, weighs=True)
    if used > allowed:
        mend = f"export OPENBLAS_NUM_THREADS={allowed} OMP_NUM_THREADS={allowed}"
        return Finding("threads", state, "threads wait for each other's cores, which makes products slow", mend, True)
    if used > 1 and round(idle := _idle()) < used:
        state += f", {max(idle, 0):.1f} of the machine's idle in the last minute"
        why = "a product ends with its last thread, and that waits for a core where other processes have them"
        return Finding("threads", state, why, "export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1")
    return Finding("threads", state)


def _idle() -> float:
    """The machine's cores less those asked for in the last minute, on the average; all where the system can't say."""
    load = 0.0
    with suppress(AttributeError, OSError):
        load = os.getloadavg()[0]
    return (os.cpu_count() or 1) - load


def _allowed() -> int:
    """The cores that this process may use, by a container's quota too."""
    with suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="utf-8").split()
        if quota != "max":
            return min(cores(), math.ceil(int(quota) / int(period)))
    return cores()
