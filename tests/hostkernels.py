"""gpufa's CUDA kernels compiled by the host's C++ compiler and run on NumPy arrays, every argument checked."""

import ctypes
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent / "cudahost"
COMPILER = shutil.which("g++") or shutil.which("c++")
FLAGS = ["-std=c++17", "-O1", "-ffp-contract=off", "-shared", "-fPIC", "-w"]
FORWARD, REVERSE, RANDOM = range(3)
FAULTS = {1: "a thread returned before a barrier that others reached", 2: "threads wait at different barriers"}
CACHE = Path(os.environ.get("GPUFA_KERNEL_CACHE") or Path(tempfile.gettempdir()) / f"gpufa-kernels-{os.getuid()}")

ELEMENTS = {
    "float": "float32",
    "double": "float64",
    "bf16": "uint16",
    "i64": "int64",
    "u64": "uint64",
    "unsigned": "uint32",
    "unsigned char": "uint8",
    "bool": "bool",
}
SCALARS = {
    "i64": (np.int64, ctypes.c_longlong),
    "int": (np.int32, ctypes.c_int),
    "unsigned": (np.uint32, ctypes.c_uint),
    "double": (np.float64, ctypes.c_double),
}


def build(text, *libraries, flags=()):
    """The shared library made of C++ text, kept by the hash of all that goes into it."""
    header = (HERE / "cudahost.h").read_text()
    key = hashlib.sha256("\0".join([text, header, *map(str, libraries), *FLAGS, *flags]).encode()).hexdigest()[:24]
    library = CACHE / f"{key}.so"
    if not library.exists():
        if not COMPILER:
            pytest.skip("no C++ compiler")
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            source, made = Path(folder, "kernel.cpp"), Path(folder, "kernel.so")
            source.write_text(text)
            command = [COMPILER, *FLAGS, *flags, "-I", str(HERE), str(source), "-o", str(made)]
            done = subprocess.run(command, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            made.replace(library)
    return library


def build_c(source):
    """The shared library made of a file of plain C, kept likewise."""
    text = source.read_text()
    library = CACHE / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.so"
    if not library.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            made = Path(folder, "c.so")
            subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-w", str(source), "-o", str(made)], check=True)
            made.replace(library)
    return library


@cache
def runtime(flags=()):
    path = build((HERE / "runtime.cpp").read_text(), flags=flags)
    return ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)


@cache
def compiled(kernel, flags=()):
    """(entry point, whether it has barriers)."""
    loaded = runtime(flags)
    casts = ", ".join(f"*({p}*)args[{i}]" for i, p in enumerate(kernel.parameters))
    text = f'#include "cudahost.h"\n{kernel.source}\nextern "C" void enter(void** args) {{ {kernel.name}({casts}); }}\n'
    library = ctypes.CDLL(str(build(text, flags=flags)))
    body = kernel.source[kernel.source.index(f"void {kernel.name}(") :].split('extern "C"')[0]
    assert loaded
    return library.enter, bool(re.search("__sync|__shfl", body))


def run(kernel, grid, block, arguments, order=FORWARD, flags=()):
    """Launch on the host."""
    kept = check(kernel, grid, block, arguments)
    pointers = (ctypes.c_void_p * len(kept))(*map(ctypes.addressof, kept))
    entry, barriers = compiled(kernel, flags)
    sizes = [(ctypes.c_uint * 3)(*dims) for dims in (grid, block)]
    fault = runtime(flags).cudahost_launch(entry, pointers, *sizes, int(barriers), order)
    if fault:
        raise RuntimeError(f"{kernel.name}: {FAULTS[fault]}")


def check(kernel, grid, block, arguments):
    """The arguments as ctypes has them. Raises TypeError for one of another type than the parameter's."""
    assert len(grid) == len(block) == 3
    assert all(0 < n < 2**31 for n in grid[:1]), grid
    assert all(0 < n < 65536 for n in grid[1:]), grid
    assert 0 < block[0] * block[1] * block[2] <= 1024, block
    if len(arguments) != len(kernel.parameters):
        raise TypeError(f"{kernel.name} takes {len(kernel.parameters)} arguments, not {len(arguments)}")
    return [argument(kernel, p, a) for p, a in zip(kernel.parameters, arguments, strict=True)]


def argument(kernel, parameter, value):
    """The value as ctypes has it."""
    element = kernel.array_type(parameter)
    if element is None:
        python, c = SCALARS[parameter]
        if type(value) is not python:
            raise TypeError(f"{kernel.name}: {parameter} was given {type(value).__name__}")
        return c(value)
    if isinstance(value, np.uint64) and value == 0:
        return ctypes.c_void_p(0)
    if not isinstance(value, np.ndarray) or value.dtype != ELEMENTS[element]:
        raise TypeError(f"{kernel.name}: {parameter} ({element}) was given {getattr(value, 'dtype', type(value))}")
    return ctypes.c_void_p(value.ctypes.data)
