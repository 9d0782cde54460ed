"""cuBLAS by its C ABI: CuPy's own bindings refuse to be captured in a CUDA graph, and copy transposed operands.

One call, cublasGemmStridedBatchedEx, does every product: row- or column-major slices, batches, alpha and beta, with no
temporaries. cuBLAS is column-major: a row-major matrix is its own transpose there.
"""

import ctypes
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ...basics.arrays import T
from ...basics.errors import DeviceError

Array = Any
Handle = ctypes.c_void_p

_VOID, _INT, _LONG = ctypes.c_void_p, ctypes.c_int, ctypes.c_longlong
SIGNATURES: dict[str, list[Any]] = {
    "cublasCreate_v2": [_VOID],
    "cublasDestroy_v2": [_VOID],
    "cublasSetStream_v2": [_VOID, _VOID],
    "cublasSetWorkspace_v2": [_VOID, _VOID, ctypes.c_size_t],
    "cublasSetPointerMode_v2": [_VOID, _INT],
    "cublasGetVersion_v2": [_VOID, _VOID],
    "cublasGemmStridedBatchedEx": [
        *(_VOID, _INT, _INT, _INT, _INT, _INT, _VOID),  # handle, op a, op b, m, n, k, alpha
        *(_VOID, _INT, _INT, _LONG),  # a, its type, leading dimension and stride
        *(_VOID, _INT, _INT, _LONG),  # b
        *(_VOID, _VOID, _INT, _INT, _LONG),  # beta, c
        *(_INT, _INT, _INT),  # batches, compute type, algorithm
    ],
}
TYPES = {"float32": 0, "float64": 1, "uint16": 14}  # cudaDataType; uint16 arrays hold bfloat16
COMPUTE = {"fp32": 68, "tf32": 77, "bf16": 68, "fp64": 70}  # cublasComputeType_t
ON_HOST, ON_DEVICE = 0, 1
DEFAULT_ALGORITHM = -1


class Cublas:
    """cuBLAS, or anything with its ABI; `pointer` gives an array's address."""

    def __init__(self, abi: Any, pointer: Callable[[Array], int]) -> None:
        self.abi, self.pointer = abi, pointer
        self._modes: dict[int | None, int] = {}
        for name, types in SIGNATURES.items():
            getattr(abi, name).argtypes = types
        abi.cublasGetStatusName.argtypes, abi.cublasGetStatusName.restype = [_INT], ctypes.c_char_p

    def create(self, stream: int, workspace: int, size: int) -> Handle:
        """A handle for one stream, with a workspace of its own: what makes captured and eager products the same."""
        handle = Handle()
        self._call("cublasCreate_v2", ctypes.byref(handle))
        self._call("cublasSetStream_v2", handle, stream)
        self._call("cublasSetWorkspace_v2", handle, workspace, size)
        return handle

    def version(self, handle: Handle) -> int:
        number = ctypes.c_int()
        self._call("cublasGetVersion_v2", handle, ctypes.byref(number))
        return number.value

    def gemm(
        self,
        handle: Handle,
        a: Array,
        b: Array,
        out: Array,
        alpha: float | Array,
        beta: float | Array,
        precision: str = "fp32",
    ) -> None:
        """out = alpha * a @ b + beta * out; two axes, or three with a batch that a and b may share.

        alpha and beta are both numbers, or both arrays of one element on the device; `precision` is a key of COMPUTE,
        for float32. Raises ValueError for a matrix
        that is neither row- nor column-major, DeviceError with cuBLAS's own name for what went wrong.
        """
        if _layout(out)[0]:
            a, b, out = T(b), T(a), T(out)
        m, k = a.shape[-2:]
        n = b.shape[-1]
        if b.shape[-2] != k or out.shape[-2:] != (m, n):
            raise ValueError(f"a product of {a.shape} and {b.shape} can't be written into {out.shape}")
        (flag_a, ld_a), (flag_b, ld_b), (_, ld_out) = _layout(a), _layout(b), _layout(out)
        compute = "fp64" if out.dtype.name == "float64" else precision
        self._call(
            "cublasGemmStridedBatchedEx",
            *(handle, flag_b, flag_a, n, m, k, self._scalar(handle, alpha, compute)),
            *(self.pointer(b), TYPES[b.dtype.name], ld_b, _stride(b)),
            *(self.pointer(a), TYPES[a.dtype.name], ld_a, _stride(a)),
            *(self._scalar(handle, beta, compute), self.pointer(out), TYPES[out.dtype.name], ld_out, _stride(out)),
            *(out.shape[0] if out.ndim > 2 else 1, COMPUTE[compute], DEFAULT_ALGORITHM),
        )

    def _scalar(self, handle: Handle, value: float | Array, compute: str) -> Any:
        mode = ON_HOST if isinstance(value, int | float) else ON_DEVICE
        if self._modes.get(handle.value) != mode:
            self._modes.pop(handle.value, None)  # Ctrl-C may come between the two that follow
            self._call("cublasSetPointerMode_v2", handle, mode)
            self._modes[handle.value] = mode
        if mode == ON_DEVICE:
            return self.pointer(value)
        return ctypes.byref(ctypes.c_double(value) if compute == "fp64" else ctypes.c_float(value))

    def _call(self, name: str, *arguments: Any) -> None:
        status = getattr(self.abi, name)(*arguments)
        if status:
            meaning = self.abi.cublasGetStatusName(status)
            raise DeviceError(f"cuBLAS: {name} failed with {meaning.decode() if meaning else f'status {status}'}")


def _layout(x: Array) -> tuple[int, int]:
    """(0 for row-major or 1 for column-major, leading dimension) of the last two axes."""
    size, (rows, columns), (down, right) = x.itemsize, x.shape[-2:], x.strides[-2:]
    if (right == size or columns <= 1) and (down >= size * columns or rows <= 1):
        return 0, max(down // size if rows > 1 else columns, 1)
    if (down == size or rows <= 1) and (right >= size * rows or columns <= 1):
        return 1, max(right // size if columns > 1 else rows, 1)
    raise ValueError(f"a matrix of shape {x.shape} and strides {x.strides} is neither row- nor column-major")


def _stride(x: Array) -> int:
    """Elements from one matrix of a batch to the next; 0 where the batch shares one."""
    return x.strides[0] // x.itemsize if x.ndim > 2 and x.shape[0] > 1 else 0


def load_cublas() -> Any:
    """The cuBLAS that CuPy itself uses, or the newest that can be loaded."""
    with suppress(Exception):
        from cuda.pathfinder import load_nvidia_dynamic_lib

        return ctypes.CDLL(load_nvidia_dynamic_lib("cublas").abs_path)
    with suppress(Exception):
        import cupy_backends.cuda.libs.cublas  # noqa: F401  loads the library
    for name in ("libcublas.so.13", "libcublas.so.12", "libcublas.so", "cublas64_13.dll", "cublas64_12.dll"):
        with suppress(OSError):
            return ctypes.CDLL(name)
    raise DeviceError("cuBLAS is not found")
