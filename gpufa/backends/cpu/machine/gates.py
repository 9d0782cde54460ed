"""h = f(a) and delta * f' as one pass of machine code each, by all threads, where they call no function, and where they
call one of `functions.hpp` that is slow elsewhere: SciPy takes erfc number by number, and NumPy looks up the numbers
that its tanh is made of, which processors without AVX-512 do one by one.

They are the row's own CUDA texts, compiled as C++ in a fraction of a second. Where they call no function, products and
sums are rounded one by one, as NumPy's are, and so come to its bits; else to rounding.
"""

import re
import warnings
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....basics.errors import GpufaWarning
from ....functions.activations import Activation
from ... import kernels
from .compiler import LONG, POINTER, ROUNDED, built, source
from .facts import vectors
from .threads import share_numbers

CALLED = """
#define erfc(x) erfc_of<T>(x)
#define exp(x) power<T>(x, 0)
#define tanh(x) tanh_of<T>(x)
"""
ALONE = """
#ifdef __clang__
#define EACH_ALONE _Pragma("clang loop vectorize(assume_safety)")
#else
#define EACH_ALONE _Pragma("GCC ivdep")
#endif
"""
TEXTS = {
    "activate": """
extern "C" void activate(const T* as, T* hs, long n) {
    EACH_ALONE
    for (long i = 0; i < n; i++) {
        const T a = as[i];
        T h;
        ACTIVATION
        hs[i] = h;
    }
}
""",
    "gated": """
extern "C" void gated(const T* delta, const T* zs, T* out, long n) {
    EACH_ALONE
    for (long i = 0; i < n; i++) {
        const T Z = zs[i];
        T g;
        DERIVATIVE
        out[i] = delta[i] * g;
    }
}
""",
}
ARRAYS = {"activate": 2, "gated": 3}  # of each function
FORMS = {"activate": "value(a, h)", "gated": "derivative(z, g, t)"}
CALL = re.compile(r"[a-z]\w*\(")
OURS = {"erfc(", "exp(", "tanh("}  # functions that are in vectors
SLOW = {"erfc("}  # those that take longer elsewhere, on any processor
EACH, EACH_CALLED = 0.2, 2.0  # nanoseconds a number
FEW = 1 << 14  # numbers that NumPy has done before machine code is called
FEW_CALLED = 1 << 15  # bytes of a replica


@cache
def _functions(activation: Activation, dtype: Any) -> dict[str, Any]:
    """The machine code for arrays of that type: the functions that call none but ours, and do as NumPy's."""
    found = {name: does for name in TEXTS if (does := _function(name, activation, dtype))}
    wrong = [name for name, does in found.items() if not _right(name, does, activation, dtype)]
    for name in wrong:
        warnings.warn(
            f"the machine code of activation {activation.name!r} comes to other numbers than its {FORMS[name]}, which"
            " is taken; mend its CUDA text before a GPU goes by that, or name another compiler by GPUFA_CXX",
            GpufaWarning,
            stacklevel=2,
        )
    return {name: does for name, does in found.items() if name not in wrong}


def _function(name: str, activation: Activation, dtype: Any) -> Any:
    """One of them, untried; None where NumPy is faster, or without a compiler."""
    calls = _calls(_text(name, activation))
    if calls is None:
        return None
    defines = {**kernels.activation_text(activation), **kernels.derivative_text(activation)}
    text = source(dtype, "functions.hpp") + CALLED if calls else source(dtype) + ROUNDED
    text += ALONE + "".join(f"#define {key} {' '.join(value.split())}\n" for key, value in defines.items())
    library = built(text + TEXTS[name], {name: [*[POINTER] * ARRAYS[name], LONG]})
    return library and getattr(library, name)


@cache
def _calls(text: str) -> set[str] | None:
    """The functions that a text calls; None where there is no text, or NumPy is faster."""
    calls, slow = set(CALL.findall(text)), SLOW if vectors() == "AVX-512" else SLOW | {"tanh("}
    return calls if text and (not calls or (calls <= OURS and calls & slow)) else None


def _text(name: str, activation: Activation) -> str:
    return activation.cuda if name == "activate" else activation.cuda_derivative


def _right(name: str, does: Any, activation: Activation, dtype: Any) -> bool:
    """Whether it comes to NumPy's numbers, tried where rows of one's own are, far out, and on what is no number."""
    near = np.linspace(-4.003, 4.001, 401)
    a = np.concatenate([near, np.sinh(2 * near), [np.nan]]).astype(dtype)
    h, g, found, ones = (np.ones_like(a) for _ in range(4))
    with np.errstate(all="ignore"):
        activation.value(a.copy(), h)
        z = a if activation.of == "a" else h
        activation.derivative(z.copy(), g, np.empty_like(a))
    arrays, wanted = ((a, found), h) if name == "activate" else ((ones, z, found), g)
    does(*(array.ctypes.data for array in arrays), len(a))
    return np.allclose(found, wanted, rtol=1e-4, atol=1e-5, equal_nan=True)


def passed(name: str, activation: Activation, *arrays: NDArray) -> bool:
    """Do it, "activate" or "gated", to arrays (R, ...), if there is machine code for it and each replica's lie whole;
    `out` of "gated" may be its `delta`.

    Where functions are called, a replica's bits don't hang on what stands beside it: its first number begins a vector.
    """
    first, calls = arrays[0], _calls(_text(name, activation))
    if calls is None or any(a.dtype != first.dtype or a.shape != first.shape for a in arrays):
        return False
    if first.nbytes < FEW_CALLED * len(first) if calls else first.size < FEW:
        return False
    whole = all(a.flags.c_contiguous for a in arrays)
    if not whole and not all(a.ndim > 1 and a[:1].flags.c_contiguous for a in arrays):
        return False
    does, size = _functions(activation, first.dtype).get(name), first.itemsize
    if not does:
        return False
    for own in [arrays] if whole and not calls else zip(*arrays, strict=True):
        starts = [a.ctypes.data for a in own]
        share_numbers(own[0].size, EACH_CALLED if calls else EACH, partial(_stretch, does, starts, size))
    return True


def _stretch(does: Any, starts: list[int], size: int, first: int, last: int) -> None:
    does(*(start + first * size for start in starts), last - first)
