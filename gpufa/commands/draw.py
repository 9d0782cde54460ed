"""The commands that draw: pictures of a run, and a report of several."""

from pathlib import Path
from typing import Literal

from .. import plots
from ..basics.console import say
from ..basics.errors import InvalidValue
from ..checkpoints import networks
from ..report.page import Report
from ..rules import find_rule


def plot(
    run: Path,
    /,
    *,
    pictures: tuple[str, ...] = ("curves",),
    format: Literal["png", "svg", "pdf"] = "png",
    data: str | None = None,
    rule: str | None = None,
    parts: tuple[str, ...] = (),
    shown: tuple[int, ...] = (),
) -> int:
    """Draw pictures of a run into its folder, from its checkpoint and, where a picture needs them, its test data.

    Args:
        run: the run's folder
        pictures: names of docs/pictures.md, or all that can be drawn
        format: png, svg or pdf
        data: the run's data file where that has moved, or another data set's name or file to draw
        rule: path/to/file.py:MyRule, where the run was trained by a rule of your own
        parts: path/to/file.py:NAME of each activation, loss and so on of your own that it was trained with
        shown: numbers of test samples, from 0, whose maps are drawn
    """
    subject = plots.read(run, find_rule(rule) if rule else None, data, parts, shown)
    everything = "all" in pictures
    for name in plots.PICTURES if everything else pictures:
        file = networks.checkpoint_of(run).parent / f"{name}.{format}"
        try:
            figure = plots.draw(name, subject)
        except InvalidValue as error:
            if not everything:
                raise
            say(f"left out {name}: {error}")
        else:
            plots.save(figure, file)
            say(f"drew {file}")
    return 0


def report(
    *runs: Path,
    out: Path = Path("report.html"),
    pictures: tuple[str, ...] | None = None,
    rule: str | None = None,
    parts: tuple[str, ...] = (),
) -> int:
    """One HTML file about one or several runs: results, pictures, settings, environment; it opens without a network.

    Args:
        runs: the runs' folders
        out: the file
        pictures: names of docs/pictures.md to draw of each run, or all; all of them for up to four runs, else none
        rule: path/to/file.py:MyRule, for runs that were trained by a rule of your own
        parts: path/to/file.py:NAME of each activation and loss of your own that they were trained with
    """
    if pictures and "all" in pictures:
        pictures = tuple(plots.PICTURES)
    Report(*runs, pictures=pictures, rule=find_rule(rule) if rule else None, parts=parts).save(out)
    say(f"wrote {out}")
    return 0
