"""Lines from one process's device to another's, for backends whose arrays need not go through the host."""

from typing import Any, Protocol

Array = Any
Number = tuple[int, ...]  # names a line to all whom it connects


class Line(Protocol):
    """This process's end of what connects the devices of several. What is asked of it is issued in order with all other
    work of the device, may be recorded within a step, and is asked for at all ends in one order. Raises DeviceError."""

    name: str
    open: bool

    def add(self, a: Array) -> None:
        """In place of its addend, each gets the sum over all."""

    def send(self, a: Array, to: int) -> None:
        """Let that process have an array, as it is by then."""

    def receive(self, out: Array, of: int) -> None:
        """What that process sends."""

    def spread(self, a: Array, of: int) -> None:
        """Let all have what one process has in that array."""

    def check(self) -> None:
        """Raises DeviceError where it is known to be broken."""

    def cut(self) -> None:
        """Let nothing wait for the others any more; it is of no use from there on."""


class Lines:
    """The lines that a backend can have; here, where arrays are in the host's memory, there are none."""

    @property
    def gpu(self) -> str:
        """Which of all GPUs on all machines its arrays are on; "" for none."""
        return ""

    @property
    def no_line(self) -> str:
        """Why it can't have a line, "" where it can."""
        return "arrays are in the host's memory"

    def new_line(self) -> Number:
        """The number of a line that there is not yet."""
        raise NotImplementedError

    def line(self, number: Number, size: int, rank: int) -> Line:
        """End `rank` of so many; waits for all others. Raises DeviceError."""
        raise NotImplementedError

    @property
    def idle(self) -> bool:
        """Whether all work that was issued is done."""
        return True
