"""How a CSV file is written: what stands between its cells, decimal points or commas, gzipped or not."""

import csv
import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from .missing import is_missing

ENDINGS = ".csv", ".tsv", ".csv.gz", ".tsv.gz"
COMMA_DECIMAL = re.compile(r"\s*[+-]?\d*,\d+(e[+-]?\d+)?\s*", re.IGNORECASE)


def is_table(path: Path) -> bool:
    """Whether it is a file of lines of cells, by its name."""
    return path.name.lower().endswith(ENDINGS)


class Dialect(NamedTuple):
    """The separator of cells, whether numbers have decimal commas, and whether cells may be without a value."""

    separator: str = ","
    commas: bool = False
    gaps: bool = False

    def cells(self, line: str) -> list[str]:
        """What stands between the separators; a line that csv can't read is one cell."""
        try:
            return next(csv.reader([line], delimiter=self.separator), [])
        except csv.Error:
            return [line]

    def number(self, cell: str) -> float:
        """Raises ValueError for a cell that is none; beside decimal commas a point may part thousands."""
        if self.gaps and is_missing(cell):
            return float("nan")
        if "_" in cell or (self.commas and "." in cell):  # 1_000 is a number of Python alone
            raise ValueError(cell)
        return float(cell.replace(",", ".") if self.commas and COMMA_DECIMAL.fullmatch(cell) else cell)

    def is_number(self, cell: str) -> bool:
        try:
            self.number(cell)
        except ValueError:
            return False
        return True


def packed(path: Path) -> bool:
    """Whether it is gzipped, by its name."""
    return path.suffix.lower() == ".gz"


def opened(path: Path, errors: str | None = None) -> IO[Any]:
    """The file as text, gzipped or not."""
    if packed(path):
        return gzip.open(path, "rt", encoding="utf-8-sig", errors=errors)
    return open(path, encoding="utf-8-sig", errors=errors)


def lines(path: Path, errors: str | None = None) -> Iterator[tuple[int, str]]:
    """The lines that hold something, counted from 1."""
    with opened(path, errors) as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield number, line


def dialect_of(path: Path) -> Dialect:
    """By the first two lines that hold something: tabs, or else semicolons, part cells where there are any outside of
    quotes; beside those a comma within a number is a decimal comma."""
    first = [line for (_, line), _ in zip(lines(path), range(2), strict=False)]
    for separator in "\t;":
        found = Dialect(separator)
        if first and all(sum(map(bool, map(str.strip, found.cells(line)))) > 1 for line in first):
            commas = any(COMMA_DECIMAL.fullmatch(cell) for cell in found.cells(first[-1]))
            return Dialect(separator, commas)
    return Dialect()
