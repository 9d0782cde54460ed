"""The figures that pictures are drawn in; imported when the first is."""

import io

from matplotlib.figure import Figure

DPI = 120


class Inline(Figure):
    """A Figure that a notebook shows, whether or not matplotlib's own way of doing that is set up."""

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=DPI)
        return file.getvalue()
