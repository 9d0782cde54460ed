"""gpufa reproduce: run a published experiment and set its figures beside ours."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..basics.console import console
from ..basics.errors import FileProblem, InvalidValue
from ..reproductions import experiment, figures, record, runner
from ..reproductions.experiment import Cell, Experiment
from ..reproductions.outcome import Outcome
from ..runs import progressbar
from . import display

OK, OUTSIDE = 0, 1


def reproduce(
    name: str = "list",
    /,
    *,
    cells: tuple[str, ...] = (),
    seeds: int | None = None,
    epochs: int | None = None,
    out: Path = Path("runs/reproductions"),
    quick: bool = False,
    quiet: bool = False,
) -> int:
    """Run a published experiment: a table of its figures and ours, JSON, and the paper's pictures.

    What has been run is not run again, and what was stopped goes on where it stopped. With --quick it returns 1 where a
    cell is outside its band.

    Args:
        name: list, or an experiment's name
        cells: ROW/COLUMN of the cells to run, such as 2x800-tanh/dfa or '7x240*/*'; all where not given
        seeds: how many seeds, 0, 1, 2, ...; the experiment's own number where not given
        epochs: another number of epochs than the paper's, whose results can't be compared
        out: the folder of all experiments
        quick: the cells that have a short run with a band of its own, to see whether all is well
        quiet: print nothing but errors
    """
    to = console(quiet=quiet)
    if name == "list":
        if cells or seeds or epochs or quick:
            raise InvalidValue("an experiment is run by its name; give gpufa reproduce NAME before the flags")
        titles = {known: experiment.find(known).title for known in experiment.names()}
        display.facts(titles, to, "experiments: gpufa reproduce NAME")
        return OK
    for flag, number in (("seeds", seeds), ("epochs", epochs)):
        if number is not None and number < 1:
            raise InvalidValue(f"{flag} = {number} can't be run; give a whole number of at least 1")
    found = experiment.find(name)
    every, folder = _variant(found, epochs, quick, out)
    if quick and cells:
        raise InvalidValue("--quick has cells of its own; leave --cells out")
    chosen = {cell.name for cell in found.chosen(cells)}
    for cell in every:  # what can't be read must not be found out after hours of training
        runner.runs_of(cell, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileProblem(f"folder {str(folder)!r} can't be written ({error.strerror}); give another --out") from error
    done, wanted = True, range(seeds or (1 if quick else found.seeds))
    for cell in every:
        if done and cell.name in chosen:
            to.print(f"{found.name} {cell.name}")
            done = runner.train(cell, folder, wanted, lambda: progressbar.watching(quiet))
    written = write(found, every, folder)
    to.print(record.table(written))
    if not done:
        to.print("stopped and saved; the same command goes on")
    to.print(f"{record.RECORD} and the figures are in {folder}", soft_wrap=True)
    return OUTSIDE if quick and any(cell["verdict"] == "outside" for cell in written["cells"]) else OK


def write(found: Experiment, cells: Sequence[Cell], folder: Path) -> dict[str, Any]:
    """Read all that has been run of these cells; write results.json and the figures; the former's content."""
    outcomes = [Outcome.of(cell, runner.runs_of(cell, folder)) for cell in cells]
    record.write(record.record(found, outcomes, ()), folder)
    written = record.record(found, outcomes, figures.draw(found, outcomes, folder))
    record.write(written, folder)
    return written


def _variant(found: Experiment, epochs: int | None, quick: bool, out: Path) -> tuple[Sequence[Cell], Path]:
    """The experiment's cells, whole or shortened, and the folder that these are kept in."""
    home = out / found.name
    if quick:
        if epochs:
            raise InvalidValue("--quick has epochs of its own; leave --epochs out")
        if not found.quick_cells():
            raise InvalidValue(f"{found.name} has no short run; leave --quick out")
        return found.quick_cells(), home / "quick"
    if epochs is None:
        return found.cells, home
    return [_shortened(cell, epochs) for cell in found.cells], home / f"epochs-{epochs}"


def _shortened(cell: Cell, epochs: int) -> Cell:
    """The cell with other epochs than the paper's; so is what it starts from."""
    before = _shortened(cell.after, epochs) if cell.after else None
    differs = "; ".join(filter(None, (cell.differs, f"epochs = {epochs} was asked for")))
    return replace(cell, settings={**cell.settings, "epochs": epochs}, after=before, differs=differs)
