"""A report: one HTML file about runs, with its pictures in it, that opens without a network."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import plots
from ..basics import files
from ..basics.errors import FileProblem, InvalidValue
from ..basics.sheet import Sheet
from ..basics.version import __version__
from ..checkpoints import networks
from ..checkpoints.entering import sketch_in
from ..checkpoints.provenance import IN_MEMORY
from ..data.samples.about import of_metadata
from ..functions.parts import Part
from ..measure.history import History
from ..rules import Rule
from ..runs import tables
from ..runs.going_on import on
from ..runs.summary import summary_of
from ..training.settings.toml import stored, to_toml
from .comparison import Comparison, compared
from .frozen import twins_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

PICTURED = 4  # runs whose own pictures a report has, unless others are asked for
DRAWN = 40  # runs whose courses are drawn beside each other: so many lines can be told apart
TEMPLATE = "page.html.j2"


@dataclass(frozen=True)
class Figure:
    """A picture as a data URI with its width in CSS pixels, or in its place the reason why there is none."""

    name: str
    caption: str
    source: str = ""
    width: int = 0
    reason: str = ""

    @classmethod
    def of(cls, name: str, caption: str, drawn: "MatplotlibFigure") -> "Figure":
        svg = base64.b64encode(plots.encode(drawn, "svg")).decode()
        return cls(name, caption, f"data:image/svg+xml;base64,{svg}", round(96 * drawn.get_figwidth()))


@dataclass(frozen=True)
class Section:
    """What the report says of one run, whose history is read again where it is drawn: of many runs most are not."""

    name: str
    file: Path
    metadata: Mapping[str, Any]
    summary: Mapping[str, Any]
    results: Sheet
    figures: list[Figure]
    settings: str
    in_memory: bool

    @property
    def notes(self) -> list[str]:
        """What is to be known beside the results."""
        return tables.notes(self.summary)

    @property
    def data(self) -> str:
        """The target, its classes by name, features and samples; empty where the checkpoint doesn't say."""
        rows, sizes = self.metadata.get("data"), self.network["sizes"]
        if not (about := of_metadata(self.metadata)) or not isinstance(rows, Mapping):
            return ""
        if "edges" in rows:
            return f"{about.task}; a graph of {rows['x_train'][0][0]} nodes and {rows['edges'][0][0]} undirected edges"
        return about.sentence(sizes[-1], sizes[0], rows["x_train"][0][0], rows["x_test"][0][0])

    @property
    def network(self) -> Mapping[str, Any]:
        net = self.metadata["network"]
        return net | {"gpufa": self.metadata["gpufa"], "sketch": sketch_in(net)}

    @property
    def recalls(self) -> Sheet | None:
        """The recall of each class of test samples; None where there are no classes."""
        if tables.RECALL not in self.summary:
            return None
        return tables.recalls(tables.sound_recalls(self.summary), tables.sound(self.summary, tables.BALANCED))

    def history(self) -> History:
        """Its course, from the checkpoint."""
        return plots.of_history(self.file, *networks.contents(self.file)).history

    @property
    def environment(self) -> dict[str, str]:
        """Where it was trained, and where before; empty for a run that has not ended, as that is written then."""
        place, before = self.summary.get("environment", {}), self.summary.get("before", [])
        earlier = {f"to epoch {one['epochs']}": on(one["place"]) for one in before}
        return {"backend": self.summary["backend"], **place, **earlier} if place else {}


