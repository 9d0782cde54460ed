"""Running an experiment's cells: the seeds that are missing, and runs that were stopped from where they stopped.

A run is kept in FOLDER/ROW/COLUMN/seeds-0-1-2; one that starts from the weights of another in that one's own folder, by
the name of its row, so that who removes a run removes what was made of it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..basics.errors import FileProblem, InvalidValue
from ..checkpoints import networks
from ..data.samples.about import lossy, of_metadata
from ..rules import make_rule
from ..runs import resuming
from ..runs import run as runs
from ..training.course.callbacks import Callback
from ..training.course.stopping import Status
from ..training.settings.config import Config
from ..training.settings.toml import from_mapping, to_mapping
from .experiment import Cell
from .outcome import Outcome

Callbacks = Callable[[], list[Callback]]
OF_A_RUN = "seeds", "out", "start", "backend", "device", "checkpoint_every"  # what runs of one cell may differ in
MANY = 5  # seeds that are all named in a folder's name


def train(cell: Cell, folder: Path, seeds: Sequence[int], callbacks: Callbacks) -> bool:
    """Train what is missing of a cell, all missing seeds at once; False where it was stopped before the end.

    Raises FileProblem where the folder holds runs of other settings, InvalidValue where the cell starts from one that
    has not been run.
    """
    present: list[int] = []
    for run in runs_of(cell, folder):
        if not Outcome.of(cell, [run]).finished:
            resumed = resuming.resume(run, callbacks=callbacks(), on_interrupt="return")
            if resumed.interrupted:
                return False
        present += _seeds(run)
    missing = [seed for seed in seeds if seed not in present]
    for group, out, start in _groups(cell, folder, missing):
        config = cell.config(seeds=group, out=str(out), **({"start": str(start)} if start else {}))
        if runs.train(config, callbacks=callbacks(), on_interrupt="return").interrupted:
            return False
    return True


def runs_of(cell: Cell, folder: Path) -> list[Path]:
    """The runs of a cell. Raises FileProblem where one is no run or had other settings, or two have the same seed, or
    images of which only one's have lost something."""
    if cell.after:
        files = [run / _row(cell) / networks.CHECKPOINT for run in runs_of(cell.after, folder)]
    else:
        files = sorted((folder / cell.name).glob(f"seeds-*/{networks.CHECKPOINT}"))
    found = [file.parent for file in files if file.exists()]
    wanted, seen, packed = settings(cell.config()), dict[int, Path](), dict[str, Path]()
    for run in found:
        metadata = networks.facts(run)
        if "config" not in metadata:
            raise FileProblem(
                f"{str(run)!r} holds a network without its training; give another --out, or remove that run"
            )
        config = from_mapping(metadata["config"])
        stored = {"rule": config.rule} if config.rule != wanted["rule"] else settings(config)
        for name in ["rule", *sorted(wanted.keys() | stored.keys())]:
            if stored.get(name) != wanted.get(name):
                raise FileProblem(
                    f"{str(run)!r} was trained with {name} = {stored.get(name)!r}, but {cell.name} has"
                    f" {wanted.get(name)!r}; give another --out, or remove that run"
                )
        packed.setdefault(lossy(of_metadata(metadata)), run)
        if len(packed) > 1:
            whole, lost = (str(packed[said]) for said in sorted(packed))
            raise FileProblem(
                f"{lost!r} was trained on images that have lost something, and {whole!r} on whole ones; remove one of"
                " them"
            )
        for seed in metadata["network"]["seeds"]:
            if seed in seen:
                raise FileProblem(f"{str(run)!r} and {str(seen[seed])!r} both have seed {seed}; remove one of them")
            seen[seed] = run
    return found


def settings(config: Config) -> Mapping[str, Any]:
    """All that decides a cell's figures, with every default filled in."""
    rule = make_rule(config.rule, config.rule_options)
    options = {f"rule.{name}": value for name, value in rule.options.items()}
    filled = to_mapping(config.resolved(rule)) | {"rule": config.rule} | options
    return {name: value for name, value in filled.items() if name not in OF_A_RUN}


def _groups(cell: Cell, folder: Path, missing: list[int]) -> Iterator[tuple[list[int], Path, Path | None]]:
    """(seeds trained at once, their run's folder, the run that they start from): all missing ones, or all of each run
    of the cell before."""
    if not cell.after:
        named = "-".join(map(str, missing)) if len(missing) <= MANY else f"{missing[0]}-to-{missing[-1]}"
        yield from [(missing, folder / cell.name / f"seeds-{named}", None)] if missing else []
        return
    ready = [run for run in runs_of(cell.after, folder) if _sound(cell.after, run)]
    if left := set(missing).difference(*map(_seeds, ready)):
        raise InvalidValue(
            f"{cell.name} starts from the weights of {cell.after.name}, of which seed"
            f" {', '.join(map(str, sorted(left)))} has not been trained to a good end; run that cell too, or all"
        )
    for run in ready:
        if set(missing) & set(_seeds(run)):
            yield _seeds(run), run / _row(cell), run


def _sound(cell: Cell, run: Path) -> bool:
    """Whether a run has come to its end with all its seeds."""
    found = Outcome.of(cell, [run])
    return found.finished and Status.DIVERGED.name.lower() not in found.status


def _row(cell: Cell) -> str:
    return cell.name.partition("/")[0]


def _seeds(run: Path) -> list[int]:
    return list(networks.facts(run)["network"]["seeds"])
