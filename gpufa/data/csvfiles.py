"""CSV files: a line a sample, with names in the first line or without."""

import csv
import re
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..basics.errors import FileProblem
from .about import CLASSIFICATION, Names
from .columns import Roles, is_known, unique
from .datafiles import check_there

LIKE_DATA = 3  # numbers from which on a first line of 0, 1, 2, ... beside texts is taken for names


class Table(NamedTuple):
    """A file's columns: their names, None where it has none; x float64 (rows, features) and y, None where no column is
    the target, float64 (rows,) or (rows, targets), or strings or bools (rows,)."""

    names: Names | None
    width: int
    roles: Roles
    x: NDArray
    y: NDArray | None


def read_csv(path: Path, choose: Callable[[Names | None, int], Roles], task: str | None = None) -> Table:
    """The table in the file, its columns in the roles that `choose` gives them for their names and number.

    A target column whose first cell is no number, or any that has such cells if `task` is classification, is one of
    strings. Raises FileProblem, naming the line, for what is not a table of numbers, and what `choose` raises.
    """
    check_there(path)
    try:
        skip, names = _read_header(path)
        first = _first_line(path, skip)
        if not first:
            raise FileProblem(f"{path} has no rows of numbers; give one line per sample")
        if names and len(names) != len(first):
            raise FileProblem(
                f"{path} names {len(names)} columns, but its lines have {len(first)} cells; name each column once"
            )
        roles = choose(names, len(first))
        table, texts = _read(path, skip, len(first), roles, first, task)
    except (OSError, UnicodeDecodeError) as error:
        if isinstance(error, FileProblem):
            raise
        raise FileProblem(
            f"{path} can't be read as text ({error}); save it as comma-separated numbers in UTF-8"
        ) from None
    x = np.ascontiguousarray(table[:, list(roles.features)])
    if texts is not None:
        return Table(names, len(first), roles, x, texts)
    y = table[:, roles.target[0]] if len(roles.target) == 1 else table[:, list(roles.target)]
    return Table(names, len(first), roles, x, y.copy() if roles.target else None)


def _read(
    path: Path, skip: int, width: int, roles: Roles, first: list[str], task: str | None
) -> tuple[NDArray, NDArray | None]:
    """All columns as numbers, zeros in those without a role, and the target where it is one of strings."""
    unused: dict[int | str, Callable[[str], float]] = {
        i: _nothing for i in range(width) if i not in {*roles.features, *roles.target}
    }
    at = roles.target[0] if len(roles.target) == 1 and roles.features else None
    if at is None or _is_number(first[at]):
        try:
            return _load(path, skip, unused), None
        except UnicodeDecodeError:
            raise
        except ValueError as error:
            if at is None or task != CLASSIFICATION:
                raise _fault(path, skip, {*unused}, error) from None
    texts: list[str] = []

    def keep(cell: str) -> float:
        texts.append(cell.strip())
        return 0.0

    try:
        table = _load(path, skip, {**unused, at: keep})
    except UnicodeDecodeError:
        raise
    except ValueError as error:
        raise _fault(path, skip, {*unused, at}, error) from None
    texts = texts[-len(table) :]  # NumPy may try a converter out
    for row, cell in enumerate(texts):
        if not cell or (task != CLASSIFICATION and _is_number(cell)):
            what = "is empty" if not cell else "is a number among texts"
            raise FileProblem(
                f"{path}, line {_line_of(path, skip, row)}: {cell!r} in column {at + 1} {what}; mend the target, or add"
                " --task classification where each text is a class"
            )
    if {text.lower() for text in texts} <= {"true", "false"}:
        return table, np.array([text.lower() == "true" for text in texts])
    return table, np.array(texts)


def _load(path: Path, skip: int, converters: Mapping[int | str, Callable[[str], float]]) -> NDArray[np.float64]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.loadtxt(
            path,
            np.float64,
            None,
            ",",
            converters or None,
            skiprows=skip,
            ndmin=2,
            encoding="utf-8-sig",
            quotechar='"',
        )


def _nothing(cell: str) -> float:
    return 0.0


def _read_header(path: Path) -> tuple[int, Names | None]:
    """The lines that the header takes and its names; (0, None) if the first line is one of numbers.

    A header has no numbers, or names a target column, or numbers the columns: so a slip in the first row of numbers is
    not taken for a header.
    """
    with open(path, encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                names = [cell.strip() for cell in _cells(line.lstrip("# "))]
                if any(map(is_known, names)) or not any(map(_is_number, names)) or _counts(names):
                    return number, unique(names)
                break
    return 0, None


def _counts(names: list[str]) -> bool:
    """Whether the cells are 0, 1, 2, ..., or 0.0, 1.0, ..., as pandas names columns: behind its index, which has no
    name, or with texts among them."""
    cells = names[1:] if names and not names[0] else names
    counted = [bool(re.fullmatch(r"\d+(\.0)?", cell)) and float(cell) == i for i, cell in enumerate(cells)]
    numbers = sum(map(_is_number, cells))
    return sum(counted) == numbers >= (2 if numbers == len(cells) else LIKE_DATA)


def _first_line(path: Path, skip: int) -> list[str]:
    """The cells of the first row of data."""
    with open(path, encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if number > skip and line.strip():
                return _cells(line)
    return []


def _fault(path: Path, skip: int, texts: set[int | str], error: ValueError) -> FileProblem:
    """What is wrong with which line of a table, but for what its columns of texts hold; looked for only when NumPy
    can't read it."""
    width = 0
    with open(path, encoding="utf-8-sig", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            cells = _cells(line) if number > skip and line.strip() else []
            width = width or len(cells)
            where = f"{path}, line {number}:"
            if cells and len(cells) != width:
                return FileProblem(
                    f"{where} {len(cells)} cells, but {width} in the lines before; separate cells by commas"
                )
            for column, cell in enumerate(cells):
                if column not in texts and not _is_number(cell):
                    return FileProblem(
                        f"{where} {cell!r} in column {column + 1} is not a number; separate numbers by commas, or leave"
                        f" a column of text out with --drop {column}"
                    )
    return FileProblem(f"{path} is not a table ({error}); give lines of numbers")


def _line_of(path: Path, skip: int, row: int) -> int:
    """The line in which a row stands."""
    with open(path, encoding="utf-8-sig") as file:
        filled = (number for number, line in enumerate(file, start=1) if number > skip and line.strip())
        return next(number for i, number in enumerate(filled) if i == row)


def _cells(line: str) -> list[str]:
    """What stands between the commas; a line that csv can't read is one cell."""
    try:
        return next(csv.reader([line]), [])
    except csv.Error:
        return [line]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
