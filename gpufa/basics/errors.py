"""Every error a user can cause derives from GpufaError: one sentence with the value, what was expected, the remedy."""

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

# Whose lines are not the user's: gpufa's own, and those of what decorates its functions.
BETWEEN = (*(f"{Path(file).parent}{os.sep}" for file in (Path(__file__).parent, np.__file__)), contextlib.__file__)
UNITS = "bytes", "kB", "MB", "GB", "TB", "PB"
LARGEST = 10**30  # bytes; more are told as that
LONGEST = 1000  # letters of a sentence


def in_bytes(amount: int) -> str:
    """An amount of memory in words: "120 GB"."""
    size, unit = float(min(amount, LARGEST)), 0
    while size >= 1000 and unit < len(UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:,.3g} {UNITS[unit]}" if size < 1000 else f"{size:,.0f} {UNITS[unit]}"


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


class RankLost(GpufaError, RuntimeError):
    """Another process of the same run is dead, hangs, or has come apart from this one."""


class GpufaWarning(UserWarning):
    """What a run that goes on, or has ended, has to say."""


def warn(sentence: str) -> None:
    """A GpufaWarning that names the line of the user's program that called gpufa, from whatever depth of it."""
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_code.co_filename.startswith(BETWEEN):
        frame, level = frame.f_back, level + 1
    warnings.warn(sentence, GpufaWarning, stacklevel=level)


@contextmanager
def room_needed(remedy: str = "use fewer samples, units or seeds", what: str = "this") -> Iterator[None]:
    """For what may need more memory than there is: makes Python's own error OutOfMemory, which names what, and the
    remedy."""
    try:
        yield
    except GpufaError:
        raise
    except MemoryError as error:
        why = f" ({error})" if str(error) else ""
        raise OutOfMemory(f"there is no memory for {what}{why}; {remedy}") from None
