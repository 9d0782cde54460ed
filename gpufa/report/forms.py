"""Tables as files have them: FORMS by the ending."""

import re
from collections.abc import Callable, Iterable, Sequence

from ..basics.sheet import Sheet

# What LaTeX would take for a command, or has no letter for.
ESCAPED = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "°": r"$^\circ$",
    "–": "--",
    "<": "$<$",
    ">": "$>$",
    "|": r"\textbar{}",
}


def markdown(sheet: Sheet, notes: Sequence[str] = ()) -> str:
    """A table of GitHub's Markdown below its title, and notes as a list below it."""
    marks = [":--" if i == 0 or name in sheet.texts else "--:" for i, name in enumerate(sheet.head)]
    lines = [sheet.head, tuple(marks), *sheet.rows]
    rows = [f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines]
    below = ["", *(f"- {note}." for note in notes)] if notes else []
    return "\n".join([f"{sheet.title}.", "", *rows, *below, ""])


def latex(sheet: Sheet, notes: Sequence[str] = ()) -> str:
    """A table environment of plain LaTeX, which needs no package; notes are comments in front of it."""
    marks = "".join("l" if i == 0 or name in sheet.texts else "r" for i, name in enumerate(sheet.head))
    return "\n".join(
        [
            *(f"% {note}." for note in notes),
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_escaped(sheet.title)}.}}",
            rf"\begin{{tabular}}{{{marks}}}",
            r"\hline",
            _row(sheet.head),
            r"\hline",
            *map(_row, sheet.rows),
            r"\hline",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


FORMS: dict[str, Callable[[Sheet, Sequence[str]], str]] = {"md": markdown, "tex": latex}


def _row(cells: Iterable[str]) -> str:
    return " & ".join(map(_escaped, cells)) + r" \\"


def _escaped(text: str) -> str:
    return re.sub("|".join(map(re.escape, ESCAPED)), lambda found: ESCAPED[found[0]], text)
