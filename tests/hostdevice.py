"""A Device on the CPU: NumPy's memory, kernels compiled by the host's compiler, cuBLAS's ABI, a recorded graph.

Its arrays refuse, as a GPU's do, to mix with the host's. Kernels run their threads in changing orders; what is recorded
is replayed in a random order that the streams and events of a GPU would allow.
"""

import contextlib
import ctypes
import itertools
import random
import types

import hostkernels
import numpy as np

from gpufa.backends.cublas import SIGNATURES, Cublas
from gpufa.backends.device import CaptureFailed, out_of_memory
from gpufa.errors import DeviceError


class DeviceArray(np.ndarray):
    """An array that is "on the device": operations with host arrays, and silent copies to the host, raise."""

    device = None  # the one that records, if any does

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **kw):
        for x in (*inputs, *out):
            if isinstance(x, np.ndarray) and not isinstance(x, DeviceArray) and x.ndim:
                raise TypeError(f"{ufunc.__name__} mixes an array of the host with one of the device")
        plain = [x.view(np.ndarray) if isinstance(x, DeviceArray) else x for x in inputs]
        if out:
            refuse_overlap(inputs, out)
            kw["out"] = tuple(x.view(np.ndarray) for x in out)
            issue(lambda: getattr(ufunc, method)(*plain, **kw))
            return out[0]
        return made(lambda: getattr(ufunc, method)(*plain, **kw))

    def __array_function__(self, function, types_, args, kw):
        raise TypeError(f"numpy.{function.__name__} was called on an array of the device")

    def __array__(self, *args, **kw):
        raise TypeError("an array of the device was converted to one of the host without to_host")

    def __setitem__(self, key, value):
        if isinstance(value, np.ndarray) and not isinstance(value, DeviceArray) and value.ndim:
            raise TypeError("an array of the host was written into one of the device without to_device")
        target, source = self.view(np.ndarray), host(value)
        issue(lambda: target.__setitem__(key, source))

    def __getitem__(self, key):
        return device_view(self.view(np.ndarray)[host(key)])

    def fill(self, value):
        self[...] = value

    def sort(self, axis=-1):
        target = self.view(np.ndarray)
        issue(lambda: target.sort(axis=axis))

    def copy(self):
        return made(lambda: np.array(self.view(np.ndarray)))

    def _reduce(self, name, *args, **kw):
        return made(lambda: getattr(self.view(np.ndarray), name)(*args, **kw))

    def sum(self, *args, **kw):
        return self._reduce("sum", *args, **kw)

    def max(self, *args, **kw):
        return self._reduce("max", *args, **kw)

    def mean(self, *args, **kw):
        return self._reduce("mean", *args, **kw)

    def all(self, *args, **kw):
        return self._reduce("all", *args, **kw)


def host(x):
    return x.view(np.ndarray) if isinstance(x, DeviceArray) else x


def refuse_overlap(inputs, out):
    """CuPy copies an operand whose memory interleaves with the result's, unless it is the result itself."""
    if DeviceArray.device is not None and any(
        isinstance(x, np.ndarray) and x is not out[0] and np.may_share_memory(host(x), host(out[0])) for x in inputs
    ):
        raise DeviceError("an operand overlaps the result, and would be copied inside the step")


def device_view(x):
    return np.asarray(x).view(DeviceArray) if isinstance(x, np.ndarray | np.generic) else x


def issue(work):
    """Do work of the device, or record it."""
    if DeviceArray.device is None:
        work()
    else:
        DeviceArray.device.node(work)


def made(work):
    """An array that an operation allocates."""
    if DeviceArray.device is not None:
        raise DeviceError("memory was allocated inside the step")
    return device_view(work())


def _wrap(function):
    """A function of the module: takes arrays of the device, gives one back."""

    def call(*args, out=None, **kw):
        for x in args:
            assert not (isinstance(x, np.ndarray) and x.ndim and not isinstance(x, DeviceArray)), function.__name__
        plain = [host(x) for x in args]
        if out is None:
            return made(lambda: function(*plain, **{k: host(v) for k, v in kw.items()}))
        refuse_overlap(args, (out,))
        issue(lambda: function(*plain, out=host(out), **kw))
        return out

    return call


def module():
    """As much of an array library as gpufa asks of `xp`."""
    xp = types.SimpleNamespace(nan=np.nan, ndarray=DeviceArray)
    arithmetic = "add subtract multiply divide matmul square sqrt sign copysign negative absolute maximum minimum clip"
    arithmetic += " exp tanh degrees arccos floor remainder equal greater greater_equal less less_equal isfinite where"
    for name in f"{arithmetic} full ones zeros empty".split():
        setattr(xp, name, _wrap(getattr(np, name)))
    return xp


