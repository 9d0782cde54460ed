"""What a kernel of gpufa's is launched with, held to what it takes: CuPy itself passes on whatever it is given."""

from typing import Any

import numpy as np

from gpufa.backends.kernels import Kernel

ELEMENTS = {
    "float": "float32",
    "double": "float64",
    "bf16": "uint16",
    "i64": "int64",
    "u64": "uint64",
    "unsigned": "uint32",
    "unsigned char": "uint8",
    "bool": "bool",
}
SCALARS = {"i64": np.int64, "int": np.int32, "unsigned": np.uint32, "double": np.float64}


def check(kernel: Kernel, arguments: tuple) -> None:
    """Raise TypeError for an argument of another type than its parameter's."""
    if len(arguments) != len(kernel.parameters):
        raise TypeError(f"{kernel.name} takes {len(kernel.parameters)} arguments, not {len(arguments)}")
    for i, (parameter, value) in enumerate(zip(kernel.parameters, arguments, strict=True)):
        if not _fits(kernel.array_type(parameter), parameter, value):
            given = getattr(value, "dtype", type(value).__name__)
            raise TypeError(f"{kernel.name}: argument {i}, {parameter}, was given {given}")


def _fits(element: str | None, parameter: str, value: Any) -> bool:
    if element is None:
        return type(value) is SCALARS[parameter]
    if isinstance(value, np.generic):
        return isinstance(value, np.uint64) and value == 0  # a null pointer
    return hasattr(value, "__cuda_array_interface__") and value.dtype == ELEMENTS[element]
