"""CSV files: a line a sample, with names in the first line or without."""

import shlex
import warnings
import zlib
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...basics.errors import FileProblem, warn
from ..arrays.arrayfiles import check_there
from ..samples.about import CLASSIFICATION, Names
from ..samples.data import truths
from .columns import Roles
from .dialect import Dialect, dialect_of, opened, packed
from .headers import LOOKED_AT, read_header
from .missing import is_code, is_missing
from .table import Table

WORDS = {",": "commas", ";": "semicolons", "\t": "tabs"}


def read_csv(
    path: Path,
    choose: Callable[[Names | None, int], Roles],
    task: str | None = None,
    missing: str | None = None,
) -> Table:
    """The table in the file, its columns in the roles that `choose` gives them for their names and number.

    Where `missing` says what becomes of cells without a value, these are NaN, or "" among texts.

    A target column whose first cell is no number, or any that has such cells if `task` is classification, is one of
    strings. Raises FileProblem, naming the line, for what is not a table of numbers, and what `choose` raises.
    """
    check_there(path)
    try:
        plain = dialect_of(path)
        dialect = plain._replace(gaps=bool(missing))
        if dialect.commas:
            warn(f"{path}: numbers such as 1,5 are read as 1.5")
        if line := plain.unclosed(path):
            raise FileProblem(
                f"{path}, line {line}: a quote takes in lines below it, and is not closed at the end of a cell; close"
                " it there, or write it twice within a quoted cell"
            )
        skip, names = read_header(path, plain)
        first = _first_line(path, dialect, skip)
        if not first:
            raise FileProblem(f"{path} has no rows of numbers; give one line per sample")
        if names and len(names) != len(first):
            raise FileProblem(
                f"{path} names {len(names)} columns, but its lines have {len(first)} cells; name each column once"
            )
        roles = choose(names, len(first))
        table, texts = _read(path, dialect, skip, names, roles, len(first), task)
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        if isinstance(error, FileProblem):
            raise
        raise FileProblem(
            f"{path} can't be read as text ({error}); save it as comma-separated numbers in UTF-8"
        ) from None
    x = np.ascontiguousarray(table[:, list(roles.features)])
    weights = None if roles.weights is None else table[:, roles.weights].copy()
    called = partial(_called, path, dialect, skip)
    if texts is not None:
        return Table(names, len(first), roles, x, texts, weights, called)
    y = table[:, roles.target[0]] if len(roles.target) == 1 else table[:, list(roles.target)]
    return Table(names, len(first), roles, x, y.copy() if roles.target else None, weights, called)


def _read(
    path: Path, dialect: Dialect, skip: int, names: Names | None, roles: Roles, width: int, task: str | None
) -> tuple[NDArray, NDArray | None]:
    """All columns as numbers, zeros in those without a role, and the target where it is one of strings."""
    unused: dict[int | str, Callable[[str], float]] = {
        i: _nothing for i in range(width) if i not in {*roles.features, *roles.target, roles.weights}
    }
    at = roles.target[0] if len(roles.target) == 1 and roles.features else None
    values = [] if at is None else _first_values(path, dialect, skip, at)
    as_texts = task == CLASSIFICATION or (task is None and any(map(is_code, values)))
    if at is None or (dialect.is_number(values[0] if values else "") and not as_texts):
        try:
            return _load(path, dialect, skip, width, unused), None
        except UnicodeDecodeError:
            raise
        except ValueError as error:
            if at is None or task != CLASSIFICATION:
                raise _fault(path, dialect, skip, names, roles, {*unused}, error) from None
    texts: list[str] = []

    def keep(cell: str) -> float:
        texts.append(cell.strip())
        return 0.0

    try:
        table = _load(path, dialect, skip, width, {**unused, at: keep})
    except UnicodeDecodeError:
        raise
    except ValueError as error:
        raise _fault(path, dialect, skip, names, roles, {*unused, at}, error) from None
    texts = texts[-len(table) :]  # NumPy may try a converter out
    if as_texts and all(map(dialect.is_number, texts)):
        if any(map(is_code, texts)):
            return table, np.array(["" if is_missing(text) else text for text in texts])
        table[:, at] = [dialect.number(text) for text in texts]
        return table, None
    for row, cell in enumerate(texts):
        gap = not cell or (task != CLASSIFICATION and is_missing(cell))
        if gap and dialect.gaps:
            texts[row] = ""
        elif gap or (task != CLASSIFICATION and dialect.is_number(cell)):
            what = "is empty" if not cell else "is missing" if gap else "is a number among texts"
            raise FileProblem(
                f"{path}, line {_line_of(path, dialect, skip, row)}: {cell!r} in column {at + 1} {what}; mend the"
                f" target,{' write no numbers into the first line if it names the columns,' * (names is None)}"
                f"{' leave such rows out with --missing drop,' * gap} or add --task classification where each text is a"
                " class"
            )
    if {text.lower() for text in texts} <= {"true", "false", ""}:
        texts = [text.capitalize() for text in texts]
    return table, truths(np.array(texts))