class Library:
    """The stand-in for cuBLAS; a product is work of the device, everything else is done at once."""

    def __init__(self):
        source = hostkernels.HERE / "cublas.c"
        self._library = ctypes.CDLL(str(hostkernels.build_c(source)))
        name = "cublasGemmStridedBatchedEx"
        getattr(self._library, name).argtypes = SIGNATURES[name]

    def __getattr__(self, name):
        return getattr(self._library, name)

    @property
    def cublasGemmStridedBatchedEx(self):
        real = self._library.cublasGemmStridedBatchedEx

        def call(*arguments):
            if DeviceArray.device is None:
                return real(*arguments)
            mode = ctypes.cast(
                arguments[0], ctypes.POINTER(ctypes.c_void_p)
            )  # read when it is recorded, as cuBLAS does
            recorded = (ctypes.c_char * 24).from_buffer_copy(ctypes.string_at(mode, 24))

            def work():
                handle = ctypes.cast(ctypes.byref(recorded), ctypes.c_void_p)
                assert real(handle, *arguments[1:]) == 0

            issue(work)
            return 0

        call.argtypes = None
        return call


class HostDevice:
    """See Device; `limit` is its memory in bytes."""

    def __init__(self, limit=1 << 30, order=None):
        self.xp, self.limit, self.used, self.launches = module(), limit, 0, []
        self.orders = itertools.cycle(range(3) if order is None else [order])
        self.nodes, self.frontier, self.dice = None, set(), random.Random(0)
        self.cublas = Cublas(Library(), self.pointer)
        self.handles = [self.cublas.create(1 + i, 64, 64) for i in range(4)]
        self.branch = 0

    def working(self):
        return contextlib.nullcontext()

    def empty(self, shape, dtype):
        if DeviceArray.device is not None:
            raise DeviceError("memory was allocated inside the step")
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        if self.used + size > self.limit:
            raise out_of_memory("the host device", shape, dtype, self.limit - self.used, self.limit, self.used)
        self.used += size
        space = np.full(size + 16, 0xAB, np.uint8)  # what was never written is no zero
        start = -space.ctypes.data % 16
        return space[start : start + size].view(dtype).reshape(shape).view(DeviceArray)

    def upload(self, array, dtype=None):
        if isinstance(array, DeviceArray):
            assert dtype is None or array.dtype == dtype
            return array if array.flags.c_contiguous else array.copy()
        plain = np.ascontiguousarray(array, dtype)
        out = self.empty(plain.shape, plain.dtype)
        out.view(np.ndarray)[...] = plain
        return out

    def download(self, array):
        if DeviceArray.device is not None:
            raise DeviceError("the host waits for the device inside the step")
        return np.array(host(array))

    def pointer(self, array):
        assert isinstance(array, DeviceArray), type(array)
        return array.ctypes.data

    def launch(self, kernel, grid, block, arguments):
        assert all(isinstance(a, DeviceArray | np.generic) for a in arguments), kernel.name
        plain, order = [host(a) for a in arguments], next(self.orders)
        hostkernels.check(kernel, grid, block, plain)
        self.launches.append(kernel.name)
        issue(lambda: hostkernels.run(kernel, grid, block, plain, order))

    @property
    def handle(self):
        return self.handles[self.branch]

    def gemm(self, a, b, out, alpha, beta, precision):
        self.cublas.gemm(self.handle, a, b, out, alpha, beta, precision)

    def zeros(self, shape, dtype):
        array = self.empty(shape, dtype)
        array.fill(0)
        return array

    def parallel(self, jobs):
        begin, ends = self.frontier, set()
        for i in self.dice.sample(range(len(jobs)), len(jobs)):
            self.branch, self.frontier = i % len(self.handles), begin
            jobs[i]()
            ends |= self.frontier
        self.branch, self.frontier = 0, ends or begin

    def node(self, work):
        self.nodes.append((work, self.frontier))
        self.frontier = {len(self.nodes) - 1}

    def record(self, step):
        self.nodes, self.frontier, DeviceArray.device = [], set(), self
        try:
            step()
        except Exception as error:
            raise CaptureFailed(str(error)) from error
        finally:
            DeviceArray.device, nodes = None, self.nodes
        return lambda: self.replay(nodes)

    def replay(self, nodes):
        done, waiting = set(), list(range(len(nodes)))
        while waiting:
            ready = [i for i in waiting if nodes[i][1] <= done]
            i = self.dice.choice(ready)
            nodes[i][0]()
            done.add(i)
            waiting.remove(i)

    def synchronize(self):
        pass

    def describe(self):
        return {"device": "the host, for tests"}


def install(monkeypatch, device=None):
    """Let backend "cupy" run on the host, for one test; returns the device."""
    from gpufa import backends

    device = device or HostDevice()
    monkeypatch.setattr(backends, "open_device", lambda index: device)
    monkeypatch.setattr(backends, "why_no_gpu", lambda index=0: "")
    return device
