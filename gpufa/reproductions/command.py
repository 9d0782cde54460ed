"""gpufa reproduce: run a published experiment and set its figures beside ours."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tyro.conf import Positional

from .. import display
from ..callbacks import Callback
from ..errors import FileProblem, InvalidValue
from . import experiment, figures, record, runner
from .experiment import Cell, Experiment
from .outcome import Outcome

OK = 0


def reproduce(
    name: Positional[str] = "list",
    cells: tuple[str, ...] = (),
    seeds: int | None = None,
    epochs: int | None = None,
    out: Path = Path("runs/reproductions"),
    quick: bool = False,
    quiet: bool = False,
) -> int:
    """Run a published experiment: a table of its figures and ours, JSON, and the paper's pictures.

    What has been run is not run again, and what was stopped goes on where it stopped.

    Args:
        name: list, or an experiment's name
        cells: ROW/COLUMN of the cells to run, such as 2x800-tanh/dfa or '7x240*/*'; all where not given
        seeds: how many seeds, 0, 1, 2, ...; the experiment's own number where not given
        epochs: another number of epochs than the paper's, whose results can't be compared
        out: the folder of all experiments
        quick: the cells that have a short run with a band of its own, to see whether all is well
        quiet: print nothing but errors
    """
    to = display.console(quiet=quiet)
    if name == "list":
        titles = {known: experiment.find(known).title for known in experiment.names()}
        display.facts(titles, to, "experiments: gpufa reproduce NAME")
        return OK
    found = experiment.find(name)
    chosen, folder = _chosen(found, cells, epochs, quick, out)
    if seeds is not None and seeds < 1:
        raise InvalidValue(f"seeds = {seeds} can't be run; give a whole number of at least 1")
    wanted = range(seeds or (1 if quick else found.seeds))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileProblem(f"folder {str(folder)!r} can't be written ({error.strerror}); give another --out") from error
    done = True
    for cell in chosen:
        to.print(f"{found.name} {cell.name}")
        done = runner.train(cell, folder, wanted, lambda: _callbacks(quiet))
        if not done:
            break
    written = write(found, chosen if epochs or quick else found.cells, folder)
    to.print(record.table(written))
    if not done:
        to.print("stopped and saved; the same command goes on")
    to.print(f"{record.RECORD} and the figures are in {folder}", soft_wrap=True)
    return OK


def write(found: Experiment, cells: Sequence[Cell], folder: Path) -> dict[str, object]:
    """Read all that has been run of these cells; write results.json and the figures; the former's content."""
    outcomes = [Outcome.of(cell, runner.runs_of(cell, folder)) for cell in cells]
    written = record.record(found, outcomes, figures.draw(found, outcomes, folder))
    record.write(written, folder)
    return written


def _chosen(
    found: Experiment, patterns: tuple[str, ...], epochs: int | None, quick: bool, out: Path
) -> tuple[tuple[Cell, ...], Path]:
    """The cells, and the folder that these are kept in."""
    if quick and (epochs or patterns):
        raise InvalidValue("--quick has cells and epochs of its own; leave --cells and --epochs out")
    if quick:
        if not found.quick_cells():
            raise InvalidValue(f"{found.name} has no short run; leave --quick out")
        return found.quick_cells(), out / found.name / "quick"
    chosen = found.chosen(patterns)
    if epochs is None:
        return chosen, out / found.name
    differs = f"{epochs} epochs in place of the paper's"
    shorter = (replace(c, settings={**c.settings, "epochs": epochs}, differs=differs) for c in chosen)
    return tuple(shorter), out / found.name / f"epochs-{epochs}"


def _callbacks(quiet: bool) -> list[Callback]:
    return [] if quiet else [display.Display()]
