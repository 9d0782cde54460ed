"""Part: a row of a table of formulas, gpufa's own or a user's, and how it is found.

A user's own is handed in as the row itself, or as "path/to/file.py:NAME" of one; it is tried once, and known by its
name from then on to those whom it was handed to.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import numpy as np

from ..basics.arguments import row_of, several, shown
from ..basics.errors import FileProblem, InvalidValue
from ..basics.ownfiles import from_file, is_own

P = TypeVar("P", bound="Part")
OWN = ", or hand in your own: path/to/file.py:NAME"


@dataclass(frozen=True)
class Part:
    """Base of all rows. `kind` is what it is called, `table` has gpufa's own by name; `fault`, where it is tried, says
    what is wrong with it, "" where nothing is."""

    kind: ClassVar[str] = "part"
    table: ClassVar[Mapping[str, Any]] = {}

    name: str

    @property
    def on_gpu(self) -> bool:
        """Whether it has the CUDA text of all that it does."""
        return True

    def fault(self) -> str:
        return ""

    @classmethod
    def find(cls: type[P], given: Any, parts: Sequence["Part"] = (), more: str = "") -> P:
        """The row that `given` is, or is the name of: one of gpufa's or of `parts`, or that of a file.

        Raises InvalidValue for an unknown name and a row that is not right, FileProblem for a file without one.
        """
        if isinstance(given, cls):
            return tried(given)
        for part in parts:
            if isinstance(part, cls) and part.name == given:
                return part
        return loaded(given, cls) if is_own(given) else row_of(cls.table, given, cls.kind, more + OWN)


def parts_of(given: Any) -> tuple[Part, ...]:
    """The rows of a list of them, or of their files, tried. Raises as Part.find, and InvalidValue where two have one
    name."""
    rows = []
    for one in several(given, "parts", '["path/to/file.py:NAME"]'):
        if not (isinstance(one, Part) or is_own(one)):
            raise InvalidValue(f"{shown(one)} is no part; give a row such as gpufa.Activation, or path/to/file.py:NAME")
        row = loaded(one, Part) if is_own(one) else tried(one)
        rows += [] if row in rows else [row]
    names = [(row.kind, row.name) for row in rows]
    for kind, name in names:
        if names.count((kind, name)) > 1:
            raise InvalidValue(f"two different parts are {kind} {name!r}; give them different names")
    return tuple(rows)


def taken_out(values: Any) -> tuple[Any, tuple[Part, ...]]:
    """`values`, one of a setting or several, with the names of rows in the place of these; and the rows."""
    several_of = isinstance(values, tuple)
    found = values if several_of else (values,)
    names = tuple(one.name if isinstance(one, Part) else one for one in found)
    return names if several_of else names[0], tuple(one for one in found if isinstance(one, Part))


def read_in(values: Any, kind: type[P]) -> Any:
    """`values`, one of a setting or several, with what files define in the place of these files' names."""
    if isinstance(values, tuple):
        return tuple(read_in(one, kind) for one in values)
    return loaded(values, kind) if is_own(values) else values


def loaded(name: str, kind: type[P]) -> P:
    """The row in a user's own file."""
    row = from_file(name, kind.kind)
    if not isinstance(row, kind):
        file, _, attribute = name.rpartition(":")
        such = "gpufa.Activation, Loss, Optimizer, Schedule or Initialiser"
        one = f"gpufa.{kind.__name__}" if kind.table else such
        raise FileProblem(f"{kind.kind} file {file!r} defines no {kind.kind} {attribute!r}; it must hold a {one}")
    return tried(row)


def tried(row: P) -> P:
    """The row itself. Raises InvalidValue where it is a user's own and not right."""
    if row.table.get(row.name) == row:
        return row
    what = f"{row.kind} {shown(row.name)}"
    if not isinstance(row.name, str) or not re.fullmatch(r"[A-Za-z_]\w*", row.name):
        raise InvalidValue(f"{what} has no name that can be written in settings; give it letters, digits and _")
    if row.name in row.table:
        raise InvalidValue(f"{what} is gpufa's own; give yours another name")
    try:
        with np.errstate(all="ignore"):
            fault = row.fault()
    except Exception as error:  # what runs there is the user's own
        fault = f"can't be used ({type(error).__name__}: {error}); mend it"
    if fault:
        raise InvalidValue(f"{what} {fault}")
    return row


def off_gpu(rows: Iterable[Part]) -> str:
    """Why a net of these rows can't go to a GPU, "" where it can."""
    for row in rows:
        if not row.on_gpu:
            return f"{row.kind} {row.name!r} has no CUDA text"
    return ""


def slope_of(f: Callable[[Any], Any], x: Any, step: float = 1e-5) -> tuple[Any, Any]:
    """f' at x by central differences, and where that is no kink of f."""
    left, here, right = f(x - step), f(x), f(x + step)
    slope = (right - left) / (2 * step)
    return slope, abs(right - 2 * here + left) / step < 1e-3 * (1 + abs(slope))


def far_apart(found: Any, expected: Any) -> Any:
    """Where the two differ by more than central differences in float64 are off."""
    return ~(abs(found - expected) <= 1e-5 + 1e-5 * abs(expected))
