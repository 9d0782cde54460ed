"""NVRTC by its C ABI: compiles for any architecture, without a GPU or a driver."""

import ctypes
import importlib.util
from functools import cache
from pathlib import Path


@cache
def libraries():
    """Every NVRTC of this Python, by its version."""
    found = {}
    spec = importlib.util.find_spec("nvidia")
    for root in spec.submodule_search_locations if spec else ():
        for path in sorted(Path(root).glob("*/lib/libnvrtc.so.*")):
            if "alt" in path.name:
                continue
            library = ctypes.CDLL(str(path))
            major, minor = ctypes.c_int(), ctypes.c_int()
            library.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor))
            found[f"{major.value}.{minor.value}"] = library
    return found


def architectures(library):
    count = ctypes.c_int()
    library.nvrtcGetNumSupportedArchs(ctypes.byref(count))
    known = (ctypes.c_int * count.value)()
    library.nvrtcGetSupportedArchs(known)
    return list(known)


def compile_cubin(library, source, arch):
    """The size of the machine code, with the options that CuPy adds. Raises RuntimeError with the compiler's words."""
    program = ctypes.c_void_p()
    assert library.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"k.cu", 0, None, None) == 0
    options = [f"--gpu-architecture=sm_{arch}", "--std=c++17", "--device-as-default-execution-space", "-ftz=true"]
    given = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))
    try:
        failed, size = library.nvrtcCompileProgram(program, len(options), given), ctypes.c_size_t()
        library.nvrtcGetProgramLogSize(program, ctypes.byref(size))
        log = ctypes.create_string_buffer(size.value)
        library.nvrtcGetProgramLog(program, log)
        if failed:
            raise RuntimeError(log.value.decode())
        library.nvrtcGetCUBINSize(program, ctypes.byref(size))
        return size.value
    finally:
        library.nvrtcDestroyProgram(ctypes.byref(program))
