"""Rows of the tables that are written in documents, so that another page may show some of them."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from pymdownx.slugs import slugify

SLUG = slugify(case="lower")


class Table(NamedTuple):
    """A table, the heading that it stands under, and the pictures there."""

    heading: str
    head: str
    rows: tuple[str, ...]
    pictures: tuple[str, ...]

    @property
    def anchor(self) -> str:
        return SLUG(self.heading, "-")


def tables(text: str) -> Iterator[Table]:
    """The first table under each heading."""
    for part in re.split(r"^(?=#)", text, flags=re.MULTILINE):
        found = re.search(r"^(\|.*\|\n\|[-| ]+\|\n)((?:\|.*\|\n)+)", part, re.MULTILINE)
        if found:
            heading = part.partition("\n")[0].lstrip("# ")
            yield Table(
                heading, found[1], tuple(found[2].splitlines()), tuple(re.findall(r"^!\[.*\)$", part, re.MULTILINE))
            )


def excerpt(document: str, text: str, wanted: Callable[[Table, str], bool]) -> Iterator[tuple[Table, str]]:
    """Of each table that has rows which are wanted, it and a text: the link to its place, and those rows."""
    for table in tables(text):
        rows = [row for row in table.rows if wanted(table, row)]
        if rows:
            yield (
                table,
                f"From [{table.heading}](../{document}#{table.anchor}):\n\n{table.head}" + "\n".join(rows) + "\n",
            )


def first(row: str) -> str:
    """What stands in a row's first cell."""
    return row.split("|")[1].strip()
