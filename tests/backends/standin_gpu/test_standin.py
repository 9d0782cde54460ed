"""The stand-in GPU: what CuPy does on it is right."""

import gc
import subprocess
import sys
import threading

import numpy as np
import pytest
import standin
from standinlab import SEEDS, other_stream, raw

pytestmark = [pytest.mark.gpu, pytest.mark.standin_only]


@pytest.fixture(scope="module", autouse=True)
def _imported():
    global cupy, cupyx
    import cupy
    import cupyx


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
