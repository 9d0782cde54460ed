"""The kernels' text: compiled for every architecture, no spills, no access out of bounds."""

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nvrtc
import pytest
from everykernel import every_kernel

TYPES = [("float32",), ("float64",), ("float32", "bfloat16")]
OLDEST, COMMON = 70, 90
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
    """(version, architecture, types): every one from sm_70 on that an installed NVRTC knows; all types of numbers for
    the oldest, a common one and the newest, one for the rest. Slow is all but the oldest, and of a second NVRTC all
    but one type."""
    found = []
    for version, library in nvrtc.libraries().items():
        known = [arch for arch in nvrtc.architectures(library) if arch >= OLDEST]
        chosen = known[0], COMMON, known[-1]
        later = {"marks": pytest.mark.slow, "id": f"{version}-{chosen[0]}-rest"}
        others = [pytest.param(version, chosen[0], TYPES[1:], **later)] if found else []
        found += [pytest.param(version, chosen[0], TYPES[:1] if found else TYPES, id=f"{version}-{chosen[0]}"), *others]
        found += [pytest.param(version, COMMON, TYPES, marks=pytest.mark.slow, id=f"{version}-{COMMON}")]
        slow = {"marks": pytest.mark.slow, "id": f"{version}-{chosen[2]}"}
        found += [pytest.param(version, chosen[2], TYPES, **slow)]
        rest = [arch for arch in known if arch not in chosen]
        found += [pytest.param(version, a, TYPES[:1], marks=pytest.mark.slow, id=f"{version}-{a}") for a in rest]
    return found or [pytest.param("", 0, (), marks=pytest.mark.skip("no NVRTC; pip install nvidia-cuda-nvrtc-cu12"))]


@pytest.mark.parametrize(("version", "arch", "types"), targets())
def test_every_kernel_compiles_for_every_architecture(version, arch, types):
    compile_all(nvrtc.libraries()[version], arch, sources(*types))


def test_nvrtc_does_refuse_what_is_wrong():
    if not nvrtc.libraries():
        pytest.skip("no NVRTC; pip install nvidia-cuda-nvrtc-cu12")
    (library, *_) = nvrtc.libraries().values()
    with pytest.raises(RuntimeError, match='identifier "y" is undefined'):
        nvrtc.compile_cubin(library, "__global__ void f() { int x = y; }", 80)


@pytest.mark.slow
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
import standin
standin.install()
standin.guard(True)
import cupy
import pytest
cupy.cuda.set_allocator(None)
options = ["-q", "-x", "-p", "no:cacheprovider", "-m", "gpu"]
raise SystemExit(pytest.main([*options, "tests/backends/operations", "-k", sys.argv[1]]))
"""


# All but repetition; of formulas, which are handed numbers and no arrays, some of each kind.
OPERATIONS = (
    "float32 and (cupy or random or keyed) and not test_relaxing and (not test_every_activation or tanh)"
    " and (not test_formulas or gru or lstm or logistic or triangle)"
)


@pytest.mark.slow
@pytest.mark.gpu
@pytest.mark.standin_only
def test_no_kernel_leaves_its_arrays():
    """Every operation under AddressSanitizer, each array an allocation of its own."""
    library = subprocess.run(["g++", "-print-file-name=libasan.so"], capture_output=True, text=True).stdout.strip()
    if not Path(library).is_absolute():
        pytest.skip("no AddressSanitizer")
    settings = {"LD_PRELOAD": library, "ASAN_OPTIONS": "detect_leaks=0", "PYTHONMALLOC": "malloc"}
    settings |= {"GPUFA_STANDIN": "0", "GPUFA_STANDIN_SANITIZE": "1", "GPUFA_TEST_GPU": "standin"}
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", SANITIZED, OPERATIONS],
        cwd=root,
        env=os.environ | settings | {"PYTHONPATH": os.pathsep.join([str(root / "tests"), str(root)])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert re.search(r"\d\d+ passed", done.stdout)
