"""Arrays, products and launches on a Device: what the operations of the CuPy backend are made of."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from ...basics.arrays import Shared
from ..kernels import Kernel
from ..operations.base import Backend
from .device import Device
from .grids import width

Array = Any
SCALARS = {"i64": np.int64, "int": np.int32, "unsigned": np.uint32, "double": np.float64}
CUDA = 2, 13  # DLPack's numbers for the memory of GPUs, its own and managed
NOTHING = np.uint64(0)  # a null pointer


class Launcher(Backend):
    """A backend on a Device; `precision` is what products are done in: "fp32", "tf32", or "bf16", in which training
    also keeps its slabs."""

    def __init__(self, device: Device, precision: str = "fp32") -> None:
        super().__init__()
        self.device, self.xp, self.precision = device, device.xp, precision
        self._constants: dict[tuple, Array] = {}

    @property
    def place(self) -> dict[str, Any]:
        return {"backend": self.name, "device": self.device.index, "precision": self.precision}

    def working(self) -> AbstractContextManager[None]:
        return self.device.working()

    def zeros(self, shape: Sequence[int], dtype: Any) -> Array:
        return self.device.zeros(shape, dtype)

    def slab_dtype(self, dtype: str) -> str:
        return "uint16" if self.precision == "bf16" else dtype

    def to_device(self, array: Any, dtype: Any = None) -> Array:
        return self.device.upload(array, dtype)

    def shared(self, values: Any) -> Any:
        if isinstance(values, self.xp.ndarray) or not isinstance(values, Shared):
            return values
        return self.xp.from_dlpack(values) if values.__dlpack_device__()[0] in CUDA else values

    def to_host(self, array: Array) -> np.ndarray:
        return self.device.download(array)

    def staging(self, out: Array) -> np.ndarray:
        return self.device.pinned(out.shape, out.dtype)

    def deliver(self, staged: np.ndarray, out: Array) -> None:
        if out.flags.c_contiguous:
            self.device.send(staged, out)
        else:
            for own, one in zip(staged, out, strict=True):
                self.deliver(own, one)

    def gemm(self, a: Array, b: Array, out: Array, alpha: float | Array = 1.0, beta: float = 0.0) -> None:
        if out.ndim == 4:  # replicas and layers: the longer axis is the batch
            axis = 0 if out.shape[0] < out.shape[1] else 1
            for i in range(out.shape[axis]):
                one = (slice(None),) * axis + (i,)
                left, right, to = (x[one] if x.ndim == 4 else x[i] if axis else x for x in (a, b, out))
                self.gemm(left, right, to, alpha, beta)
            return
        factor = beta if isinstance(alpha, int | float) else self._constant(beta, out.dtype)
        self.device.gemm(a, b, out, alpha, factor, self.precision)

    def whiten(self, x: Array, matrix: Array, out: Array) -> None:
        self.device.gemm(x, matrix, out, 1.0, 0.0, "fp32")

    def _constant(self, value: Any, dtype: Any) -> Array:
        """A number, or a few, on the device; made once."""
        key = (value, np.dtype(dtype).char)
        if key not in self._constants:
            self._constants[key] = self.to_device(np.atleast_1d(np.asarray(value, dtype)))
        return self._constants[key]

    def _seeds(self, seeds: Sequence[int]) -> Array:
        return self._constant(tuple(seeds), np.uint64)

    def _launch(self, found: Kernel, grid: tuple, block: tuple, *arguments: Any) -> None:
        """Launch with each argument made what its parameter is: arrays stay, None is a null pointer."""
        made = [
            SCALARS[p](a) if p in SCALARS else NOTHING if a is None else a
            for p, a in zip(found.parameters, arguments, strict=True)
        ]
        self.device.launch(found, grid, block, tuple(made))

    def _wide(self, columns: int, *arrays: Array) -> int:
        return width(self.device.pointer, columns, *arrays)
