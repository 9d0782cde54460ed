"""The stand-in GPU: what is wrong with a program of CuPy's shows on it."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import standin
from standin import signatures
from standinlab import SEEDS, other_stream, own, raw, told

from gpufa.backends.kernels import Kernel

pytestmark = [pytest.mark.gpu, pytest.mark.standin_only]


@pytest.fixture(scope="module", autouse=True)
def _imported():
    global cupy, cupyx
    import cupy
    import cupyx


def test_a_stream_that_is_left_leaves_the_legacy_one():
    mine, other = other_stream(), other_stream()
    mine.use()
    with other:
        pass
    assert cupy.cuda.get_current_stream() == cupy.cuda.Stream.null
    mine.use()
    x = cupy.zeros(10, "f")
    mine.synchronize()
    mine.begin_capture()
    x += 1
    with other:
        pass
    x += 1  # goes astray
    graph = mine.end_capture()
    told("cupy_add__float32_float_float32 is issued on the legacy stream by a thread that captures another")
    with standin.count() as done:
        graph.launch(mine)
    assert done["graph_nodes"] == 1


def test_a_kernel_of_another_device_is_told():
    with cupy.cuda.Device(1):
        theirs = other_stream()
    kernel, x = raw("x[0] = n;"), cupy.zeros(1, "f")
    kernel((1,), (1,), (x, np.int64(1)))
    cupy.cuda.Device(0).synchronize()
    with pytest.raises(cupy.cuda.driver.CUDADriverError, match="InvalidResourceHandle"):
        kernel((1,), (1,), (x, np.int64(1)), stream=theirs)
    told("f is issued on a stream of device 1 while device 0 is current")


def test_memory_of_another_device_is_told():
    with cupy.cuda.Device(1):
        theirs = cupy.zeros(1, "f")
        cupy.cuda.Device().synchronize()
    raw("x[0] = n;")((1,), (1,), (theirs.data.ptr, np.int64(1)))
    with pytest.raises(cupy.cuda.runtime.CUDARuntimeError, match="IllegalAddress"):
        cupy.cuda.Device(0).synchronize()
    told("f: argument 0 is", "memory of device 1")


def test_another_thread_is_on_the_legacy_stream():
    mine, found = other_stream(), []
    mine.use()
    thread = threading.Thread(target=lambda: found.append(cupy.cuda.get_current_stream()))
    thread.start()
    thread.join()
    assert found == [cupy.cuda.Stream.null]


def wrong_in_some_seed(program, right):
    """The number of seeds in which a program's result isn't the right one."""
    wrong = 0
    for seed in SEEDS:
        standin.seed(seed)
        wrong += not np.array_equal(program(), right)
        cupy.cuda.Device().synchronize()
    return wrong


@pytest.mark.parametrize("event", [False, True], ids=["no event", "event"])
def test_what_one_stream_uploads_another_may_read_too_early(event):
    host, one, two = np.arange(100, dtype="f"), other_stream(), other_stream()
    pinned = cupyx.empty_pinned(host.shape, host.dtype)
    pinned[...] = host

    def program():
        x, y = own(100), own(100)
        x.set(pinned, stream=one)
        if event:
            two.wait_event(one.record())
        with two:
            cupy.multiply(x, 2, out=y)
        return y.get(stream=two)

    wrong = wrong_in_some_seed(program, host * 2)
    assert wrong == 0 if event else 0 < wrong < len(SEEDS)


def test_a_capture_that_is_never_ended_spoils_what_follows():
    stream = other_stream()
    with stream:
        x = cupy.zeros(10, "f")
        stream.synchronize()
        stream.begin_capture()
        with pytest.raises(ZeroDivisionError):
            x += 1 / 0
        with pytest.raises(RuntimeError, match="capturing"):
            x.get()
        with pytest.raises(cupy.cuda.runtime.CUDARuntimeError, match="StreamCaptureUnsupported"):
            cupy.cuda.runtime.streamSynchronize(stream.ptr)
        with pytest.raises(cupy.cuda.runtime.CUDARuntimeError, match="StreamCaptureInvalidated"):
            stream.end_capture()
    told("waits for a stream that is captured")


def test_captured_work_that_is_not_joined_is_told():
    main, side = other_stream(), other_stream()
    with main:
        x = cupy.zeros(10, "f")
        x += 1
        main.synchronize()
        main.begin_capture()
        side.wait_event(main.record())
    with side:
        x += 1
    with pytest.raises(cupy.cuda.runtime.CUDARuntimeError, match="StreamCaptureUnjoined"):
        main.end_capture()
    told("cupy_add__float32_float_float32 was captured on a stream that was not joined")


def run_and_fail(kernel, *arguments, threads=1, error="IllegalAddress"):
    kernel((1,), (threads,), arguments)
    with pytest.raises(cupy.cuda.runtime.CUDARuntimeError, match=error):
        cupy.cuda.Device().synchronize()
    with pytest.raises(cupy.cuda.runtime.CUDARuntimeError, match=error):
        cupy.zeros(1 << 20)
    standin.revive()


def test_memory_that_was_freed_is_told():
    x = own(100)
    pointer = x.data.ptr
    del x
    run_and_fail(raw("x[0] = n;"), pointer, np.int64(1))
    told("f: argument 0 is", "400 bytes that was freed")


def test_memory_of_the_host_is_told():
    run_and_fail(raw("x[0] = n;"), np.zeros(1).ctypes.data, np.int64(1))
    told("which is no memory of the device")


@pytest.mark.parametrize(("at", "where"), [(101, "past the end"), (-1000, "before the start")])
def test_an_access_outside_an_allocation_is_told(at, where):
    standin.guard(True)
    x = own(100)
    raw("x[n] = 1;")((1,), (1,), (x, np.int64(99)))
    assert float(x[99]) == 1
    run_and_fail(raw("x[n] = 1;"), x, np.int64(at))
    told("f reads or writes at", f"{where} of an allocation of 400 bytes")


@pytest.mark.parametrize(("at", "where"), [(33, "past the end"), (-1, "before the start")])
def test_a_write_beside_an_allocation_is_told(at, where):
    standin.guard(True)
    x = own(33)
    raw("x[n] = 1;")((1,), (1,), (x, np.int64(at)))
    cupy.cuda.Device().synchronize()
    told(f"f: bytes {where} of an allocation of 132 bytes were written")


SANITIZED = """
import sys
import standin
standin.install()
import cupy
import numpy as np
standin.guard(True)
cupy.cuda.set_allocator(None)
text = 'extern "C" __global__ void f(float* x, long long n) { x[0] = x[n]; }'
x = cupy.zeros(33, "f")
cupy.RawKernel(text, "f")((1,), (1,), (x, np.int64(sys.argv[1])))
print(float(x[0]))
"""


@pytest.mark.slow
def test_the_sanitizer_sees_a_read_beside_an_allocation():
    library = subprocess.run(["g++", "-print-file-name=libasan.so"], capture_output=True, text=True).stdout.strip()
    if not os.path.isabs(library):
        pytest.skip("no AddressSanitizer")
    settings = {"GPUFA_STANDIN_SANITIZE": "1", "PYTHONMALLOC": "malloc", "PYTHONPATH": str(standin.HERE.parent)}
    settings |= {"LD_PRELOAD": library, "ASAN_OPTIONS": "detect_leaks=0", "GPUFA_STANDIN": "0"}
    for at, fine in (("32", True), ("33", False)):
        command = [sys.executable, "-c", SANITIZED, at]
        done = subprocess.run(command, env=os.environ | settings, capture_output=True, text=True)
        assert (done.returncode == 0) == fine, done.stderr
        assert ("use-after-poison" in done.stderr) != fine


def test_a_copy_past_the_end_is_told():
    x, host = own(10), np.zeros(20, "f")
    with pytest.raises(cupy.cuda.runtime.CUDARuntimeError, match="InvalidValue"):
        cupy.cuda.runtime.memcpy(x.data.ptr, host.ctypes.data, 80, 1)
    told("a copy of 80 bytes reaches past the end")


def test_a_trap_and_a_lost_device_are_errors_that_stay():
    run_and_fail(cupy.RawKernel('extern "C" __global__ void f() { asm("trap;"); }', "f"), error="LaunchFailure")
    told("f stops in a trap")
    standin.lose(214)
    with pytest.raises(cupy.cuda.runtime.CUDARuntimeError, match="ECCUncorrectable"):
        cupy.cuda.Device().synchronize()
    standin.revive()
    assert float(cupy.ones(3).sum()) == 3


@pytest.mark.parametrize("barrier", ["__syncthreads();", ""])
def test_a_missing_barrier_shows_in_some_order(barrier):
    kernel = raw(f"__shared__ float s[64]; int t = threadIdx.x; s[t] = x[t]; {barrier} x[t] = s[63 - t];")
    right = []
    for order in ("forward", "reverse", "random"):
        standin.order(order)
        x = cupy.arange(64, dtype="f")
        kernel((1,), (64,), (x, np.int64(0)))
        right.append((x.get() == np.arange(64)[::-1]).all())
    assert all(right) == bool(barrier)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("if (threadIdx.x < n) __syncthreads();", "a thread returned before a barrier that others reached"),
        ("if (threadIdx.x < n) __syncthreads(); else __shfl_xor_sync(~0u, x[0], 1);", "wait at different barriers"),
    ],
)
def test_threads_that_miss_a_barrier_are_told(text, fault):
    run_and_fail(raw(text), cupy.zeros(1, "f"), np.int64(5), threads=64, error="LaunchFailure")
    told(fault)


def test_what_was_never_written_is_not_zero():
    assert np.isnan(own(100).get()).all()
    assert (own(100, "i8").get() != 0).all()
    kernel = raw("__shared__ float s[2]; x[0] = s[0];")
    x = cupy.zeros(1, "f")
    kernel((1,), (1,), (x, np.int64(0)))
    assert np.isnan(x.get()).all()


def test_arguments_of_another_type_are_refused():
    kernel = Kernel("f", "", ("const float*", "i64"), ())
    x = cupy.zeros(4, "f")
    signatures.check(kernel, (x, np.int64(4)))
    signatures.check(kernel, (np.uint64(0), np.int64(4)))
    for wrong in ((x.astype("d"), np.int64(4)), (x, np.int32(4)), (x, 4), (x,), (None, np.int64(4)), (x.get(), x)):
        with pytest.raises(TypeError):
            signatures.check(kernel, wrong)
