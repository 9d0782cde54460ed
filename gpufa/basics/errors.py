"""Every error a user can cause derives from GpufaError: one sentence with the value, what was expected, the remedy."""

from collections.abc import Iterator
from contextlib import contextmanager

LONGEST = 1000  # letters of a sentence


class GpufaError(Exception):
    """Base of all of gpufa's own errors; the command line prints its text and exits with 2."""

    def __str__(self) -> str:
        """The text in one line; of a very long one, beginning and end."""
        text = " ".join(super().__str__().splitlines())
        return text if len(text) <= LONGEST else f"{text[: LONGEST * 2 // 3]} ... {text[-LONGEST // 4 :]}"


class InvalidValue(GpufaError, ValueError):
    """A setting, shape or array that can't be used."""


class FileProblem(GpufaError, OSError):
    """A file that is missing, damaged, not ours, or can't be written."""


class BackendUnavailable(GpufaError, RuntimeError):
    """The backend asked for can't run on this machine; the text says why."""


class DeviceError(GpufaError, RuntimeError):
    """The GPU, its driver or one of its libraries failed."""


class OutOfMemory(GpufaError, MemoryError):
    """There is no room, on the GPU or in memory, for what the run needs."""


class GpufaWarning(UserWarning):
    """What a run that goes on, or has ended, has to say."""


@contextmanager
def room_needed() -> Iterator[None]:
    """For what may need more memory than there is: makes Python's own error OutOfMemory."""
    try:
        yield
    except GpufaError:
        raise
    except MemoryError as error:
        why = f" ({error})" if str(error) else ""
        raise OutOfMemory(f"there is no memory for this{why}; use fewer samples, units or seeds") from None
