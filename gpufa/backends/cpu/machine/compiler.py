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
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from ....basics.files import cache_folder
from ...kernels import TYPES

FLAGS = "-std=c++17", "-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC"
CAREFUL = "#if defined(__FAST_MATH__) || __FINITE_MATH_ONLY__\n#error what is no number would be lost\n#endif\n"
ROUNDED = """
#ifdef __clang__
#pragma clang fp contract(off)
#else
#pragma GCC optimize("fp-contract=off")
#endif
"""  # products before they are summed, as NumPy's are
POINTER, LONG, REAL = ctypes.c_void_p, ctypes.c_long, ctypes.c_double
Functions = Mapping[str, Sequence[Any]]  # by name, the types of what they are handed


@cache
def compiler() -> str | None:
    """The C++ compiler's path, or None."""
    names = [os.environ["GPUFA_CXX"]] if "GPUFA_CXX" in os.environ else ["c++", "g++", "clang++"]
    return next((found for name in names if name and (found := shutil.which(name))), None)


def source(dtype: Any, *names: str) -> str:
    """The text of these files, for arrays of that type, which they call T."""
    texts = (files(__package__).joinpath(name).read_text("utf-8") for name in names)
    return "\n".join([f"#define T {TYPES[np.dtype(dtype).name]}", *texts])


def built(text: str, functions: Functions) -> Any:
    """The library of these functions made of this text, from the cache or anew; None where that fails in any way. They
    give nothing back."""
    cxx, text = compiler(), CAREFUL + text
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


def _loaded(path: Path, functions: Functions) -> Any:
    """The library. Raises OSError where the file is none, AttributeError where it lacks one of the functions."""
    library = ctypes.CDLL(str(path))
    for name, arguments in functions.items():
        function = getattr(library, name)
        function.argtypes, function.restype = arguments, None
    return library


def _processor() -> str:
    """What -march=native depends on."""
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return "\n".join(dict.fromkeys(line for line in lines if line.startswith(("model name", "flags"))))
    return platform.processor()
