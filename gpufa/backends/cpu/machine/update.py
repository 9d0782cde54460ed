"""An optimizer's update as one pass of machine code, where the machine has a C++ compiler.

It is the row's own CUDA text, compiled as C++ in a fraction of a second. NumPy goes over the weights a dozen times for
the same.
"""

import ctypes
from collections.abc import Callable, Sequence
from functools import cache

from numpy.typing import NDArray

from ....functions.optimizers import DECAYS, Hyper, Optimizer
from ... import kernels
from .compiler import POINTER, REAL, built
from .threads import share_numbers

TEXT = """
#include <math.h>
extern "C" void update(T* __restrict parameters, const T* __restrict gradient, T* __restrict state0,
                       T* __restrict state1, long long n, double clip, double lr_, double unbias1_, double unbias2_,
                       double l2, double decoupled, double shift_, double momentum_, double beta2_, double eps_) {
    const T lr = lr_, unbias1 = unbias1_, unbias2 = unbias2_, scale = clip, decay = l2, kept = 1 - lr_ * decoupled;
    const T momentum = momentum_, beta2 = beta2_, eps = eps_, rest1 = 1 - momentum_, rest2 = 1 - beta2_;
    const T shift = shift_;
    for (long long i = 0; i < n; i++) {
        T p = parameters[i], g = gradient[i] * scale;
        T first = STATES > 0 ? state0[i] : 0, second = STATES > 1 ? state1[i] : 0;
        g += decay * p;
        p = p * kept - shift;
        UPDATE
        parameters[i] = p;
        if (STATES > 0) state0[i] = first;
        if (STATES > 1) state1[i] = second;
    }
}
"""
EACH = 0.5  # nanoseconds a number
Update = Callable[[NDArray, NDArray, Sequence[NDArray], float, Hyper, str], None]


@cache
def compiled_update(optimizer: Optimizer, dtype: str) -> Update | None:
    """update(p, g, states, clip, hyper, decay) for contiguous 1-D arrays, g left as it is; None without a compiler, or
    text to compile."""
    if not optimizer.on_gpu:
        return None
    defines = {"T": kernels.TYPES[dtype], **kernels.update_text(optimizer)}
    text = "".join(f"#define {key} {' '.join(value.split())}\n" for key, value in defines.items()) + TEXT
    library = built(text, {"update": [*[POINTER] * 4, ctypes.c_longlong, *[REAL] * 10]})
    if library is None:
        return None

    def update(p: NDArray, g: NDArray, states: Sequence[NDArray], clip: float, c: Hyper, decay: str) -> None:
        pointers, unused = [array.ctypes.data for array in (p, g, *states)], [None] * (2 - len(states))
        decays = [c.weight_decay if decay == kind else 0.0 for kind in DECAYS]
        numbers = clip, c.lr, c.unbias1, c.unbias2, *decays, c.momentum, c.beta2, c.eps

        def work(start: int, end: int) -> None:
            library.update(*(at + start * p.itemsize for at in pointers), *unused, end - start, *numbers)

        share_numbers(p.size, EACH, work)

    return update
