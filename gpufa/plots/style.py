"""How every picture looks in print and on a dark page, and how it is written: equal pictures give equal bytes."""

import io
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..basics import files
from ..basics.errors import InvalidValue

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

# Petroff's ten colours (2021), told apart by the colour-blind too, on white and on a dark page; a mark goes with each.
COLOURS = (
    *("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6"),
    *("#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"),
)
MARKS = "o", "s", "^", "D", "v", "P", "X", "*", "<", ">"
DASHES = "-", "--", ":", "-."
LONGEST = 28  # characters of a name in a legend
INK, PAPER = "#1b1f24", "#ffffff"
# A picture in an SVG file turns dark with its page; on paper it is light. Text in a cell of colour stays as it is.
DARK = f"""<style>@media screen and (prefers-color-scheme: dark) {{
[style*="stroke: {INK}"] {{ stroke: #e4e8ec !important }}
[style*="fill: {INK}"] {{ fill: #e4e8ec !important }}
path[style*="fill: {PAPER}"] {{ fill: #14171b !important }}
}}</style>"""
WIDTH, HEIGHT = 4.3, 3.7  # of a panel, in inches, of which three fill a page
UNDATED: dict[str, dict[str, None]] = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
STYLE: dict[Any, Any] = {
    **dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), PAPER),
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
    "axes.titlecolor": INK,
    "font.size": 11,
    "axes.titlesize": 12,
    "grid.alpha": 0.3,
    "legend.edgecolor": "none",
    "legend.framealpha": 0.7,
    "figure.constrained_layout.w_pad": 0.1,
    "figure.constrained_layout.h_pad": 0.1,
    "svg.hashsalt": "gpufa",
}


def styled() -> AbstractContextManager[None]:
    """Within it artists are made, and figures written, in the one style, whatever a program or its user has set."""
    from matplotlib import style

    return style.context(["default", STYLE])


def panels(rows: int, columns: int, width: float = WIDTH, height: float = HEIGHT) -> tuple["Figure", NDArray]:
    """A figure of panels of that size in inches, and its axes (rows, columns)."""
    # The object-oriented interface: no global state, no display, safe beside a program's own figures.
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from .figure import Inline

    figure = Inline(figsize=(width * columns, height * rows), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False)


def look(i: int) -> dict[str, Any]:
    """The colour, dashes and mark of the i-th line, counted from 0, told apart without colour too."""
    own = i % len(COLOURS)
    return {
        "color": COLOURS[own],
        "linestyle": DASHES[i // len(COLOURS) % len(DASHES)],
        "marker": MARKS[own],
        "markersize": 5,
        "markevery": (0.02 * own, 0.2),  # of the panel's diagonal, so that marks of two lines stand apart
    }


def plain(name: str, longest: int = LONGEST) -> str:
    """A user's name as a picture takes it: its end where it is long, no formula where there are dollars, and shown
    where it begins with an underscore."""
    name = name if len(name) <= longest else f"…{name[1 - longest :]}"
    return ("\u2009" if name.startswith("_") else "") + name.replace("$", r"\$")


def shades(n: int) -> Any:
    """n colours: the palette while it lasts, else a sequence from dark to light."""
    from matplotlib import colormaps

    return COLOURS[:n] if n <= len(COLOURS) else colormaps["viridis"](np.linspace(0, 0.95, n))


def plain_numbers(axis: "Axis") -> None:
    """Ticks of a logarithmic axis as 0.1, 1 and 10 in place of powers, at the major ones alone."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def spread(items: Sequence[int], most: int) -> list[int]:
    """At most that many of them, evenly chosen, the first and the last among them."""
    return [items[i] for i in np.linspace(0, len(items) - 1, min(most, len(items))).round().astype(int)]


def encode(figure: "Figure", form: str) -> bytes:
    """The picture as the bytes of a png, svg or pdf file."""
    from .figure import DPI

    file = io.BytesIO()
    with styled():
        figure.savefig(file, format=form, dpi=DPI, metadata=UNDATED[form])
    found = file.getvalue()
    return found.replace(b"<defs>", f"{DARK}\n<defs>".encode(), 1) if form == "svg" else found


def save(figure: "Figure", path: Path) -> None:
    """Write the picture in the format that the path ends in. Raises FileProblem where it can't be written."""
    form = path.suffix.removeprefix(".")
    if form not in UNDATED:
        raise InvalidValue(f"figure {str(path)!r} has no format that gpufa draws; end it in .{', .'.join(UNDATED)}")
    files.write(path, encode(figure, form), "figure", "check the folder")
