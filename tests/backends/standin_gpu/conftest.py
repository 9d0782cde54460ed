"""The fixtures of tests of the stand-in GPU."""

import pytest
import standin


@pytest.fixture(autouse=True)
def _afresh():
    """Every test begins and ends with device 0, the legacy stream, and a device that works and is at peace."""
    import cupy

    standin.seed(0)
    standin.faults(), standin.launched()
    yield
    standin.revive()
    standin.guard(False), standin.lazy(True), standin.order(None)
    cupy.cuda.Device(0).use()
    cupy.cuda.Stream.null.use()
    left = standin.faults()
    assert not left
