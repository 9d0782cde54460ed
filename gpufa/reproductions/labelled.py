"""Cells that have run, and what a picture calls them."""

from collections.abc import Iterator

from ..measure.history import History
from ..rules import make_rule
from ..training.settings.config import Config
from .outcome import Outcome

Ran = dict[str, Outcome]  # by the cell's name, those that have run


def labelled(cells: Ran) -> Iterator[tuple[str, History, int]]:
    """(label, history, batch size) of each."""
    for label, outcome in zip(labels(cells), cells.values(), strict=True):
        if outcome.history:
            yield label, outcome.history, resolved(outcome).batch_size or 1


def labels(cells: Ran) -> list[str]:
    """What tells the cells apart, of each."""
    rows, columns = ({name.split("/")[i] for name in cells} for i in (0, 1))
    parts = [name.split("/") for name in cells]
    return [c if len(rows) == 1 else r if len(columns) == 1 else f"{r} {c}" for r, c in parts]


def resolved(outcome: Outcome) -> Config:
    """The cell's settings with the rule's defaults filled in."""
    config = outcome.cell.config()
    return config.resolved(make_rule(config.rule, config.rule_options))
