"""The first line of a CSV file: names of the columns, or numbers."""

import re
from itertools import islice
from pathlib import Path

import numpy as np

from ...basics.errors import InvalidValue
from ..samples.about import Names
from .columns import is_known, unique
from .dialect import Dialect
from .table import Table

LOOKED_AT = 1000  # lines that are looked through for a text of the first
LEAST = 6  # rows from which on one may not be like the others
LIKE_DATA = 3  # numbers from which on a first line of 0, 1, 2, ... beside texts is taken for names


def read_header(path: Path, dialect: Dialect) -> tuple[int, Names | None]:
    """The lines that the header takes and its names; (0, None) if the first line is one of numbers.

    A header has no numbers, or names a target column, or numbers the columns: so a slip in the first row of numbers is
    not taken for a header.
    """
    if (first := next(dialect.records(path), None)) is None:
        return 0, None
    names = [" ".join(cell.strip().splitlines()) for cell in (first.cells[0].lstrip("# "), *first.cells[1:])]
    if not any(map(dialect.is_number, names)) or _counts(names) or _names_target(path, dialect, first.last, names):
        return first.last, unique(names)
    return 0, None


def _names_target(path: Path, dialect: Dialect, header: int, names: list[str]) -> bool:
    """Whether one of the cells is called as a target is, and stands in none of the lines below, as a class y does."""
    known = {i: name.lower() for i, name in enumerate(names) if is_known(name)}
    for cells, line, _ in islice(dialect.records(path, errors="replace"), LOOKED_AT) if known else ():
        if line > header and any(i < len(cells) and cells[i].strip().lower() == known[i] for i in known):
            return False
    return bool(known)


def refuse_names_as_sample(table: Table) -> None:
    """Raises InvalidValue where the first row of a table without names seems to have them: numbers, and a text beside
    which all others are numbers, or stand in several rows each."""
    if table.names is not None or table.y is None or table.y.dtype.kind != "U" or len(table.y) < LEAST:
        return
    first, others = table.y[0], table.y[1:]
    values, counts = np.unique(others, return_counts=True)
    if first not in values and (counts.min() > 1 or all(map(Dialect().is_number, values))):
        raise InvalidValue(
            f"{table.called(0)}: {str(first)!r} stands in no other line, as if the first one named the columns; write"
            " names that are no numbers there, x1 say, or move the line further down if it is a sample"
        )


def _counts(names: list[str]) -> bool:
    """Whether the cells are 0, 1, 2, ..., or 0.0, 1.0, ..., as pandas names columns: behind its index, which has no
    name, or with texts among them."""
    cells = names[1:] if names and not names[0] else names
    counted = [bool(re.fullmatch(r"\d+(\.0)?", cell)) and float(cell) == i for i, cell in enumerate(cells)]
    numbers = sum(map(Dialect().is_number, cells))
    return sum(counted) == numbers >= (2 if numbers == len(cells) else LIKE_DATA)
