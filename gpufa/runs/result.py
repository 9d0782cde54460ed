"""What training leaves."""

import base64
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from .. import plots
from ..measure.history import History
from ..network import Network
from ..training.course.stopping import Status
from ..training.settings.config import Config
from . import tables


@dataclass(frozen=True, repr=False)
class Run:
    """What training leaves: the network, its history, the figures of summary.json, and the folder if there is one.

    A notebook shows its table and curves.
    """

    network: Network
    history: History
    config: Config
    summary: dict[str, Any]
    out: Path | None
    interrupted: bool = False
    already_finished: bool = False

    @property
    def diverged(self) -> bool:
        return Status.DIVERGED.name.lower() in self.summary["status"]

    def __repr__(self) -> str:
        figures = tables.in_short(self.summary)
        return f"Run({self.summary['rule']} on {self.summary['data']}, {self.summary['epochs']} epochs{figures})"

    def _repr_html_(self) -> str:
        notes = "".join(f"<p>{escape(note)}</p>" for note in tables.notes(self.summary))
        curves = base64.b64encode(self._curves("svg")).decode()
        image = f'<img alt="curves" src="data:image/svg+xml;base64,{curves}">'
        return f"{tables.results(self.summary)._repr_html_()}\n{notes}\n{image}"

    def _repr_png_(self) -> bytes:
        return self._curves("png")

    def _curves(self, form: str) -> bytes:
        subject = plots.Subject(self.out.name if self.out else "", self.history, self.network.rule.name)
        return plots.encode(plots.draw("curves", subject), form)
