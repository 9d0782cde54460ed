"""A training step as one recorded graph."""

from collections.abc import Callable

from ..basics.errors import warn
from .device import CaptureFailed, Device, Job


class Recorded:
    """A step that runs as it is the first time, which compiles its kernels, is then recorded, and replayed from there
    on; where it can't be recorded it goes on as it is, which is said once for each reason not yet `told`."""

    def __init__(self, device: Device, step: Job, told: set[str]) -> None:
        self.device, self.step, self.told = device, step, told
        self.run_next: Callable[[], None] = self._first

    def run(self) -> None:
        self.run_next()

    def _first(self) -> None:
        self.step()
        self.run_next = self._second

    def _second(self) -> None:
        try:
            self.run_next = self.device.record(self.step)
        except CaptureFailed as error:
            if str(error) not in self.told:
                self.told.add(str(error))
                warn(f"the training step can't be recorded ({error}); it runs operation by operation")
            self.run_next = self.step
        self.run_next()
