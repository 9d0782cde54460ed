"""h = f(a) and delta * f' as one pass of machine code each, by all threads, where they call no function: NumPy is
faster at exponentials than a C++ compiler's library.

They are the row's own CUDA texts, compiled as C++ in a fraction of a second; products and sums are rounded one by one,
as NumPy's are.
"""

import ctypes
import re
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...functions.activations import Activation
from .. import kernels
from .compiler import built
from .threads import share_numbers

TEXT = """
#ifdef __clang__
#pragma clang fp contract(off)
#else
#pragma GCC optimize("fp-contract=off")
#endif
extern "C" void activate(const T* as, T* hs, long n) {
    for (long i = 0; i < n; i++) {
        const T a = as[i];
        T h;
        ACTIVATION
        hs[i] = h;
    }
}
extern "C" void gated(const T* delta, const T* zs, T* out, long n) {
    for (long i = 0; i < n; i++) {
        const T Z = zs[i];
        T g;
        DERIVATIVE
        out[i] = delta[i] * g;
    }
}
"""
ARRAYS = {"activate": 2, "gated": 3}  # of each function
CALL = re.compile(r"[a-z]\w*\(")
EACH = 0.2  # nanoseconds a number
FEW = 1 << 14  # numbers that NumPy has done before machine code is called


@cache
def _library(activation: Activation, dtype: Any) -> Any:
    """The machine code for arrays of that type, with the functions that call none; None without a compiler."""
    defines = {
        "T": kernels.TYPES[np.dtype(dtype).name],
        **kernels.activation_text(activation),
        **kernels.derivative_text(activation),
    }
    cheap = {"activate": activation.cuda, "gated": activation.cuda_derivative}
    names = tuple(name for name, text in cheap.items() if text and not CALL.search(text))
    defines |= {key: ";" for key, name in (("ACTIVATION", "activate"), ("DERIVATIVE", "gated")) if name not in names}
    text = "".join(f"#define {key} {' '.join(value.split())}\n" for key, value in defines.items()) + TEXT
    library = built(text, names) if names else None
    for name in names if library else ():
        getattr(library, name).argtypes = [*[ctypes.c_void_p] * ARRAYS[name], ctypes.c_long]
        getattr(library, name).restype = None
    return library, names


def passed(name: str, activation: Activation, *arrays: NDArray) -> bool:
    """Do it, "activate" or "gated", to many numbers that lie whole, if there is machine code for it."""
    first = arrays[0]
    if first.size < FEW or not all(a.flags.c_contiguous and a.dtype == first.dtype for a in arrays):
        return False
    library, names = _library(activation, first.dtype)
    if not library or name not in names:
        return False
    does, size = getattr(library, name), first.itemsize
    starts = [a.ctypes.data for a in arrays]
    share_numbers(first.size, EACH, lambda start, end: does(*(at + start * size for at in starts), end - start))
    return True