class Report:
    """The report on the runs in these folders, as a page of HTML; a notebook shows it.

    pictures   names of gpufa.plots.PICTURES to draw of each run; all of one of up to PICTURED runs, else none
    rule       a rule of your own, that runs were trained by
    parts      activations and losses of your own, that they were trained with
    Pictures of a run whose data, rule or parts are not at hand, or that make no sense for it, are replaced by a
    sentence. Raises FileProblem where a run can't be read, InvalidValue for none and for unknown pictures.
    """

    def __init__(
        self,
        *paths: str | Path,
        pictures: Sequence[str] | None = None,
        rule: type[Rule] | None = None,
        parts: Sequence[Part | str] = (),
    ) -> None:
        if not paths:
            raise InvalidValue("gpufa report needs a run; give the folder of one or more")
        if pictures is None:
            pictures = list(plots.PICTURES) if len(paths) <= PICTURED else []
        if unknown := [name for name in pictures if name not in plots.PICTURES]:
            raise InvalidValue(f"unknown picture {unknown[0]!r}; choose from {', '.join(plots.PICTURES)}")
        self.names = [str(path) for path in paths]
        self.html = _page([_section(path, rule, parts, pictures) for path in paths], self.names)

    def save(self, out: str | Path) -> None:
        """Raises FileProblem where it can't be written."""
        files.write(out, self.html, "report", "give another --out")

    def __repr__(self) -> str:
        return f"Report({', '.join(self.names)})"

    def _repr_html_(self) -> str:
        return f'<iframe srcdoc="{escape(self.html)}" width="100%" height="700" style="border: 0"></iframe>'


def _section(
    path: str | Path, rule: type[Rule] | None, parts: Sequence[Part | str], pictures: Sequence[str]
) -> Section:
    file = networks.checkpoint_of(path)
    arrays, metadata = networks.contents(file)
    if "config" not in metadata:
        raise FileProblem(f"{str(file)!r} holds a network without its training; give the folder of a run")
    config = stored(metadata)
    subject = plots.read(file, rule, parts=parts) if pictures else plots.of_history(file, arrays, metadata)
    summary, results = _results(file.parent / "summary.json", summary_of(arrays, metadata))
    figures = [_picture(name, plots.PICTURES[name].caption, subject) for name in pictures]
    return Section(subject.name, file, metadata, summary, results, figures, to_toml(config), config.data == IN_MEMORY)


def _results(file: Path, so_far: dict[str, Any]) -> tuple[dict[str, Any], Sheet]:
    """The summary that the run ended with, or where it has gone on since or not ended what the checkpoint has."""
    try:
        stored = json.loads(file.read_text(encoding="utf-8")) if file.exists() else so_far
        summary = stored | {"status": so_far["status"]} if stored["epochs"] == so_far["epochs"] else so_far
        return summary, tables.results(summary)
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise FileProblem(
            f"{str(file)!r} is not as gpufa wrote it ({error}); delete it, and what the checkpoint has is reported"
        ) from error


def _picture(name: str, caption: str, subject: plots.Subject) -> Figure:
    try:
        return Figure.of(name, caption, plots.draw(name, subject))
    except InvalidValue as error:
        return Figure(name, caption, reason=str(error))


def _page(sections: Sequence[Section], paths: Sequence[str]) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    unique = len({section.name for section in sections}) == len(sections)
    names = [section.name for section in sections] if unique else paths
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    runs = dict(zip(names, sections, strict=True))
    return environment.get_template(TEMPLATE).render(
        runs=runs,
        comparison=_comparison(runs) if len(runs) > 1 else None,
        pictures=any(section.figures for section in sections),
        version=__version__,
    )


def _comparison(runs: Mapping[str, Section]) -> tuple[Comparison, Figure]:
    twins = twins_of({name: section.metadata for name, section in runs.items()})
    found = compared({name: section.summary for name, section in runs.items()}, "run", twins=twins)
    drawn = list(runs) if len(runs) <= DRAWN else found.lowest(DRAWN)
    which = "the runs" if drawn == list(runs) else f"the {len(drawn)} runs of lowest score among {len(runs)},"
    caption = f"Test score, training loss and alignment angle, mean over the hidden layers, of {which} against epoch."
    histories = {f"{name} ({runs[name].summary['rule']})": runs[name].history() for name in drawn}
    return found, Figure.of("comparison", caption, plots.comparison(histories))
