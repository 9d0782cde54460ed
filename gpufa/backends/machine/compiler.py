"""Machine code from C++, compiled once for each machine and kept in the cache.

GPUFA_CXX names the compiler; empty, there is none.
"""

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from ...basics.files import cache_folder

FLAGS = "-std=c++17", "-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC"


@cache
def compiler() -> str | None:
    """The C++ compiler's path, or None."""
    names = [os.environ["GPUFA_CXX"]] if "GPUFA_CXX" in os.environ else ["c++", "g++", "clang++"]
    return next((found for name in names if name and (found := shutil.which(name))), None)


def built(text: str, functions: Sequence[str]) -> Any:
    """The library of these functions made of this text, from the cache or anew; None where that fails in any way."""
    cxx = compiler()
    if cxx is None:
        return None
    with suppress(OSError, AttributeError, subprocess.SubprocessError):
        key = hashlib.sha256("\0".join([text, cxx, *FLAGS, platform.machine(), _processor()]).encode()).hexdigest()
        library = cache_folder() / "compiled" / f"{key[:32]}.so"
        if not library.exists():
            library.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryDirectory(dir=library.parent) as folder:
                source, made = Path(folder, "source.cpp"), Path(folder, "made.so")
                source.write_text(text, encoding="utf-8")
                command = [cxx, *FLAGS, str(source), "-o", str(made)]
                subprocess.run(command, check=True, capture_output=True, timeout=60)
                _loaded(made, functions)  # else it is not kept
                made.replace(library)
        return _loaded(library, functions)
    return None


def _loaded(path: Path, functions: Sequence[str]) -> Any:
    """The library. Raises OSError where the file is none, AttributeError where it lacks one of the functions."""
    library = ctypes.CDLL(str(path))
    for name in functions:
        library[name]
    return library


def _processor() -> str:
    """What -march=native depends on."""
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return "\n".join(dict.fromkeys(line for line in lines if line.startswith(("model name", "flags"))))
    return platform.processor()
