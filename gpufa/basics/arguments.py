"""What a program hands in, looked at: each of these raises InvalidValue for what it can't be."""

import os
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from numbers import Integral
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from .errors import FileProblem, InvalidValue

T = TypeVar("T")


def one_of(value: Any, names: Collection[str], what: str, more: str = "") -> str:
    """The value itself, one of the names."""
    if not isinstance(value, str) or value not in names:
        raise InvalidValue(f"unknown {what} {shown(value)}; choose one of {', '.join(names)}{more}")
    return value


def row_of(table: Mapping[str, T], name: Any, what: str, more: str = "") -> T:
    """The row of that name."""
    return table[one_of(name, table, what, more)]


def of_type(value: Any, kind: type, what: str, such: str) -> None:
    """Nothing, where the value is one of that kind; `such` is one to give."""
    if not isinstance(value, kind):
        raise InvalidValue(f"{what} can't be {shown(value)}; give {such}")


def several(values: Any, what: str, such: str) -> tuple[Any, ...]:
    """Any sequence as a tuple; `such` is one to give."""
    if not isinstance(values, str | bytes):
        with suppress(TypeError):
            return tuple(values)
    raise InvalidValue(f"{what} can't be {shown(values)}; give a list such as {such}")


def whole(value: Any, what: str, least: int = 1, most: int | None = None) -> int:
    """The value itself, a whole number of at least `least`."""
    number = int(value) if isinstance(value, Integral) and not isinstance(value, bool) else least - 1
    if number < least or (most is not None and number > most):
        limit = f"least {least}" if number < least else f"most {most}"
        raise InvalidValue(f"{what} can't be {shown(value)}; give a whole number of at {limit}")
    return number


def positive(value: Any, what: str) -> float:
    """The value itself, a number above 0."""
    number = float(value) if isinstance(value, np.floating) else value
    if not is_number(number) or number <= 0:
        raise InvalidValue(f"{what} can't be {shown(value)}; give a number above 0")
    return float(number)


def is_number(value: Any) -> bool:
    """Whether it is a number that a float can hold, and not true or false."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def is_whole(value: Any, least: int) -> bool:
    """Whether it is a whole number of at least `least` that files of settings can hold, and not true or false."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value < 2**64


def path_of(value: Any, what: str = "path") -> Path:
    """The path that a string or another path names."""
    try:
        path = Path(value)
        if "\0" in str(path):
            raise ValueError("it holds a NUL")
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            os.stat(path)
    except TypeError:
        raise InvalidValue(f"{what} {shown(value)} can't name a file (it is no text); give another path") from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise InvalidValue(f"{what} {shown(value)} can't name a file ({why}); give another path") from None
    return path


def home_path(value: Any, what: str = "path") -> Path:
    """The same, with ~ for a home folder."""
    path = path_of(value, what)
    try:
        return path_of(path.expanduser(), what)
    except RuntimeError:
        raise InvalidValue(
            f"{what} {shown(value)} begins in a home folder that isn't there; give another path"
        ) from None


@contextmanager
def readable(path: Path, what: str) -> Iterator[None]:
    """For a look at a path: where the system refuses it, as without rights, raises FileProblem."""
    try:
        yield
    except FileProblem:
        raise
    except OSError as error:
        raise FileProblem(
            f"{what} {str(path)!r} can't be read ({error.strerror or error}); see to it, or give another path"
        ) from error


def shown(value: Any) -> str:
    """The value as a program writes it, or what it is where that can't be written."""
    try:
        return repr(value)
    except ValueError:  # whole numbers of thousands of digits
        return f"a {type(value).__name__} too long to write"