def _load(
    path: Path, dialect: Dialect, skip: int, width: int, converters: Mapping[int | str, Callable[[str], float]]
) -> NDArray[np.float64]:
    if dialect.commas or dialect.gaps:
        converters = {**dict.fromkeys(range(width), dialect.number), **converters}
    with warnings.catch_warnings(), opened(path) if packed(path) else nullcontext(path) as source:
        warnings.simplefilter("ignore")
        return np.loadtxt(
            source,
            np.float64,
            None,
            dialect.separator,
            converters or None,
            skiprows=skip,
            ndmin=2,
            encoding="utf-8-sig",
            quotechar='"',
        )


def _nothing(cell: str) -> float:
    return 0.0


def _first_line(path: Path, dialect: Dialect, skip: int) -> list[str]:
    """The cells of the first row of data."""
    return next((cells for cells, line, _ in dialect.records(path) if line > skip), [])


def _first_values(path: Path, dialect: Dialect, skip: int, at: int) -> list[str]:
    """The first cells of a column that are not missing, where some may be."""
    cells = (row[at] for row, line, _ in dialect.records(path) if line > skip and at < len(row))
    return list(islice((cell for cell in cells if not (dialect.gaps and is_missing(cell))), LOOKED_AT))


def _fault(
    path: Path, dialect: Dialect, skip: int, names: Names | None, roles: Roles, texts: set[int | str], error: ValueError
) -> FileProblem:
    """What is wrong with which line of a table, but for what its columns of texts hold; looked for only when NumPy
    can't read it."""
    width, by = 0, WORDS[dialect.separator]
    for cells, line, _ in dialect.records(path, errors="replace"):
        if line <= skip:
            continue
        where, width = f"{path}, line {line}:", width or len(cells)
        if len(cells) != width:
            return FileProblem(f"{where} {len(cells)} cells, but {width} in the lines before; separate cells by {by}")
        for column, cell in enumerate(cells):
            called = shlex.quote(names[column]) if names and column < len(names) and names[column] else column
            if column == roles.weights and not dialect.is_number(cell):
                return FileProblem(
                    f"{where} {cell!r} in column {column + 1}, the sample weights, is not a number; mend it, or name"
                    " another with --sample-weights"
                )
            if column not in texts and not dialect.is_number(cell) and is_missing(cell):
                return FileProblem(
                    f"{where} {cell!r} in column {column + 1} is not a number; fill such in with --missing mean or"
                    f" median, leave their rows out with --missing drop, or the column with --drop {called}"
                )
            if column not in texts and not dialect.is_number(cell):
                remedy = f"leave a column of text out with --drop {called}"
                if roles.target == (column,) and roles.features:
                    remedy = "add --task classification where each text of the target is a class"
                return FileProblem(
                    f"{where} {cell!r} in column {column + 1} is not a number; separate numbers by {by}, or {remedy}"
                )
    return FileProblem(f"{path} is not a table ({error}); give lines of numbers")


def _called(path: Path, dialect: Dialect, skip: int, row: int) -> str:
    return f"line {_line_of(path, dialect, skip, row)}"


def _line_of(path: Path, dialect: Dialect, skip: int, row: int) -> int:
    """The line in which a row begins."""
    filled = (line for _, line, _ in dialect.records(path) if line > skip)
    return next(islice(filled, row, None))
