"""Fixtures for all tests."""

import hostdevice
import pytest


@pytest.fixture(params=["numpy", "cupy"])
def backend(request, monkeypatch):
    """The name of a backend: NumPy, then the GPU backend with its kernels run by the host."""
    if request.param == "cupy":
        hostdevice.install(monkeypatch)
    return request.param
