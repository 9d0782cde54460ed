"""Compiles the stand-in's libraries, once for what goes into them."""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
INCLUDE = HERE / "include"
CACHE = Path(os.environ.get("GPUFA_KERNEL_CACHE") or Path(tempfile.gettempdir()) / f"gpufa-kernels-{os.getuid()}")
COMPILER = shutil.which("g++")
SANITIZE = os.environ.get("GPUFA_STANDIN_SANITIZE") == "1"
NCCL = "libnccl.so.2"
STUBS = {"cublas": 15, "nccl": 5}  # libraries that are done in part, and what they say where they aren't
HEADER = "hostcuda.h"
FLAGS = ["-std=c++17", "-shared", "-fPIC", "-w"]
NEEDED = "driver_types.h", "cuda_runtime_api.h"
CHECKED = ["-O0", "-fsanitize=address", "-g1"] if SANITIZE else ["-O1"]  # unoptimised is compiled the faster
KERNEL_FLAGS = [*FLAGS, *CHECKED, "-ffp-contract=off", "-fpermissive"]
KERNEL_LIBRARIES = [] if SANITIZE else ["-nostdlib", "-lm", "-lgcc"]  # the fewer, the faster


@cache
def site() -> Path | None:
    """The folder that CuPy is installed in."""
    found = importlib.util.find_spec("cupy_backends")
    return Path(next(iter(found.submodule_search_locations))).parent if found else None


def extension(name: str) -> Path:
    """A module of CuPy's that is a shared library."""
    return next(site().glob(f"{name}.*.so"))


@cache
def major() -> int:
    """The major version of CUDA that CuPy is made for."""
    text = extension("cupy_backends/cuda/libs/cublas").read_bytes()
    return int(re.search(rb"libcublas\.so\.(\d+)", text)[1])


@cache
def headers() -> tuple[Path | None, int]:
    """(the folder of the CUDA runtime's headers, their version), of CuPy's own major version."""
    wheels = site() / "nvidia"
    places = [wheels / f"cu{major()}/include", wheels / "cuda_runtime/include"]
    places += [Path(root) / "include" for root in (os.environ.get("CUDA_PATH"), "/usr/local/cuda") if root]
    for folder in places:
        if all((folder / name).exists() for name in NEEDED):
            text = (folder / "cuda_runtime_api.h").read_text()
            version = int(re.search(r"#define CUDART_VERSION\s+(\d+)", text)[1])
            if version // 1000 == major():
                return folder, version
    return None, 0


def nvrtc() -> Path | None:
    """The real NVRTC, which says what is wrong with a source; the sanitizer keeps it from finding its own parts."""
    if SANITIZE:
        return None
    for folder in ("cuda_nvrtc", f"cu{major()}"):
        if (path := site() / "nvidia" / folder / f"lib/libnvrtc.so.{major()}").exists():
            return path
    return None


def why_not() -> str:
    """Why nothing can be compiled; "" where it can."""
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        return "the stand-in GPU runs on Linux on x86-64 alone"
    if missing := [tool for tool in ("g++", "nm") if not shutil.which(tool)]:
        return f"the stand-in GPU needs {' and '.join(missing)}"
    if site() is None:
        return "the stand-in GPU needs CuPy (pip install cupy-cuda12x or cupy-cuda13x)"
    if headers()[0] is None:
        return f"the stand-in GPU needs the headers of CUDA {major()} (pip install 'cuda-toolkit[cudart]=={major()}.*')"
    return ""


def run(*command: object) -> str:
    others = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}  # a sanitizer is for us alone
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, env=others)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{done.stderr}")
    return done.stdout


def symbols(library: Path, *options: str) -> list[list[str]]:
    """The lines of `nm`, in words."""
    return [line.split() for line in run("nm", *options, library).splitlines()]


def folder() -> Path:
    """Where what is compiled is kept: another one for other sources, another compiler or another CuPy."""
    sources = sorted(path for path in HERE.rglob("*") if path.suffix in (".cpp", ".h", ".cuh"))
    stamps = [(str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in (Path(COMPILER), extension("cupy/_core/core"))]
    text = repr([[path.read_text() for path in sources], stamps, headers(), nvrtc(), KERNEL_FLAGS])
    return CACHE / f"standin-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def build() -> Path:
    """The folder with the libraries; compiles them where they are not there yet."""
    done = folder()
    if not (done / "libstandin.so").exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as space:
            work = Path(space, "made")
            (work / "kernels").mkdir(parents=True)
            compile_libraries(work)
            try:
                work.rename(done)
            except OSError:  # another process was first
                if not (done / "libstandin.so").exists():
                    raise
    return done


def compile_libraries(into: Path) -> None:
    folder, version = headers()
    includes = [f"-I{folder}", f"-I{INCLUDE}"]
    sources = sorted((HERE / "src").glob("*.cpp"))

    def compile_one(source: Path) -> Path:
        made = into / f"{source.stem}.o"
        level = "-O3" if source.stem in ("products", "fibers") else "-O1"
        run(COMPILER, *FLAGS, level, *includes, f"-DSTANDIN_CUDA={version}", "-c", source, "-o", made)
        return made

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(compile_one, sources))
    library = into / "libstandin.so"
    run(COMPILER, *FLAGS, *objects, "-ldl", "-lpthread", "-Wl,-soname,libstandin.so", "-o", library)
    for made in objects:
        made.unlink()

    shutil.copy(INCLUDE / HEADER, into)
    run(
        COMPILER, *KERNEL_FLAGS, f"-I{INCLUDE}", "-x", "c++-header", into / HEADER
    )  # compiled once, it halves a kernel's time

    # What CuPy opens by name holds nothing: all is found in the library behind it.
    known = {words[-1] for words in symbols(library, "-D", "--defined-only")}
    (into / "empty.c").write_text("")
    for kind, refused in STUBS.items():
        symbols_of = symbols(extension(f"cupy_backends/cuda/libs/{kind}"), "-D", "-u")
        wanted = {words[-1].split("@")[0] for words in symbols_of if words[-1].startswith(kind)}
        text = "int standin_unsupported(const char*);\n"
        for name in sorted(wanted - known):
            text += f'int {name}() {{ standin_unsupported("{name}"); return {refused}; }}\n'
        (into / f"{kind}.c").write_text(text)
    for name in shells():
        kind = name.removeprefix("lib").partition(".")[0]
        source = f"{kind}.c" if kind in STUBS else "empty.c"
        behind = ["-L", into, "-Wl,--no-as-needed", "-lstandin", "-Wl,-rpath,$ORIGIN", f"-Wl,-soname,{name}"]
        run(COMPILER, "-x", "c", "-shared", "-fPIC", "-w", into / source, "-x", "none", *behind, "-o", into / name)


def kernel_command(folder: Path) -> list[str]:
    """What compiles a kernel, SOURCE to MADE."""
    header = [f"-I{INCLUDE}", "-include", str(folder / HEADER)]
    return [COMPILER, *KERNEL_FLAGS, *header, "SOURCE", "-o", "MADE", *KERNEL_LIBRARIES]


def shells() -> list[str]:
    own = (f"lib{name}.so.{major()}" for name in ("nvrtc", "cublasLt", "cublas"))
    return ["libcuda.so.1", *own, NCCL]
