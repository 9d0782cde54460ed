"""A training step as one recorded graph."""

from collections.abc import Callable

from ...basics.errors import warn
from .device import CaptureFailed, Device, Job

ELSEWHERE = "another process could not record its own"


class Recorded:
    """A step that runs as it is the first time, which compiles its kernels, is then recorded, and replayed from there
    on; where it can't be recorded it goes on as it is, which is said once for each reason not yet `told`.

    Steps of several processes that hold work with each other are recorded by all of them or by none: `failed` makes of
    whether this one's can't be whether any can't.
    """

    def __init__(self, device: Device, step: Job, told: set[str], failed: Callable[[bool], bool] = bool) -> None:
        self.device, self.step, self.told, self.failed = device, step, told, failed
        self.run_next: Callable[[], None] = self._first

    def run(self) -> None:
        self.run_next()

    def _first(self) -> None:
        self.step()
        self.run_next = self._second

    def _second(self) -> None:
        why = ""
        try:
            self.run_next = self.device.record(self.step)
        except CaptureFailed as error:
            why = str(error)
        if self.failed(bool(why)):
            self.run_next, why = self.step, why or ELSEWHERE
            if why not in self.told:
                self.told.add(why)
                warn(f"the training step can't be recorded ({why}); it runs operation by operation")
        self.run_next()
