"""A stand-in for CuPy on machines without a GPU: arrays that, like CuPy's, refuse to mix with the host's.

`module` makes enough of the module `cupy` for gpufa/backends/cupy.py to be imported and to run; a kernel's text is
looked up in the table of activations and done by its NumPy form.
"""

import sys
import types

import numpy as np

from gpufa.activations import ACTIVATIONS


class DeviceArray(np.ndarray):
    """An array that is "on the device": operations with host arrays, and silent copies to the host, raise."""

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **kw):
        for x in (*inputs, *out):
            if isinstance(x, np.ndarray) and not isinstance(x, DeviceArray) and x.ndim:
                raise TypeError(f"{ufunc.__name__} mixes an array of the host with one of the device")
        plain = [x.view(np.ndarray) if isinstance(x, DeviceArray) else x for x in inputs]
        if out:
            kw["out"] = tuple(x.view(np.ndarray) for x in out)
        result = getattr(ufunc, method)(*plain, **kw)
        return out[0] if out else device(result)

    def __array_function__(self, function, types_, args, kw):
        raise TypeError(f"numpy.{function.__name__} was called on an array of the device")

    def __array__(self, *args, **kw):
        raise TypeError("an array of the device was converted to one of the host without to_host")

    def __setitem__(self, key, value):
        if isinstance(value, np.ndarray) and not isinstance(value, DeviceArray) and value.ndim:
            raise TypeError("an array of the host was written into one of the device without to_device")
        host = value.view(np.ndarray) if isinstance(value, DeviceArray) else value
        self.view(np.ndarray)[key] = host

    def __getitem__(self, key):
        if isinstance(key, DeviceArray):
            key = key.view(np.ndarray)
        return device(self.view(np.ndarray)[key])

    def set(self, host):
        assert type(host) is np.ndarray
        self.view(np.ndarray)[...] = host

    def _reduce(self, name, *args, **kw):
        return device(getattr(self.view(np.ndarray), name)(*args, **kw))

    def sum(self, *args, **kw):
        if isinstance(kw.get("out"), DeviceArray):
            self.view(np.ndarray).sum(*args, **{**kw, "out": kw["out"].view(np.ndarray)})
            return kw["out"]
        return self._reduce("sum", *args, **kw)

    def max(self, *args, **kw):
        return self._reduce("max", *args, **kw)

    def mean(self, *args, **kw):
        return self._reduce("mean", *args, **kw)

    def argmax(self, *args, **kw):
        return self._reduce("argmax", *args, **kw)

    def all(self, *args, **kw):
        return self._reduce("all", *args, **kw)


def device(x):
    return np.asarray(x).view(DeviceArray) if isinstance(x, np.ndarray | np.generic) else x


def _host(x):
    return x.view(np.ndarray) if isinstance(x, DeviceArray) else x


def _wrap(function):
    """A function of the module: takes arrays of the device, gives one back."""

    def call(*args, out=None, **kw):
        for x in args:
            assert not (isinstance(x, np.ndarray) and x.ndim and not isinstance(x, DeviceArray)), function.__name__
        if out is not None:
            function(*map(_host, args), out=_host(out), **kw)
            return out
        return device(function(*map(_host, args), **{k: _host(v) for k, v in kw.items()}))

    return call


class ElementwiseKernel:
    """`T a -> T h` by value, `T d, T z -> T delta` as d * f'(z), by the row whose CUDA text this is."""

    def __init__(self, inputs, outputs, operation, name):
        self.probe = name == "gpufa_probe"
        text = operation.split(" delta")[0]
        self.rows = [r for r in ACTIVATIONS.values() if r.cuda == operation or r.cuda_derivative in text]
        self.gate = "delta" in outputs
        if not self.probe:
            (self.row,) = [ACTIVATIONS[name.removeprefix("gpufa_gate_").removeprefix("gpufa_")]]
            assert self.row in self.rows

    def __call__(self, *arrays):
        host = [_host(a) for a in arrays]
        if self.probe:
            return device(host[0] + host[0])
        if self.gate:
            d, z, out = host
            g, t = np.empty(z.shape, z.dtype), np.empty(z.shape, z.dtype)
            self.row.derivative(z, g, t)
            np.multiply(d, g, out=out)
        else:
            self.row.value(*host)
        return arrays[-1]


def module():
    """Enough of the module cupy."""
    cupy = types.ModuleType("cupy")
    arithmetic = "add multiply matmul where clip sqrt degrees arccos maximum square sign isfinite"
    for name in f"{arithmetic} take arange full ones zeros empty".split():
        setattr(cupy, name, _wrap(getattr(np, name)))
    cupy.nan, cupy.ndarray, cupy.ElementwiseKernel = np.nan, DeviceArray, ElementwiseKernel
    cupy.asarray = lambda x, dtype=None: device(np.array(_host(x), dtype))
    cupy.ascontiguousarray = lambda x: device(np.ascontiguousarray(_host(x)))
    cupy.asnumpy = lambda x: np.array(_host(x))
    stream = types.SimpleNamespace(synchronize=lambda: None)
    runtime = types.SimpleNamespace(
        getDeviceCount=lambda: 1,
        runtimeGetVersion=lambda: 12090,
        driverGetVersion=lambda: 13000,
        getDeviceProperties=lambda i: {"name": b"a stand-in"},
    )
    cupy.cuda = types.SimpleNamespace(
        runtime=runtime, get_current_stream=lambda: stream, Device=lambda: types.SimpleNamespace(id=0)
    )
    cupy.__version__ = "0"
    return cupy


def install(monkeypatch):
    """Make `import cupy` give the stand-in, for one test."""
    from gpufa import backends

    monkeypatch.setitem(sys.modules, "cupy", module())
    monkeypatch.delitem(sys.modules, "gpufa.backends.cupy", raising=False)
    monkeypatch.delattr(backends, "cupy", raising=False)
    monkeypatch.setattr(backends, "why_no_gpu", lambda: "")
