"""The stand-in GPU: what CuPy does on it is right, and what is wrong with a program of CuPy's shows on it."""

import gc
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import standin
from standin import signatures

from gpufa.backends.kernels import Kernel

pytestmark = [pytest.mark.gpu, pytest.mark.standin_only]
SEEDS = range(12)


@pytest.fixture(scope="module", autouse=True)
def _imported():
    global cupy, cupyx
    import cupy
    import cupyx


@pytest.fixture(autouse=True)
def _afresh():
    """Every test begins and ends with device 0, the legacy stream, and a device that works and is at peace."""
    standin.seed(0)
    standin.faults(), standin.launched()
    yield
    standin.revive()
    standin.guard(False), standin.lazy(True), standin.order(None)
    cupy.cuda.Device(0).use()
    cupy.cuda.Stream.null.use()
    left = standin.faults()
    assert not left


def raw(text, parameters="float* x, long long n", name="f", **options):
    return cupy.RawKernel(f'extern "C" __global__ void {name}({parameters}) {{ {text} }}', name, **options)


def own(count, dtype="f"):
    """An array that is an allocation by itself."""
    with cupy.cuda.using_allocator(None):
        return cupy.empty(count, dtype)


def other_stream():
    return cupy.cuda.Stream(non_blocking=True)


def told(*words):
    """The faults since the last time, which must name all these."""
    found = standin.faults()
    for word in words:
        assert any(word in line for line in found), (word, found)
    return found


# What is right


def test_arithmetic_reductions_sorts_and_products_are_numpys():
    rng = np.random.default_rng(0)
    for dtype in ("f4", "f8"):
        x, y = rng.normal(size=(37, 50)).astype(dtype), rng.normal(size=(50, 20)).astype(dtype)
        a, b = cupy.asarray(x), cupy.asarray(y)
        for ours, numpys in (
            (a * 2 + cupy.exp(a), x * 2 + np.exp(x)),
            (a.sum(axis=0), x.sum(axis=0)),
            (a.sum(), x.sum()),
            (a.max(axis=1), x.max(axis=1)),
            (cupy.sort(a, axis=-1), np.sort(x, axis=-1)),
            (a @ b, x @ y),
            (b.T @ a.T, y.T @ x.T),
            (a[::2, 3:9].copy(), x[::2, 3:9]),
            (cupy.where(a > 0, a, 0).astype("f2"), np.where(x > 0, x, 0).astype("f2")),
        ):
            np.testing.assert_allclose(ours.get(), numpys, rtol=1e-4, atol=1e-5)


def test_raw_kernels_run_every_thread_of_every_block():
    kernel = raw("""
        long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
        float sum = i < n ? x[i] : 0;
        for (int far = 16; far; far /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, far);
        __shared__ float part[4];
        if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = sum;
        __syncthreads();
        if (i < n) x[i] = part[0] + part[1] + part[2] + part[3];
    """)
    for order in ("forward", "reverse", "random"):
        standin.order(order)
        x = cupy.arange(1000, dtype="f")
        kernel((8,), (128,), (x, np.int64(1000)))
        blocks = [np.arange(i, min(i + 128, 1000)) for i in range(0, 1000, 128)]
        np.testing.assert_array_equal(x.get(), np.concatenate([np.full(len(b), b.sum()) for b in blocks]))


def test_a_graph_is_replayed_and_counted():
    stream = other_stream()
    with stream, standin.count() as done:
        x = cupy.zeros(10, "f")
        x += 1
        stream.synchronize()
        standin.launched()
        stream.begin_capture()
        x += 1
        x *= 2
        graph = stream.end_capture()
        for _ in range(3):
            graph.launch(stream)
        assert x.get().tolist() == [22.0] * 10
    assert done["graph_launches"] == 3
    assert done["graph_nodes"] == 6
    assert done["captures"] == 1
    assert [name[:13] for name in standin.launched()] == ["cupy_add__flo", "cupy_multiply"]


def test_events_order_streams():
    for seed in SEEDS:
        standin.seed(seed)
        first, second = other_stream(), other_stream()
        with first:
            x = cupy.zeros(100, "f")
            x += 1
            ready = first.record()
        second.wait_event(ready)
        with second:
            y = x * 2
        assert y.get(stream=second).tolist() == [2.0] * 100


def test_a_stream_that_is_destroyed_does_its_work():
    for seed in SEEDS:
        standin.seed(seed)
        x = cupy.zeros(100, "f")
        cupy.cuda.Device().synchronize()
        with other_stream():
            x += 1
        for _ in range(3):
            other_stream()
        cupy.cuda.Device().synchronize()
        assert x.get().tolist() == [1.0] * 100


def test_a_blocking_stream_and_the_legacy_stream_wait_for_each_other():
    for seed in SEEDS:
        standin.seed(seed)
        blocking = cupy.cuda.Stream()
        x = cupy.zeros(100, "f")
        with blocking:
            x += 1
        x *= 2
        with blocking:
            x += 1
        assert x.get().tolist() == [3.0] * 100


def test_memory_is_bounded_and_the_pool_gives_it_back():
    pool = cupy.get_default_memory_pool()
    gc.collect()  # what other tests left
    pool.free_all_blocks()
    free, total = cupy.cuda.Device().mem_info
    standin.limit(total - free + (1 << 20))
    try:
        with pytest.raises(cupy.cuda.memory.OutOfMemoryError):
            cupy.empty(2 << 20, "u1")
        assert cupy.zeros(1 << 19, "u1").sum() == 0
    finally:
        standin.limit(total)
    pool.free_all_blocks()
    assert cupy.cuda.Device().mem_info[0] == free


def test_nvrtcs_own_words_come_through():
    with pytest.raises(cupy.cuda.compiler.CompileException, match=r"y.*(undefined|not declared)"):
        raw("x[0] = y;")((1,), (1,), (cupy.zeros(1, "f"), np.int64(1)))


def test_threads_use_it_at_once():
    right = []

    def work(i):
        with other_stream() as stream:
            x = cupy.full(1000, i, "f")
            for _ in range(10):
                x += 1
            right.append(float(x.sum()) == 1000 * (i + 10))
            stream.synchronize()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert right == [True] * 4


def test_a_process_that_is_started_has_it_too():
    code = "import cupy, standin; print(float(cupy.arange(4.0).sum()), standin.counts()['launches'])"
    code = f"import sys; sys.path.append({str(standin.HERE.parent)!r}); {code}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["6.0", "2"], done.stderr


# What is wrong, and shows


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
