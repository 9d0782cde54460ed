"""The kernels' text: compiled for every architecture, no spills, no access out of bounds; and the host's own checks."""

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hostkernels
import numpy as np
import nvrtc
import pytest
from everykernel import every_kernel

from gpufa.backends.kernels import Kernel

TYPES = [("float32",), ("float64",), ("float32", "bfloat16")]
OLDEST = 70
NVCC = shutil.which("nvcc")


def sources(*types):
    """{text: name} of all kernels."""
    return {kernel.source: f"{name} {types}" for t in types for name, kernel in every_kernel(*t).items()}


def compile_all(library, arch, texts):
    with ThreadPoolExecutor(2) as pool:
        sizes = list(pool.map(lambda text: nvrtc.compile_cubin(library, text, arch), texts))
    assert len(sizes) == len(texts)
    assert min(sizes) > 1000


def targets():
    """(version, architecture): every one from sm_70 on that an installed NVRTC knows."""
    known = [(v, a) for v, library in nvrtc.libraries().items() for a in nvrtc.architectures(library) if a >= OLDEST]
    return known or [pytest.param("", 0, marks=pytest.mark.skip("no NVRTC; pip install nvidia-cuda-nvrtc-cu12"))]


@pytest.mark.parametrize(("version", "arch"), targets())
def test_every_kernel_compiles_for_every_architecture(version, arch):
    library = nvrtc.libraries()[version]
    known = [a for a in nvrtc.architectures(library) if a >= OLDEST]
    compile_all(library, arch, sources(*TYPES) if arch in (known[0], 90, known[-1]) else sources(TYPES[0]))


def test_nvrtc_does_refuse_what_is_wrong():
    if not nvrtc.libraries():
        pytest.skip("no NVRTC; pip install nvidia-cuda-nvrtc-cu12")
    (library, *_) = nvrtc.libraries().values()
    with pytest.raises(RuntimeError, match='identifier "y" is undefined'):
        nvrtc.compile_cubin(library, "__global__ void f() { int x = y; }", 80)


@pytest.mark.skipif(not NVCC, reason="no nvcc")
def test_no_kernel_spills_registers(tmp_path):
    texts = sources(*TYPES)

    def assemble(numbered):
        i, text = numbered
        path = tmp_path / f"{i}.cu"
        path.write_text(text)
        command = [NVCC, "-arch=sm_90", "-cubin", "-Xptxas", "-v", "-o", str(path.with_suffix(".cubin")), str(path)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stderr

    with ThreadPoolExecutor(2) as pool:
        for report, name in zip(pool.map(assemble, enumerate(texts)), texts.values(), strict=True):
            assert re.findall(r"(\d+) bytes spill stores, (\d+) bytes spill loads", report), name
            assert set(re.findall(r"(\d+) bytes spill", report)) == {"0"}, name


def test_wide_kernels_move_sixteen_bytes_at_a_time(tmp_path):
    if not NVCC:
        pytest.skip("no nvcc")
    for types in TYPES[:2]:
        for name in ("bias_activation tanh", "gate tanh", "feedback_delta tanh", "optimizer_update adam"):
            path = tmp_path / "k.cu"
            path.write_text(every_kernel(*types)[name].source)
            command = [NVCC, "-arch=sm_90", "-ptx", "-o", str(path.with_suffix(".ptx")), str(path)]
            subprocess.run(command, capture_output=True, check=True)
            text = path.with_suffix(".ptx").read_text()
            assert re.search(r"ld\.global\.(v4\.f32|v2\.f64)", text), name
            assert re.search(r"st\.global\.wb\.(v4\.[fu]32|v2\.[fu]64)", text), name


SANITIZED = """
import sys
import numpy as np, hostkernels
hostkernels.FLAGS += ["-fsanitize=address", "-g"]
import pytest
raise SystemExit(pytest.main(["-q", "-x", "-p", "no:cacheprovider", "tests/test_operations.py", "-k", sys.argv[1]]))
"""


def sanitized(code, *arguments):
    """Run Python under AddressSanitizer."""
    library = subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True).stdout.strip()
    if not Path(library).is_absolute():
        pytest.skip("no AddressSanitizer")
    settings = {"LD_PRELOAD": library, "ASAN_OPTIONS": "detect_leaks=0", "PYTHONMALLOC": "malloc"}
    root = Path(__file__).parent.parent
    path = os.pathsep.join([str(root / "tests"), str(root)])
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=root,
        env=os.environ | settings | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
    )


def test_no_kernel_leaves_its_arrays():
    done = sanitized(SANITIZED, "(cupy or keyed) and float32 and not reverse and not forward")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert re.search(r"\d\d+ passed", done.stdout)


def made(body, parameters="float* x, i64 n", **texts):
    """A kernel of our own."""
    kinds = tuple(p.rpartition(" ")[0] for p in parameters.split(", "))
    source = f'typedef long long i64;\nextern "C" __global__ void f({parameters}) {{ {body} }}'
    return Kernel("f", source, kinds, ())


def test_the_sanitizer_does_see_an_access_out_of_bounds():
    code = """
import numpy as np, hostkernels
hostkernels.FLAGS += ["-fsanitize=address", "-g"]
from test_kernels import made
x = np.zeros(100, np.float32)
hostkernels.run(made("x[n] = 1;"), (1, 1, 1), (1, 1, 1), [x, np.int64({})])
"""
    assert sanitized(code.format(99)).returncode == 0
    done = sanitized(code.format(100))
    assert done.returncode != 0
    assert "heap-buffer-overflow" in done.stderr


def run(kernel, *arguments, threads=64, order=0):
    hostkernels.run(kernel, (1, 1, 1), (threads, 1, 1), arguments, order)


def test_a_missing_barrier_shows_in_some_order():
    text = """__shared__ float s[64]; int t = threadIdx.x; s[t] = x[t]; {} x[t] = s[63 - t];"""
    for barrier, right in (("__syncthreads();", True), ("if (n) __syncthreads();", False)):
        results = []
        for order in range(3):
            x = np.arange(64, dtype=np.float32)
            run(made(text.format(barrier)), x, np.int64(0), order=order)
            results.append((x == np.arange(64)[::-1]).all())
        assert all(results) == right


def test_threads_that_miss_a_barrier_are_told():
    with pytest.raises(RuntimeError, match="returned before a barrier"):
        run(made("if (threadIdx.x < n) __syncthreads();"), np.zeros(1, np.float32), np.int64(5))
    with pytest.raises(RuntimeError, match="wait at different barriers"):
        run(
            made("if (threadIdx.x < n) __syncthreads(); else __shfl_xor_sync(~0u, x[0], 1);"),
            *(np.zeros(1, np.float32), np.int64(5)),
        )
    run(made("__syncthreads();"), np.zeros(1, np.float32), np.int64(5))


def test_arguments_of_another_type_are_refused():
    x = np.zeros(4, np.float32)
    for wrong in (
        (x.astype("f8"), np.int64(4)),
        (x, np.int32(4)),
        (x, 4),
        (x,),
        (None, np.int64(4)),
    ):
        with pytest.raises(TypeError):
            run(made("x[0] = n;"), *wrong)
    run(made("x[0] = n;"), x, np.int64(4))
    assert x[0] == 4
