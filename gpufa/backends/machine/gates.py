"""h = f(a) and delta * f' as one pass of machine code each, by all threads, where they call no function: NumPy is
faster at exponentials than a C++ compiler's library.

They are the row's own CUDA texts, compiled as C++ in a fraction of a second; products and sums are rounded one by one,
as NumPy's are.
"""

import re
import warnings
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...basics.errors import GpufaWarning
from ...functions.activations import Activation
from .. import kernels
from .compiler import LONG, POINTER, built
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
FORMS = {"activate": "value(a, h)", "gated": "derivative(z, g, t)"}
CALL = re.compile(r"[a-z]\w*\(")
EACH = 0.2  # nanoseconds a number
FEW = 1 << 14  # numbers that NumPy has done before machine code is called


@cache
def _functions(activation: Activation, dtype: Any) -> dict[str, Any]:
    """The machine code for arrays of that type: the functions that call none, and do as NumPy's."""
    defines = {
        "T": kernels.TYPES[np.dtype(dtype).name],
        **kernels.activation_text(activation),
        **kernels.derivative_text(activation),
    }
    cheap = {"activate": activation.cuda, "gated": activation.cuda_derivative}
    names = tuple(name for name, text in cheap.items() if text and not CALL.search(text))
    defines |= {key: ";" for key, name in (("ACTIVATION", "activate"), ("DERIVATIVE", "gated")) if name not in names}
    text = "".join(f"#define {key} {' '.join(value.split())}\n" for key, value in defines.items()) + TEXT
    library = built(text, {name: [*[POINTER] * ARRAYS[name], LONG] for name in names}) if names else None
    found = {name: getattr(library, name) for name in names} if library else {}
    wrong = [name for name, does in found.items() if not _right(name, does, activation, dtype)]
    for name in wrong:
        warnings.warn(
            f"the machine code of activation {activation.name!r} comes to other numbers than its {FORMS[name]}, which"
            " is taken; mend its CUDA text before a GPU goes by that, or name another compiler by GPUFA_CXX",
            GpufaWarning,
            stacklevel=2,
        )
    return {name: does for name, does in found.items() if name not in wrong}


def _right(name: str, does: Any, activation: Activation, dtype: Any) -> bool:
    """Whether it comes to NumPy's numbers, tried where rows of one's own are."""
    a = np.linspace(-4.003, 4.001, 401, dtype=dtype)
    h, g, found, ones = (np.ones_like(a) for _ in range(4))
    with np.errstate(all="ignore"):
        activation.value(a.copy(), h)
        z = a if activation.of == "a" else h
        activation.derivative(z.copy(), g, np.empty_like(a))
    arrays, wanted = ((a, found), h) if name == "activate" else ((ones, z, found), g)
    does(*(array.ctypes.data for array in arrays), len(a))
    return np.allclose(found, wanted, rtol=1e-4, atol=1e-5)


def passed(name: str, activation: Activation, *arrays: NDArray) -> bool:
    """Do it, "activate" or "gated", to many numbers that lie whole, if there is machine code for it."""
    first = arrays[0]
    if first.size < FEW or not all(a.flags.c_contiguous and a.dtype == first.dtype for a in arrays):
        return False
    does, size = _functions(activation, first.dtype).get(name), first.itemsize
    if not does:
        return False
    starts = [a.ctypes.data for a in arrays]
    share_numbers(first.size, EACH, lambda start, end: does(*(at + start * size for at in starts), end - start))
    return True
