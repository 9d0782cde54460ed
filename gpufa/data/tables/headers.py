"""The first line of a CSV file: names of the columns, or numbers."""

import re
from pathlib import Path

from ..samples.about import Names
from .columns import is_known, unique
from .dialect import Dialect, lines

LIKE_DATA = 3  # numbers from which on a first line of 0, 1, 2, ... beside texts is taken for names


def read_header(path: Path, dialect: Dialect) -> tuple[int, Names | None]:
    """The lines that the header takes and its names; (0, None) if the first line is one of numbers.

    A header has no numbers, or names a target column, or numbers the columns: so a slip in the first row of numbers is
    not taken for a header.
    """
    for number, line in lines(path):
        names = [cell.strip() for cell in dialect.cells(line.lstrip("# "))]
        if any(map(is_known, names)) or not any(map(dialect.is_number, names)) or _counts(names):
            return number, unique(names)
        break
    return 0, None


def _counts(names: list[str]) -> bool:
    """Whether the cells are 0, 1, 2, ..., or 0.0, 1.0, ..., as pandas names columns: behind its index, which has no
    name, or with texts among them."""
    cells = names[1:] if names and not names[0] else names
    counted = [bool(re.fullmatch(r"\d+(\.0)?", cell)) and float(cell) == i for i, cell in enumerate(cells)]
    numbers = sum(map(Dialect().is_number, cells))
    return sum(counted) == numbers >= (2 if numbers == len(cells) else LIKE_DATA)
