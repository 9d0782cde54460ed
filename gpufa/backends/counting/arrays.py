"""Arrays without numbers: they have a shape and a type, and are counted as long as somebody holds them."""

import math
import sys
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ...basics.arguments import shown
from ...basics.errors import InvalidValue, OutOfMemory, in_bytes

NOTHING = np.dtype("V0")  # elements of no bytes: views can be made of it that reach beyond all memory
NUMBERLESS = "what is counted beforehand has no numbers, and a rule or a layer of your own reads some in its step"


class Count:
    """Bytes that are held now, and the most that were."""

    def __init__(self) -> None:
        self.now = self.most = 0

    def add(self, size: int) -> None:
        self.now += size
        self.most = max(self.most, self.now)


class Held:
    """The memory of an array and all views of it."""

    def __init__(self, count: Count, size: int) -> None:
        self.count, self.size = count, size
        count.add(size)

    def __del__(self) -> None:
        self.count.add(-self.size)


class Counted(NDArrayOperatorsMixin):
    """As NumPy's arrays as far as shapes go; writing to it does nothing, and reading raises InvalidValue."""

    def __init__(self, held: Held, view: np.ndarray, dtype: Any) -> None:
        self.held, self.view, self.dtype = held, view, np.dtype(dtype)

    @classmethod
    def of(cls, count: Count, shape: Sequence[int], dtype: Any, size: int | None = None) -> "Counted":
        """A new array without gaps, which takes so many bytes, or as many as it has. Raises OutOfMemory where these are
        more than a machine can number."""
        shape, each = tuple(map(int, shape)), np.dtype(dtype).itemsize
        if (all_of_it := each * math.prod(shape)) > sys.maxsize:
            raise OutOfMemory(
                f"an array {shown(shape)} of {np.dtype(dtype).name}, {in_bytes(all_of_it)}, is more than any machine"
                " can hold; reduce --batch-size, --hidden or the number of --seeds"
            )
        view = np.lib.stride_tricks.as_strided(np.empty(1, NOTHING), shape, _steps(shape, each))
        return cls(Held(count, all_of_it if size is None else size), view, dtype)

    def new(self, shape: Sequence[int], dtype: Any = None) -> "Counted":
        return Counted.of(self.held.count, shape, self.dtype if dtype is None else dtype)

    shape = property(lambda self: self.view.shape)
    strides = property(lambda self: self.view.strides)
    ndim = property(lambda self: self.view.ndim)
    size = property(lambda self: self.view.size)
    itemsize = property(lambda self: self.dtype.itemsize)
    nbytes = property(lambda self: self.size * self.itemsize)
    ctypes = SimpleNamespace(data=0)  # the address of nothing
    T = property(lambda self: self._seen(self.view.T))

    @property
    def flags(self) -> Any:
        whole, turned = (a.strides == _steps(a.shape, self.itemsize) for a in (self, self.T))
        return SimpleNamespace(c_contiguous=whole, forc=whole or turned)

    def __len__(self) -> int:
        return len(self.view)

    def __iter__(self) -> Iterator["Counted"]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: Any) -> "Counted":
        keys = key if isinstance(key, tuple) else (key,)
        if not all(one is None or one is Ellipsis or isinstance(one, slice | int | np.integer) for one in keys):
            raise InvalidValue(NUMBERLESS)
        return self._seen(self.view[(*keys, *([] if Ellipsis in keys else [Ellipsis]))])

    def __setitem__(self, key: Any, value: Any) -> None:
        """Nothing is written."""

    def fill(self, value: Any) -> None:
        """Nothing is written."""

    def reshape(self, *shape: Any) -> "Counted":
        view = self.view.reshape(*shape)
        return self._seen(view) if view.ctypes.data == self.view.ctypes.data else self.new(view.shape)

    def swapaxes(self, a: int, b: int) -> "Counted":
        return self._seen(self.view.swapaxes(a, b))

    def copy(self) -> "Counted":
        return self.new(self.shape)

    def astype(self, dtype: Any) -> "Counted":
        return self.new(self.shape, dtype)

    def sum(self, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
        """Over these axes."""
        if out is not None:
            return out
        every = range(self.ndim)
        over = {every[a] for a in ([axis] if isinstance(axis, int) else every if axis is None else axis)}
        shape = [1 if a in over else n for a, n in enumerate(self.shape) if keepdims or a not in over]
        return self.new(shape, dtype)

    def argmax(self, axis: Any = None, out: Any = None) -> Any:
        return self.sum(axis, np.intp, out)

    def all(self, axis: Any = None) -> Any:
        return self.sum(axis, bool)

    mean = max = min = sum
    any = all

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **_: Any) -> Any:
        if out is not None:
            return out[0]
        if method != "__call__":
            raise InvalidValue(NUMBERLESS)
        return self.new(np.broadcast_shapes(*map(_shape, inputs)), ufunc(*map(_few, inputs)).dtype)

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise InvalidValue(NUMBERLESS)

    def __array_function__(self, function: Any, types: Any, arguments: tuple[Any, ...], options: Any) -> Any:
        if function not in (np.where, np.clip):
            raise InvalidValue(NUMBERLESS)
        numbers = arguments[1:] if function is np.where else arguments
        return self.new(np.broadcast_shapes(*map(_shape, arguments)), np.result_type(*map(_few, numbers)))

    __array__ = __bool__ = __float__ = __int__ = __index__ = _refuse

    def _seen(self, view: np.ndarray) -> "Counted":
        return Counted(self.held, view, self.dtype)


def _steps(shape: tuple[int, ...], each: int) -> tuple[int, ...]:
    """The strides of an array without gaps."""
    return tuple(each * math.prod(shape[i + 1 :]) for i in range(len(shape)))


def _shape(one: Any) -> tuple[int, ...]:
    return one.shape if isinstance(one, Counted) else np.shape(one)


def _few(one: Any) -> Any:
    """An array of its type without elements; a number as it is."""
    return np.empty(0, one.dtype) if _shape(one) else one
