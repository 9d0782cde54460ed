"""Tables of text, for consoles, notebooks, reports and files."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Sheet:
    """A title, the names of the columns, of which the first and `texts` are no figures, rows, and a last row apart."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    foot: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        """As a notebook shows it, and a report has it."""
        head = "".join(f'<th scope="col">{escape(name)}</th>' for name in self.head)
        body = "\n".join(map(_html_row, self.rows))
        foot = f"<tfoot>{_html_row(self.foot)}</tfoot>\n" if self.foot else ""
        title = escape(self.title)
        return (
            f'<p class="soft title">{title}</p>\n<div class="wide">\n<table aria-label="{title}">\n'
            f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n{foot}</table>\n</div>"
        )


def _html_row(cells: Sequence[str]) -> str:
    rest = "".join(f"<td>{escape(cell)}</td>" for cell in cells[1:])
    return f'<tr><th scope="row">{escape(cells[0])}</th>{rest}</tr>'
