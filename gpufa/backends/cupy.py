"""NVIDIA GPUs through CuPy: the same operations on CuPy's arrays, activations fused into one kernel each."""

import os
from functools import cache
from typing import Any

import cupy
import numpy as np

from ..activations import Activation
from .base import Backend, Gate


@cache
def _value(activation: Activation) -> cupy.ElementwiseKernel:
    return cupy.ElementwiseKernel("T a", "T h", activation.cuda, f"gpufa_{activation.name}")


@cache
def _gate(activation: Activation) -> cupy.ElementwiseKernel:
    """delta *= f'(z) in one pass."""
    operation = f"T g; {activation.cuda_derivative} delta = d * g;"
    return cupy.ElementwiseKernel(f"T d, T {activation.of}", "T delta", operation, f"gpufa_gate_{activation.name}")


class CupyBackend(Backend):
    """CuPy arrays on one NVIDIA GPU."""

    name = "cupy"
    xp = cupy

    def to_device(self, array: Any, dtype: Any = None) -> cupy.ndarray:
        return cupy.ascontiguousarray(cupy.asarray(array, dtype))

    def to_host(self, array: cupy.ndarray) -> np.ndarray:
        return cupy.asnumpy(array)

    def bias_activation(self, a: Any, b: Any, activation: Activation | None, h: Any) -> None:
        cupy.add(a, b[..., None], out=a)
        if activation:
            _value(activation)(a, h)

    def gate(self, delta: Any, gates: Any) -> None:
        for gate in gates:
            assert isinstance(gate, Gate)
            part = delta[..., gate.rows, :]
            _gate(gate.activation)(part, gate.z, part)
            if gate.mask is not None:
                cupy.multiply(part, gate.mask, out=part)

    def synchronize(self) -> None:
        cupy.cuda.get_current_stream().synchronize()

    def describe(self) -> dict[str, str]:
        runtime, driver = cupy.cuda.runtime.runtimeGetVersion(), cupy.cuda.runtime.driverGetVersion()
        name = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)["name"].decode()
        tf32 = os.environ.get("CUPY_TF32", "0") != "0"
        return {
            "device": name,
            "cupy": cupy.__version__,
            "CUDA runtime": str(runtime),
            "CUDA driver": str(driver),
            "TF32": "yes, by CUPY_TF32" if tf32 else "no: products are done in full precision",
        }
