"""Cells that have run, and what a picture calls them."""

from collections.abc import Iterator

from ..measure.history import History
from ..rules import make_rule
from ..training.settings.config import Config
from .outcome import Outcome

Ran = dict[str, Outcome]  # by the cell's name, those that have run


def labelled(cells: Ran) -> Iterator[tuple[str, History, int]]:
    """(label, history, batch size): a label names what tells the cells apart."""
    rows, columns = ({name.split("/")[i] for name in cells} for i in (0, 1))
    for name, outcome in cells.items():
        row, column = name.split("/")
        label = column if len(rows) == 1 else row if len(columns) == 1 else f"{row} {column}"
        if outcome.history:
            yield label, outcome.history, resolved(outcome).batch_size or 1


def resolved(outcome: Outcome) -> Config:
    """The cell's settings with the rule's defaults filled in."""
    config = outcome.cell.config()
    return config.resolved(make_rule(config.rule, config.rule_options))
