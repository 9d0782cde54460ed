"""How a CSV file is written: what stands between its cells, decimal points or commas, gzipped or not."""

import csv
import gzip
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple

from .missing import is_missing

ENDINGS = ".csv", ".tsv", ".csv.gz", ".tsv.gz"
COMMA_DECIMAL = re.compile(r"\s*[+-]?\d*,\d+(e[+-]?\d+)?\s*", re.IGNORECASE)


def is_table(path: Path) -> bool:
    """Whether it is a file of lines of cells, by its name."""
    return path.name.lower().endswith(ENDINGS)


class Record(NamedTuple):
    """The cells of a row, and the first and last line that it takes, from 1 on: quotes may hold line breaks."""

    cells: list[str]
    line: int
    last: int


class Dialect(NamedTuple):
    """The separator of cells, whether numbers have decimal commas, and whether cells may be without a value."""

    separator: str = ","
    commas: bool = False
    gaps: bool = False

    def records(self, path: Path, errors: str | None = None) -> Iterator[Record]:
        """The rows that hold something; one that csv can't read is one cell."""
        with opened(path, errors) as file:
            reader, last = csv.reader(file, delimiter=self.separator), 0
            while True:
                try:
                    cells = next(reader, None)
                except csv.Error as error:
                    cells = [str(error)]
                if cells is None:
                    return
                line, last = last + 1, reader.line_num
                if len(cells) > 1 or "".join(cells).strip():
                    yield Record(cells, line, last)

    def unclosed(self, path: Path) -> int:
        """The line of a quote that takes in lines below it and ends within a cell or not at all; 0 without one."""
        with opened(path) as file:
            if not any('"' in line for line in file):
                return 0
        with opened(path) as file:
            reader, last = csv.reader(file, delimiter=self.separator, strict=True), 0
            while True:
                try:
                    if next(reader, None) is None:
                        return 0
                except csv.Error:
                    if reader.line_num > last + 1:
                        return last + 1
                last = reader.line_num

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
        return gzip.open(path, "rt", encoding="utf-8-sig", errors=errors, newline="")
    return open(path, encoding="utf-8-sig", errors=errors, newline="")


def dialect_of(path: Path) -> Dialect:
    """By the first two rows that hold something: tabs, or else semicolons, part cells where there are any outside of
    quotes; beside those a comma within a number is a decimal comma."""
    for separator in "\t;":
        first = [record.cells for record in islice(Dialect(separator).records(path), 2)]
        if first and all(sum(map(bool, map(str.strip, cells))) > 1 for cells in first):
            return Dialect(separator, any(map(COMMA_DECIMAL.fullmatch, first[-1])))
    return Dialect()
