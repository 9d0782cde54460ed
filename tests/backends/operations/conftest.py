"""The fixtures of tests of operations."""

import pytest

from gpufa.backends import get_backend
from gpufa.backends.cpu.backend import NumpyBackend

# On the stand-in for a GPU the threads of a block run in three orders: a missing barrier shows in two of them.
EVERY_ORDER = ["numpy", *(pytest.param(order, marks=pytest.mark.gpu) for order in ("forward", "reverse", "random"))]


def opened(name, threads_in):
    """The backend of one of EVERY_ORDER."""
    if name == "numpy":
        return NumpyBackend()
    threads_in(name)
    return get_backend("cupy")


@pytest.fixture(params=EVERY_ORDER)
def backend(request, threads_in):
    return opened(request.param, threads_in)


@pytest.fixture(params=["numpy", pytest.param("cupy", marks=pytest.mark.gpu)])
def either(request):
    return get_backend(request.param)
