"""Whether a GPU can be trained on: a few recorded steps of a small net come out as NumPy's."""

import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..basics.arrays import T
from ..basics.errors import GpufaWarning, OutOfMemory
from ..basics.random import Purpose
from ..functions.activations import ACTIVATIONS
from ..functions.losses import LOSSES
from .cpu.backend import NumpyBackend
from .gpu.backend import CupyBackend
from .gpu.device import Device, first_line
from .gpu.faults import in_words
from .operations.base import Backend
from .operations.operands import Gate, Outputs, Samples, Ticks

LIBRARIES = "install CuPy with its libraries (pip install 'gpufa[cuda12]', or 'gpufa[cuda13]' for CUDA 13)"
STEPS = 4  # the first as it is, the second recorded, the others replayed


def trial(open_it: Callable[[], Device]) -> str:
    """Why a device can't be trained on, in one line, or "". Counting devices is not enough: NVRTC or cuBLAS may be
    missing, too old a driver refuse what they make, the memory be taken, or work come out of order."""
    try:
        backend = CupyBackend(open_it())
    except Exception as error:
        return _full(error) or f"the GPU or cuBLAS can't be opened ({first_line(error)}): {LIBRARIES}"
    try:
        backend.random("sign", backend.zeros((1, 4, 4), "float32"), (0,), Purpose.RULE)
        backend.synchronize()
    except Exception as error:
        return _full(error) or (
            f"a small kernel does not compile and run ({first_line(error)}): update NVIDIA's driver, or {LIBRARIES}"
        )
    try:
        with backend.working():
            ours = practised(backend)
    except Exception as error:
        return _full(error) or f"a small training step fails ({first_line(error)}): {LIBRARIES}"
    theirs = practised(NumpyBackend())
    if all(np.allclose(p, q, rtol=1e-3, atol=1e-5) for p, q in zip(ours, theirs, strict=True)):
        return ""
    return "a few training steps come out wrong: update NVIDIA's driver and CuPy"


def _full(error: Exception) -> str:
    told = error if isinstance(error, OutOfMemory) else in_words(error)
    if not isinstance(told, OutOfMemory):
        return ""
    return f"{str(told).partition(';')[0]}: end what else runs there, or take another by --device"


def practised(backend: Backend) -> list[NDArray]:
    """The parameters of an 8-12-4 net after a few steps by DFA: counters and rates that go on from step to step,
    kernels, products, and products side by side."""
    tanh, loss, seeds, m = ACTIVATIONS["tanh"], LOSSES["cross_entropy"], (0,), 16

    def drawn(stream: int, *shape: int) -> NDArray:
        backend.random("uniform", made := backend.zeros((1, *shape), "float32"), seeds, Purpose.RULE, stream=stream)
        return made

    data, labels, order = drawn(1, STEPS * m, 8)[0], np.arange(STEPS * m) % 4, np.arange(STEPS * m)[None, ::-1]
    samples = Samples(data, backend.to_device(labels), backend.to_device(order), m)
    W1, W2, B, x = drawn(2, 12, 8), drawn(3, 4, 12), drawn(4, 12, 4), backend.zeros((1, m, 8), "float32")
    b1, h, delta = (backend.zeros((1, *shape), "float32") for shape in ((12,), (12, m), (12, m)))
    b2, a, e, y, value = (backend.zeros((1, *shape), "float32") for shape in ((4,), (4, m), (4, m), (4, m), (m,)))
    missed = backend.zeros((1, m), "bool")
    counters = backend.to_device(np.array([-1, -1], np.int64))
    rates = backend.to_device(np.array([[-0.1 * (i + 1)] for i in range(STEPS)], np.float32))
    ticks = Ticks(counters, rates, backend.zeros((1,), "float32"))

    def step() -> None:
        backend.load(ticks, samples, x, y)
        backend.layer(W1, T(x), b1, tanh, a=h, h=h)
        backend.output(W2, h, b2, Outputs(loss, a, y, e, value, missed))
        backend.feedback_delta(B, e, [Gate(tanh, h, None, slice(0, 12))], out=delta)
        products = [
            partial(backend.gemm, d, below, out=W, alpha=ticks.now, beta=1.0)
            for d, below, W in ((delta, x, W1), (e, T(h), W2))
        ]
        sums = [partial(backend.row_sums, d, out=b, alpha=ticks.now, beta=1.0) for d, b in ((delta, b1), (e, b2))]
        backend.parallel([*products, *sums])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GpufaWarning)  # where a step can't be recorded, training says so
        run = backend.capture(step)
        for _ in range(STEPS):
            run()
    return [np.array(backend.to_host(p)) for p in (W1, b1, W2, b2)]
