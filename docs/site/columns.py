"""Docstrings for the reference: what stands in them in two columns, a name and what it is, becomes a list.

name      what it is, which may
          go on
"""

import re
from typing import Any

import griffe

ROW = re.compile(r"^( *)(\S(?:.*?\S)?) {2,}(\S.*)$")


class Columns(griffe.Extension):
    """What mkdocstrings' reader calls for each object that it has read."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring:
            obj.docstring.value = listed(obj.docstring.value)


def listed(text: str) -> str:
    """The text with its columns as lists of Markdown, within each other where names are indented further."""
    return "\n\n".join("\n".join(_paragraph(part.splitlines())) for part in re.split(r"\n\s*\n", text))


def _paragraph(lines: list[str]) -> list[str]:
    made: list[str] = []
    indents: list[int] = []  # of the names that the present row stands within, itself the last
    for line in lines:
        if row := ROW.match(line):
            if not indents and made:
                made.append("")
            indent = len(row[1])
            indents = [*(outer for outer in indents if outer < indent), indent]
            name = row[2] if "`" in row[2] else f"`{row[2]}`"
            made.append(f"{'    ' * (len(indents) - 1)}- {name}: {row[3]}")
        elif indents and len(line) - len(line.lstrip()) > indents[0]:
            made[-1] += f" {line.strip()}"
        else:
            if indents:
                made.append("")
                indents = []
            made.append(line)
    return made
